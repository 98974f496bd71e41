"""The resources of a task: from flytekit's settings, its arguments and its pod template."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import Any

import flytekit
import pytest
from flytekit import ImageSpec, PodTemplate, Resources
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.resources import ResourceSpec
from flytekit.image_spec.noop_builder import NoOpBuilder
from flytekit.tools.translator import get_serializable
from kubernetes.client import V1Container, V1PodSpec, V1ResourceRequirements

from flyte_dask import CallSite, InvalidConfig
from flyte_dask_engine.registration.requested import parent_with
from flytekitplugins.dask import Dask, WorkerGroup
from flytekitplugins.dask.requested import requested_by
from tests.flytekit.test_task import increment

MEM = Dask(workers=WorkerGroup(requests=Resources(mem="8Gi"), limits=Resources(mem="8Gi")))


def settings(default: ResourceSpec | None = None) -> SerializationSettings:
    image = Image("default", "acme/task", "1")
    return SerializationSettings(
        image_config=ImageConfig(default_image=image), default_resources=default
    )


def cpus(custom: dict[str, Any]) -> list[str | None]:
    """The CPUs that the workers request and are limited to."""
    found = []
    for side in ("requests", "limits"):
        entries = custom["workers"]["resources"].get(side, [])
        found.append(next((each["value"] for each in entries if each["name"] == "CPU"), None))
    return found


def pod(resources: V1ResourceRequirements | None, name: str = "primary") -> PodTemplate:
    return PodTemplate(V1PodSpec(containers=[V1Container(name=name, resources=resources)]))


DEFAULT = ResourceSpec(requests=Resources(cpu="1"), limits=Resources(cpu="2"))
OF_POD = V1ResourceRequirements(requests={"cpu": "5"}, limits={"cpu": "6"})

SOURCES: dict[str, tuple[dict[str, Any], ResourceSpec | None, list[str | None]]] = {
    "none": ({}, None, [None, None]),
    "the task": ({"requests": Resources(cpu="3")}, DEFAULT, ["3", None]),
    "default resources": ({}, DEFAULT, ["1", "2"]),
    "default resources that are empty": ({}, ResourceSpec(Resources(), Resources()), [None] * 2),
    "the pod": ({"pod_template": pod(OF_POD)}, None, ["5", "6"]),
    "default resources before the pod": ({"pod_template": pod(OF_POD)}, DEFAULT, ["1", "2"]),
    "a zero is set, and dropped": ({"requests": Resources(cpu="0")}, DEFAULT, [None, None]),
    "other devices of the pod": (
        {"pod_template": pod(V1ResourceRequirements(limits={"amd.com/gpu": "1"}))},
        None,
        [None, None],
    ),
    "another container of the pod": ({"pod_template": pod(OF_POD, "other")}, None, [None, None]),
    "a pod without resources": ({"pod_template": pod(None)}, None, [None, None]),
    "a pod of no containers": ({"pod_template": PodTemplate()}, None, [None, None]),
    "a pod template by name": ({"pod_template_name": "gpu-pods"}, None, [None, None]),
}


@pytest.mark.parametrize("source", SOURCES)
def test_where_the_resources_come_from(source: str) -> None:
    """They equal those of flytekit's own template, whether or not that was created before."""
    arguments, default, expected = SOURCES[source]
    for is_translated in (False, True):
        task = flytekit.task(task_config=MEM, **arguments)(increment)
        custom: Any = task.get_custom(settings(default))
        if is_translated:
            spec: Any = get_serializable(OrderedDict(), settings(default), task)
            custom = spec.template.custom
        assert cpus(custom) == expected


ORIGINS = {
    "the task": "@task at tests/flytekit/test_requested.py:{}",
    "default resources": "default resources",
    "the pod": "pod template at tests/flytekit/test_requested.py:{}",
}


