"""Registration of Flyte 2 tasks: their templates, what is rejected, policy and advice."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import flyte
import pytest
from flyte.extend import get_proto_resources
from flyteidl2.plugins.dask_pb2 import DaskJob
from google.protobuf.json_format import ParseDict
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import InvalidConfig, PolicyViolation, Resources, presets
from flyte_dask.inheritance import Parent
from flyte_dask_engine.registration import serialization
from flyteplugins.flyte_dask import Dask, Runtime, Scheduler, WorkerGroup
from flyteplugins.flyte_dask.packages import packages_of
from flyteplugins.flyte_dask.requested import described
from flyteplugins.flyte_dask.task import DaskTask
from tests.support.flyte2_runner import register

official: Any = import_module("flyteplugins.dask")


def number() -> int:
    """A function to make tasks of."""
    return 1


def task_of(config: object, resources: flyte.Resources | None = None, **more: Any) -> DaskTask:
    """The task of `number` with this config."""
    environment = flyte.TaskEnvironment(name="etl", plugin_config=config, resources=resources)
    made = environment.task(**more)(number)
    assert isinstance(made, DaskTask)
    return made


def custom_of(config: object, resources: flyte.Resources | None = None) -> dict[str, Any]:
    """The custom of its template."""
    return task_of(config, resources).custom_config(cast("Any", None))


# ------------------------------------------------------------------------------------------------
# the wire

CPUS = st.sampled_from([1, 2, 0.5, "500m", "3", "1500m"])
MEMORY = st.sampled_from(["1Gi", "512Mi", "2G", "1500M"])


def either(amounts: st.SearchStrategy[Any], most: Any) -> st.SearchStrategy[Any]:
    """An amount, a pair with a limit of *most*, or nothing."""
    return st.none() | amounts | amounts.map(lambda each: (each, most))


THEIR_RESOURCES = st.builds(
    flyte.Resources,
    cpu=either(CPUS, 8),
    memory=either(MEMORY, "64Gi"),
    disk=st.none() | MEMORY,
)
IMAGES = st.none() | st.sampled_from(["acme/etl:3", "ghcr.io/acme/etl@sha256:abc"])


@given(
    st.integers(1, 2**31),
    IMAGES,
    st.none() | THEIR_RESOURCES,
    IMAGES,
    st.none() | THEIR_RESOURCES,
)
def test_the_message_is_the_official_plugins(
    count: int,
    image: str | None,
    of_scheduler: flyte.Resources | None,
    of_workers_image: str | None,
    of_workers: flyte.Resources | None,
) -> None:
    """As JSON and as bytes, for configs without GPUs that both accept."""
    theirs = DaskJob(
        scheduler={"image": image, "resources": get_proto_resources(of_scheduler)},
        workers={
            "number_of_workers": count,
            "image": of_workers_image,
            "resources": get_proto_resources(of_workers),
        },
    )
    custom = official.task.DaskTask.custom_config(
        flyte.TaskEnvironment(
            name="etl",
            plugin_config=official.Dask(
                official.Scheduler(image, of_scheduler),
                official.WorkerGroup(count, of_workers_image, of_workers),
            ),
        ).task(number),
        cast("Any", None),
    )
    ours = task_of(
        Dask(
            Scheduler(image, resources=of_scheduler),
            WorkerGroup(count, of_workers_image, resources=of_workers),
        )
    )
    assert ours.custom_config(cast("Any", None)) == custom
    assert ParseDict(custom, DaskJob()) == theirs
    cluster = ours.cluster()
    message = DaskJob.FromString(bytes(serialization.dask_job(cluster.config, cluster.resolved)))
    for role in (message.scheduler, message.workers):
        if not role.resources.ByteSize():
            role.ClearField("resources")
    assert message.SerializeToString(deterministic=True) == theirs.SerializeToString(
        deterministic=True
    )


def test_a_request_of_gpus_is_a_limit_too() -> None:
    """Kubernetes requires it; the official plugin sends the request only."""
    group = WorkerGroup(2, resources=flyte.Resources(gpu=1))
    assert custom_of(Dask(workers=group))["workers"] == {
        "numberOfWorkers": 2,
        "resources": {
            "requests": [{"name": "GPU", "value": "1"}],
            "limits": [{"name": "GPU", "value": "1"}],
        },
    }


def test_the_template_is_that_of_the_sdk() -> None:
    """But for the type and the custom, and with a report if the config wants one."""
    config = presets.medium(workers=5).with_runtime(report=True)
    made = register(task_of(config, flyte.Resources(cpu=1, memory="2Gi"), retries=2))
    template = made.template
    assert (template.type, template.metadata.generates_deck.value) == ("dask", True)
    assert template.metadata.retries.retries == 2
    assert made.custom["workers"]["numberOfWorkers"] == 5
    arguments = list(template.container.args)
    assert (
        arguments[arguments.index("--resolver") + 1]
        == "flyte._internal.resolvers.default.DefaultTaskResolver"
    )


# ------------------------------------------------------------------------------------------------
# inheritance


def test_roles_inherit_from_the_resources_of_the_environment() -> None:
    """Per dimension: a scalar is a request, a pair request and limit."""
    resources = flyte.Resources(cpu=(2, 4), memory="8Gi", disk="20Gi")
    config = Dask(workers=3).with_workers(mem="16Gi")
    assert custom_of(config, resources) == {
        "scheduler": {},
        "workers": {
            "numberOfWorkers": 3,
            "resources": {
                "requests": [
                    {"name": "CPU", "value": "2"},
                    {"name": "MEMORY", "value": "16Gi"},
                    {"name": "EPHEMERAL_STORAGE", "value": "20Gi"},
                ],
                "limits": [{"name": "CPU", "value": "4"}, {"name": "MEMORY", "value": "16Gi"}],
            },
        },
    }


def test_the_origins_of_inherited_values_name_the_decorator() -> None:
    made = task_of(Dask(workers=3).with_workers(mem="16Gi"), flyte.Resources(cpu=(2, 4)))
    pair = made.cluster().resolved.workers.cpu
    assert str(pair.limit.origin).startswith("@env.task at ")


def test_roles_inherit_what_an_override_of_the_task_sets() -> None:
    made = task_of(Dask(workers=3).with_workers(mem="16Gi"), flyte.Resources(cpu=(2, 4)))
    changed: Any = made.override(resources=flyte.Resources(cpu=(6, 8)))
    requests = changed.custom_config(cast("Any", None))["workers"]["resources"]["requests"]
    assert requests[0] == {"name": "CPU", "value": "6"}


def test_roles_inherit_from_a_pod_template() -> None:
    """Per resource, as the SDK merges it with the resources of the environment."""
    from kubernetes.client import V1Container, V1PodSpec, V1ResourceRequirements

    of_pod = V1ResourceRequirements(requests={"cpu": "1", "memory": "4Gi"}, limits={"cpu": "3"})
    pod = V1PodSpec(containers=[V1Container(name="primary", resources=of_pod)])
    template = flyte.PodTemplate(pod_spec=pod)
    config = Dask(workers=3).with_workers(ephemeral_storage="5Gi")
    made = task_of(config, flyte.Resources(cpu=(2, 4)), pod_template=template)
    resolved = made.cluster().resolved.workers
    assert [str(each.effective) for each in resolved.cpu] == ["2", "4"]
    assert str(resolved.mem.request.effective) == "4Gi"


def test_the_pod_template_is_known_to_the_prediction() -> None:
    """Its sidecars, variables and tolerations, and whether it is what sets GPUs."""
    from kubernetes.client import (
        V1Container,
        V1EnvVar,
        V1PodSpec,
        V1ResourceRequirements,
        V1Toleration,
    )

    primary = V1Container(
        name="primary",
        env=[V1EnvVar(name="REGION", value="eu")],
        resources=V1ResourceRequirements(limits={"nvidia.com/gpu": "1"}),
    )
    pod = V1PodSpec(
        containers=[V1Container(name="proxy"), primary], tolerations=[V1Toleration(key="gpu")]
    )
    template = flyte.PodTemplate(pod_spec=pod)
    parent = task_of(Dask(), pod_template=template).review(None).job.parent
    assert [each.name for each in parent.sidecars] == ["proxy"]
    assert (parent.environment, parent.tolerations) == (("REGION",), ("gpu",))
    assert (parent.gpu_from_pod_template, parent.has_own_pod_template) == (True, True)
    set_by_task = task_of(Dask(), flyte.Resources(gpu="T4:1"), pod_template=template)
    other = set_by_task.review(None).job.parent
    assert (other.gpu_from_pod_template, other.accelerator) == (False, "nvidia-tesla-t4")


# ------------------------------------------------------------------------------------------------
# what is rejected


def problems_of(config: object) -> list[str]:
    """The problems of a task with this config, each as a text."""
    with pytest.raises(InvalidConfig) as caught:
        task_of(config)
    assert caught.value.subject == "@env.task of number"
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__
    return [f"{each.path}: {each}" for each in caught.value.problems]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (presets.medium, "is a Preset, which makes configs: call it, as in presets.medium()"),
        (WorkerGroup(3), "is a WorkerGroup, one part of a config: write Dask(workers=...)"),
        (Scheduler(), "is a Scheduler, one part of a config: write Dask(scheduler=...)"),
        (Runtime(), "is a Runtime, one part of a config: write Dask(runtime=...)"),
        (Dask, "is a class, not a config: call it: Dask(...)"),
        (Resources(cpu=1), "is not a Dask: write Dask(...), or call a preset"),
    ],
    ids=["preset", "workers", "scheduler", "runtime", "class", "resources"],
)
def test_what_is_no_config(config: object, problem: str) -> None:
    (found,) = problems_of(config)
    assert found.startswith("plugin_config: ")
    assert found.endswith(problem)


def test_images_that_only_flytekit_knows() -> None:
    """All at once, each with the remedy."""
    from flytekit import ImageSpec

    config = Dask(Scheduler("{{.image.etl.fqn}}:1"), WorkerGroup(2, ImageSpec(name="etl")))
    template, spec = problems_of(config)
    remedy = "use a reference such as 'acme/etl:3', or omit it to use the environment's image"
    assert template == (
        "scheduler.image: '{{.image.etl.fqn}}:1' is a template, which flytekit renders and Flyte 2 "
        f"does not: {remedy}"
    )
    assert spec.startswith("workers.image: ImageSpec(")
    assert spec.endswith(f"is an ImageSpec, which flytekit builds and Flyte 2 does not: {remedy}")


def test_an_image_of_the_sdk_on_a_role() -> None:
    with pytest.raises(InvalidConfig, match="set it as the image of the task's environment"):
        Scheduler(flyte.Image.from_debian_base())  # type: ignore[arg-type]


def test_more_minimum_workers_than_workers() -> None:
    (found,) = problems_of(Dask(workers=2).with_runtime(min_workers=3))
    assert found.startswith("runtime.min_workers: 3 is above the number of workers, 2: ")


def test_an_override_is_checked_as_well() -> None:
    with pytest.raises(InvalidConfig, match="is a Preset, which makes configs"):
        task_of(Dask()).override(plugin_config=presets.medium)


def test_a_reusable_environment_has_no_cluster() -> None:
    """The SDK rejects it."""
    with pytest.raises(ValueError, match="Cannot set plugin_config when environment is reusable"):
        flyte.TaskEnvironment(
            name="etl", plugin_config=Dask(), reusable=flyte.ReusePolicy(replicas=1)
        )


def test_an_override_of_a_reusable_task() -> None:
    """Which the SDK takes, though its pods have no cluster."""
    reusable = flyte.TaskEnvironment(
        name="etl", reusable=flyte.ReusePolicy(replicas=2, idle_ttl=60)
    ).task(number)
    with pytest.raises(InvalidConfig) as caught:
        reusable.override(plugin_config=Dask(workers=2))
    (problem,) = caught.value.problems
    assert (problem.path, str(problem)) == (
        "plugin_config",
        (
            "Dask(workers=WorkerGroup(number_of_workers=2)) needs pods of its own, but the "
            "environment is reusable: use an environment that is not reusable, or add "
            "reusable='off' to the override"
        ),
    )
    changed: Any = reusable.override(plugin_config=Dask(workers=2), reusable="off")
    assert changed.cluster_config == Dask(workers=2)


def test_an_override_decides_on_the_report_of_a_config() -> None:
    """And not on one that the task asks for."""
    with_report = Dask(workers=2).with_runtime(report=True)
    by_config: Any = task_of(with_report)
    assert by_config.report
    assert by_config.override(short_name="other").report
    assert not by_config.override(plugin_config=Dask(workers=2)).report
    env = flyte.TaskEnvironment(name="etl", plugin_config=with_report)
    by_task: Any = env.task(report=True)(number)
    assert by_task.override(plugin_config=Dask(workers=2)).report


def test_an_invalid_amount_of_the_environment() -> None:
    with pytest.raises(InvalidConfig, match="'16GB' is not a Kubernetes quantity"):
        custom_of(Dask(workers=2), flyte.Resources(memory="16GB"))


# ------------------------------------------------------------------------------------------------
# overrides


def test_an_overridden_config_is_in_the_arguments_of_the_container() -> None:
    from tests.support import flyte2_tasks as tasks

    config = tasks.BOTH.with_workers(7).with_runtime(stall_timeout=9).without_advice("tiny-memory")
    made = register(tasks.sees.override(plugin_config=config, short_name="big"), 3)
    assert made.custom["workers"]["numberOfWorkers"] == 7
    arguments = list(made.template.container.args)
    at = arguments.index("--resolver")
    assert arguments[at + 1] == "flyteplugins.flyte_dask.overrides.ConfigResolver"
    from flyteplugins.flyte_dask.overrides import ConfigResolver

    loaded = ConfigResolver().load_task(arguments[at + 2 :])
    assert loaded.func is tasks.sees.func
    assert loaded.cluster_config.runtime.stall_timeout == 9
    assert loaded.cluster_config.silence == ("tiny-memory",)
    again: Any = tasks.sees.override(plugin_config=config)
    assert loaded.custom_config(None) == again.custom_config(None)


def test_an_equal_config_is_loaded_with_the_module() -> None:
    from tests.support import flyte2_tasks as tasks

    same = tasks.BOTH.with_workers(2)
    made = register(tasks.sees.override(plugin_config=same), 3)
    assert "flyteplugins.flyte_dask.overrides.ConfigResolver" not in made.template.container.args


# ------------------------------------------------------------------------------------------------
# images


def test_which_packages_its_image_installs(tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text("flyte-dask[flyte2]==0.1\n")
    own = flyte.Image.from_debian_base(python_version=(3, 12))
    other = flyte.Image.from_base("acme/etl:3").clone(name="etl", extendable=True)
    cases = [
        (own, []),
        (own.with_apt_packages("git").with_env_vars({"A": "b"}), ["flyte"]),
        (
            own.with_pip_packages("pandas>=2", "flyteplugins-dask"),
            ["flyte", "flyteplugins-dask", "pandas"],
        ),
        (own.with_requirements(listed), ["flyte", "flyte-dask"]),
        (
            own.with_pip_packages("pandas").with_commands(["pip install ."]),
            ["*", "flyte", "pandas"],
        ),
        (other.with_pip_packages("pandas"), ["*", "pandas"]),
    ]
    for image, expected in cases:
        assert list(packages_of(image)) == expected, image
        environment = flyte.TaskEnvironment(name="etl", plugin_config=Dask(), image=image)
        task: Any = environment.task(number)
        assert list(described(Parent(), task, None).packages) == expected


def test_an_image_without_this_package_gets_advice() -> None:
    image = flyte.Image.from_debian_base(python_version=(3, 12)).with_pip_packages("pandas")
    config = Dask().with_workers(mem="8Gi").with_scheduler(mem="1Gi")
    environment = flyte.TaskEnvironment(name="etl", plugin_config=config, image=image)
    made: Any = environment.task(number)
    assert [each.code for each in made.review(None).advice] == ["image-without-flyte-dask"]


# policy and advice


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a team file, as that of the module of `number`."""
    file = tmp_path / "flyte-dask.toml"
    monkeypatch.setenv("FLYTE_DASK_FILE", str(file))
    return file


