"""The resources of a task: from flytekit's settings, its arguments and its pod template."""

from __future__ import annotations

import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import flytekit
import pytest
from flytekit import ImageSpec, PodTemplate, Resources
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.core.context_manager import FlyteEntities
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.core.resources import ResourceSpec
from flytekit.extras.accelerators import A100, T4
from flytekit.image_spec.noop_builder import NoOpBuilder
from flytekit.models.task import Resources as Entries
from flytekit.tools.translator import get_serializable
from kubernetes.client import V1Container, V1PodSpec, V1ResourceRequirements

from flyte_dask import CallSite, InvalidConfig
from flyte_dask import Resources as Amounts
from flyte_dask.inheritance import Parent, Sidecar
from flyte_dask.roles.base import with_values
from flyte_dask.roles.resources import KUBERNETES_NAMES, amounts
from flyte_dask_engine.registration.requested import parent_with
from flytekitplugins.dask import Dask, WorkerGroup
from flytekitplugins.dask.requested import description_key, packages_of, requested_by
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


def test_which_packages_its_image_specification_installs(tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("# ours\nFlyte_Dask==0.1 \\\n    --hash=sha256:0\n-i https://acme.example\n")
    missing = tmp_path / "missing.txt"
    cases: list[tuple[ImageSpec | str | None, list[str]]] = [
        (None, []),
        ("acme/etl:3", []),
        (ImageSpec(), ["flytekit"]),
        (
            ImageSpec(
                packages=["pandas>=2", "flytekitplugins_dask[x]==1.16.1; python_version>'3'"]
            ),
            ["flytekit", "flytekitplugins-dask", "pandas"],
        ),
        (
            ImageSpec(packages=["dist/flyte_dask-0.1.0-py3-none-any.whl"]),
            ["flyte-dask", "flytekit"],
        ),
        (
            ImageSpec(packages=["flyte-dask @ git+https://acme.example/x"]),
            ["flyte-dask", "flytekit"],
        ),
        (ImageSpec(packages=["./flyte-dask"]), ["*", "flytekit"]),
        (ImageSpec(conda_packages=["dask"]), ["dask", "flytekit"]),
        (ImageSpec(requirements=str(listed)), ["flyte-dask", "flytekit"]),
        (ImageSpec(requirements=str(missing)), ["*", "flytekit"]),
        (ImageSpec(base_image="acme/base:1", packages=["pandas"]), ["*", "flytekit", "pandas"]),
        (ImageSpec(commands=["pip install flyte-dask"]), ["*", "flytekit"]),
        (ImageSpec(base_image=ImageSpec(packages=["flyte-dask"])), ["flyte-dask", "flytekit"]),
    ]
    for image, expected in cases:  # of no tasks, which other tests would register
        assert list(packages_of(image)) == expected, image


@pytest.mark.skipif(
    "should_build" not in vars(NoOpBuilder),
    reason="this flytekit looks in Docker for an image that is not built",
)
def test_a_specification_of_the_official_plugin_gets_advice(
    caplog: pytest.LogCaptureFixture,
) -> None:
    image = ImageSpec(builder="noop", base_image="acme/etl:3", packages=["flytekitplugins-dask"])
    task: Any = flytekit.task(task_config=MEM, container_image=image)(increment)
    get_serializable(OrderedDict(), settings(), task)
    assert "error image-without-flyte-dask: task.image: it installs" in caplog.text


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


MEM_OF_ZERO = V1ResourceRequirements(requests={"memory": "0"}, limits={"memory": "1Gi", "cpu": "0"})
GPU_OF_POD = V1ResourceRequirements(limits={"nvidia.com/gpu": "1"})
AGENT: dict[str, Any] = {"name": "agent", "restartPolicy": "Always"}
INIT: list[Any] = [V1Container(name="unpack", resources=OF_POD), AGENT]
SIDES = [V1Container(name="primary"), V1Container(name="log", resources=MEM_OF_ZERO)]

DESCRIBED: dict[str, tuple[dict[str, Any], Parent]] = {
    "nothing": ({}, Parent()),
    "interruptible": ({"interruptible": True}, Parent(interruptible=True)),
    "not interruptible": ({"interruptible": False}, Parent(interruptible=False)),
    "a dynamic task": (
        {"execution_mode": PythonFunctionTask.ExecutionBehavior.DYNAMIC},
        Parent(is_dynamic=True),
    ),
    "an accelerator": ({"accelerator": T4}, Parent(accelerator="nvidia-tesla-t4")),
    "a partition of one": (
        {"accelerator": A100.partition_1g_5gb, "environment": {"A": "1"}},
        Parent(accelerator="nvidia-tesla-a100", environment=["A"]),
    ),
    "zeros": (
        {"requests": Resources(cpu="0", mem="1Gi"), "limits": Resources(ephemeral_storage="0")},
        Parent(Amounts(mem="1Gi"), zeros=["requests.cpu", "limits.ephemeral_storage"]),
    ),
    "numbers that are zero, which flytekit leaves out": (
        {"requests": Resources(cpu=0, mem="1Gi"), "limits": Resources(ephemeral_storage=0)},
        Parent(Amounts(mem="1Gi")),
    ),
    "GPUs of the pod": (
        {"pod_template": pod(GPU_OF_POD)},
        Parent(limits=Amounts(gpu=1), has_own_pod_template=True, gpu_from_pod_template=True),
    ),
    "GPUs of the pod, if the task's resources are all left out": (
        {"pod_template": pod(GPU_OF_POD), "requests": Resources(cpu=0)},
        Parent(limits=Amounts(gpu=1), has_own_pod_template=True, gpu_from_pod_template=True),
    ),
    "the task's instead of the pod's": (
        {"pod_template": pod(GPU_OF_POD), "requests": Resources(gpu="2"), "interruptible": True},
        Parent(Amounts(gpu=2), has_own_pod_template=True, interruptible=True),
    ),
    "a pod without GPUs": (
        {"pod_template": pod(OF_POD)},
        Parent(Amounts(cpu=5), Amounts(cpu=6), has_own_pod_template=True),
    ),
    "zeros of the pod": (
        {"pod_template": pod(MEM_OF_ZERO)},
        Parent(
            limits=Amounts(mem="1Gi"),
            zeros=["requests.mem", "limits.cpu"],
            has_own_pod_template=True,
        ),
    ),
    "zeros of a sidecar, and init containers": (
        {"pod_template": PodTemplate(V1PodSpec(containers=SIDES, init_containers=INIT))},
        Parent(
            sidecars=[
                Sidecar("log", None, Amounts(mem="1Gi"), zeros=["requests.mem", "limits.cpu"])
            ],
            init_containers=[Sidecar("unpack", Amounts(cpu=5), Amounts(cpu=6)), Sidecar("agent")],
        ),
    ),
    "a pod of no containers": ({"pod_template": PodTemplate()}, Parent(has_own_pod_template=True)),
}


@pytest.mark.parametrize("kind", DESCRIBED)
def test_what_else_is_known_of_a_task(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It equals what flytekit registers, and is part of the key of the cache."""
    # a dynamic task hands on the images of all tasks, and other tests define some that do not exist
    monkeypatch.setattr(FlyteEntities, "entities", [])
    arguments, expected = DESCRIBED[kind]
    task: Any = flytekit.task(task_config=MEM, **arguments)(increment)
    parent = task.review(settings()).job.parent
    assert parent == with_values(expected, image="acme/task:1")
    spec: Any = get_serializable(OrderedDict(), settings(), task)
    assert registered(spec.template) == (
        parent.has_own_pod_template,
        [each.name for each in parent.init_containers],
        parent.interruptible,
        parent.accelerator,
        resources_in(parent),
    )


def registered(template: Any) -> tuple[object, ...]:
    """The same of a template: whether it has a pod, its init containers, and so on."""
    device = template.extended_resources and template.extended_resources.gpu_accelerator.device
    pod_spec = template.k8s_pod and template.k8s_pod.pod_spec
    found = pod_spec.get("initContainers", []) if pod_spec else []
    others = [each["name"] for each in found], template.metadata.interruptible, device
    return template.k8s_pod is not None, *others, written(template, pod_spec)


def written(template: Any, pod_spec: Any) -> dict[str, str]:
    """The amounts of its own container, by path; a GPU by its name there."""
    if template.container is not None:
        entries = template.container.resources
        return {
            f"{side}.{_NAMES[each.name]}": str(each.value)
            for side in ("requests", "limits")
            for each in getattr(entries, side)
        }
    containers = {each["name"]: each for each in (pod_spec or {}).get("containers", [])}
    resources = containers.get("primary", {}).get("resources", {})
    return {
        f"{side}.{name}": amount
        for side in ("requests", "limits")
        for name, amount in resources.get(side, {}).items()
    }


_NAMES = {
    Entries.ResourceName.CPU: "cpu",
    Entries.ResourceName.MEMORY: "memory",
    Entries.ResourceName.GPU: "gpu",
    Entries.ResourceName.EPHEMERAL_STORAGE: "ephemeral-storage",
}


def resources_in(parent: Parent) -> dict[str, str]:
    """All amounts of *parent*, zeros included."""
    gpu = "nvidia.com/gpu" if parent.gpu_from_pod_template else "gpu"
    names = {**KUBERNETES_NAMES, "gpu": gpu}
    found = {}
    for side in ("requests", "limits"):
        for name, amount in amounts(getattr(parent, side)).items():
            found[f"{side}.{names[name]}"] = amount.text
    for path in parent.zeros:
        side, _, name = path.partition(".")
        found[f"{side}.{names[name]}"] = "0"
    return found


def test_tasks_that_differ_in_nothing_else_do_not_share_advice() -> None:
    """The key of the cache has all that is described."""
    others: list[dict[str, Any]] = [
        {},
        {"interruptible": True},
        {"interruptible": False},
        {"accelerator": T4},
        {"container_image": ImageSpec(packages=["pandas"])},
        {"execution_mode": PythonFunctionTask.ExecutionBehavior.DYNAMIC},
    ]
    tasks: list[Any] = [flytekit.task(task_config=MEM, **each)(increment) for each in others]
    assert len({description_key(task, settings()) for task in tasks}) == len(tasks)