@pytest.mark.parametrize("source", ORIGINS)
@pytest.mark.parametrize("is_translated", [False, True])
def test_where_the_origins_point_to(source: str, is_translated: bool) -> None:
    """Default resources have no call site, though flytekit puts them into the task."""
    arguments, default, _ = SOURCES[source]
    where = settings(default)
    line = sys._getframe().f_lineno + 1
    task = flytekit.task(task_config=MEM, **arguments)(increment)
    if is_translated:
        get_serializable(OrderedDict(), where, task)
    parent = parent_with(requested_by(task, where), task.name, CallSite(__file__, line))
    origin = parent.origins["cpu"]
    assert str(origin) == ORIGINS[source].format(line)


def with_images(primary: str | ImageSpec | None) -> PodTemplate:
    """A pod of two containers."""
    side = V1Container(name="side", image="acme/side:1")
    container = V1Container(name="primary")
    # as if passed to the call: the client of some versions rejects specs, which flytekit accepts
    vars(container)["image" if "image" in vars(container) else "_image"] = primary
    return PodTemplate(V1PodSpec(containers=[container, side]))


IMAGES: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({}, "acme/task:1"),
    "the task's": ({"container_image": "acme/own:2"}, "acme/own:2"),
    "the pod's": ({"pod_template": with_images("acme/pod:3")}, "acme/pod:3"),
    "the pod's before the task's": (
        {"pod_template": with_images("acme/pod:3"), "container_image": "acme/own:2"},
        "acme/pod:3",
    ),
    "a template of the pod's": ({"pod_template": with_images("{{.image.default}}")}, "acme/task:1"),
    "an empty one of the pod's": (
        {"pod_template": with_images(""), "container_image": "acme/own:2"},
        "acme/task:1",
    ),
    "the task's, of a pod without": (
        {"pod_template": with_images(None), "container_image": "acme/own:2"},
        "acme/own:2",
    ),
    "the task's, of a pod of no containers": (
        {"pod_template": PodTemplate(), "container_image": "acme/own:2"},
        "acme/own:2",
    ),
    "a spec of the pod's": (
        {"pod_template": with_images(ImageSpec("built", builder="noop", base_image="acme/pod:3"))},
        "acme/pod:3",
    ),
    "a spec of the task's": (
        {"container_image": ImageSpec("built", builder="noop", base_image="acme/own:2")},
        "acme/own:2",
    ),
}


@pytest.mark.parametrize("source", IMAGES)
def test_which_image_its_pods_have(source: str) -> None:
    """It equals that of flytekit's own template."""
    if "should_build" not in vars(NoOpBuilder) and source.startswith("a spec"):
        pytest.skip("this flytekit looks in Docker for an image that is not built")
    arguments, expected = IMAGES[source]
    task: Any = flytekit.task(task_config=MEM, **arguments)(increment)
    spec: Any = get_serializable(OrderedDict(), settings(), task)
    assert image_in(spec.template) == expected
    assert [pod.image for pod in task.review(settings()).job.pods] == [expected] * 3


def image_in(template: Any) -> str:
    """The image of its own container."""
    if template.k8s_pod is None:
        return str(template.container.image)
    containers = {each["name"]: each for each in template.k8s_pod.pod_spec["containers"]}
    return str(containers["primary"]["image"])


BAD: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    (
        {"requests": Resources(cpu="4", mem="16GB"), "limits": Resources(cpu="2")},
        "@task of {}",
        {
            "requests.mem": "'16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?",
            "limits.cpu": "'2' is below the request '4': raise the limit or lower the request",
        },
    ),
    (
        {"pod_template": pod(V1ResourceRequirements(limits={"memory": "-1"}))},
        "pod template of {}",
        {
            "limits.mem": "'-1' must be above zero (Flyte drops other amounts): "
            "set what the pod needs, or omit it"
        },
    ),
]


@pytest.mark.parametrize(("arguments", "subject", "problems"), BAD, ids=["task", "pod"])
def test_what_kubernetes_would_reject_is_an_error_at_the_tasks_line(
    arguments: dict[str, Any], subject: str, problems: dict[str, str]
) -> None:
    task = flytekit.task(task_config=MEM, **arguments)(increment)
    with pytest.raises(InvalidConfig) as caught:
        task.get_custom(settings())
    assert caught.value.subject == subject.format(task.name)
    assert {each.path: str(each) for each in caught.value.problems} == problems
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__