def test_a_policy_is_enforced_at_registration(module: Path) -> None:
    module.write_text("[policy]\nmax_workers = 2\n")
    with pytest.raises(PolicyViolation, match=r"@env\.task of etl\.number"):
        custom_of(Dask(workers=3))


def test_it_is_not_enforced_in_a_pod(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a task serializes those that it calls."""
    from flyteplugins.flyte_dask.host import Flyte

    module.write_text("[policy]\nmax_workers = 2\n")
    monkeypatch.setattr(Flyte, "is_on_flyte", lambda _: True)
    assert custom_of(Dask(workers=3))["workers"]["numberOfWorkers"] == 3


def test_advice_is_logged_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of the SDK."""
    logged: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", logged.append)
    logger = logging.getLogger("flyte.user.dask.advice")
    logger.addHandler(handler)
    try:
        environment = flyte.TaskEnvironment(
            name="etl", plugin_config=Dask(workers=2), env_vars={"DASK_WORKER_NAME": "one"}
        )
        made = environment.task(number)
        made.custom_config(cast("Any", None))
        made.custom_config(cast("Any", None))
    finally:
        logger.removeHandler(handler)
    messages = [each.getMessage() for each in logged]
    (found,) = (each for each in messages if "reserved-env-var" in each)
    assert "Remedy: remove DASK_WORKER_NAME from TaskEnvironment(env_vars=...)" in found


def test_a_remedy_for_the_resources_of_a_task_is_code_of_the_sdk() -> None:
    made = task_of(Dask(workers=2), flyte.Resources(cpu=(1, 2), memory="400m"))
    remedies = {each.code: each.remedy for each in made.review(None).advice}
    assert remedies["memory-milli-unit"] == (
        'TaskEnvironment(resources=flyte.Resources(cpu=("1", "2"), memory=("400Mi", "400Mi")))'
    )


def test_a_team_file_that_does_not_travel_with_the_code(tmp_path: Path) -> None:
    """The runner would read it again."""
    from flyte.models import CodeBundle, SerializationContext

    from flyte_dask.team_files.tracking import TrackedFile, tracked

    (tmp_path / "etl.py").touch()
    file = tmp_path / "conf" / "flyte-dask.toml"
    file.parent.mkdir()
    file.write_text("")
    each = TrackedFile(file, None, tmp_path / "etl.py")
    tracked[each] = None
    try:
        bundle = CodeBundle(computed_version="1", tgz="code.tgz", files=["etl.py"])
        context = SerializationContext(version="1", code_bundle=bundle, root_dir=tmp_path)
        with pytest.raises(InvalidConfig, match=r"name it in TaskEnvironment\(include="):
            task_of(Dask(workers=2)).custom_config(context)
        bundle = CodeBundle(
            computed_version="1", tgz="code.tgz", files=["etl.py", "conf/flyte-dask.toml"]
        )
        context = SerializationContext(version="1", code_bundle=bundle, root_dir=tmp_path)
        assert task_of(Dask(workers=2)).custom_config(context)["workers"]
    finally:
        del tracked[each]


# ------------------------------------------------------------------------------------------------
# the same object for both SDKs


def test_one_config_drives_tasks_of_both_sdks() -> None:
    """With equal messages."""
    from flytekit import task

    from tests.flytekit.test_task import SETTINGS

    config = presets.medium(workers=5)
    of_flytekit: Any = task(task_config=config)(number)
    made = task_of(config)
    assert made.plugin_config is of_flytekit.task_config
    assert made.custom_config(cast("Any", None)) == of_flytekit.get_custom(SETTINGS)


def test_amounts_of_a_config_are_what_both_sdks_take() -> None:
    """As tools do that convert configs, with the spelling of each."""
    from flytekit import Resources as OfFlytekit
    from flytekit.core.resources import convert_resources_to_resource_model

    config = Dask(workers=WorkerGroup(2, None, Resources("500m", "2G"), Resources(4, "4Gi", gpu=1)))
    requests: Any = config.workers.requests
    limits: Any = config.workers.limits
    theirs = flyte.Resources(cpu=(requests.cpu, limits.cpu), memory=(requests.mem, limits.mem))
    model: Any = convert_resources_to_resource_model(
        OfFlytekit(cpu=requests.cpu, mem=requests.mem),
        OfFlytekit(cpu=limits.cpu, mem=limits.mem, gpu=limits.gpu),
    )
    of_flyte2: Any = get_proto_resources(theirs)
    assert [each.value for each in of_flyte2.requests] == ["500m", "2G"]
    assert [each.value for each in of_flyte2.limits] == ["4", "4Gi"]
    assert [each.value for each in model.to_flyte_idl().requests] == ["500m", "2G"]
    assert [each.value for each in model.to_flyte_idl().limits] == ["4", "4Gi", "1"]
    assert theirs == flyte.Resources(cpu=("500m", "4"), memory=("2G", "4Gi"))
