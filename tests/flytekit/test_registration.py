"""Registration with ``pyflyte package``, read back with the official classes.

Each Dask task of the packaged project has a plain twin, with the same arguments but for the config.
Their templates are compared whole: they may differ in type and custom, and in nothing else.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import pytest
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.admin.workflow_pb2 import WorkflowSpec
from flyteidl.core.tasks_pb2 import TaskTemplate
from flyteidl.plugins.dask_pb2 import DaskJob
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from tests.support.processes import BIN, run

Side: TypeAlias = dict[str, str]

HEAD = """
from datetime import timedelta

from flytekit import ImageSpec, PodTemplate, Resources, Secret, dynamic, map_task, task, workflow
from flytekit.extras.accelerators import T4
from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpecBuilder
from kubernetes.client import V1Container, V1PodSpec, V1ResourceRequirements

from flytekitplugins.dask import Dask, Scheduler, WorkerGroup, presets


class Builder(ImageSpecBuilder):
    def build_image(self, spec):
        return f"built/{spec.name}:7"

    def should_build(self, spec):
        return True


ImageBuildEngine.register("test", Builder())


def image(name):
    return ImageSpec(name=name, packages=["dask"], builder="test")


def pod(name, **resources):
    container = V1Container(name=name, resources=V1ResourceRequirements(**resources))
    sidecar = V1Container(name="sidecar", image="acme/sidecar:1")
    return PodTemplate(V1PodSpec(containers=[sidecar, container]), primary_container_name="main")


own = image("own")
mem = Resources(mem="16G")
cpus = dict(requests=Resources(cpu="1", mem="4G"), limits=Resources(cpu="2", mem="8G"))
gpu = dict(requests=Resources(cpu="4", gpu="1"), limits=Resources(cpu="4", gpu="1"))
"""

PAIR = """

{kind}(task_config={config}, {arguments})
{definition} dask_{name}(x: int) -> int:
    return x


{kind}({arguments})
{definition} plain_{name}(x: int) -> int:
    return x
"""

WORKFLOW = """

@workflow
def {kind}_workflow(x: int = 1) -> list[int]:
{calls}
    return map_task({kind}_mapped)(x=[1, 2])
"""

CPUS = {"CPU": "1", "MEMORY": "4G"}, {"CPU": "2", "MEMORY": "8G"}
MEM = {"CPU": "1", "MEMORY": "16G"}, {"CPU": "2", "MEMORY": "16G"}
MEDIUM = {"CPU": "1", "MEMORY": "4Gi"}, {"CPU": "2", "MEMORY": "8Gi"}


def entries(side: Side) -> list[dict[str, str]]:
    """One side's amounts, as on the wire."""
    return [{"name": name, "value": value} for name, value in side.items()]


def role(image: str = "", requests: Side | None = None, limits: Side | None = None) -> Any:
    """A role, as on the wire."""
    sides = {"requests": entries(requests or {}), "limits": entries(limits or {})}
    resources = {side: amounts for side, amounts in sides.items() if amounts}
    return {**({"image": image} if image else {}), "resources": resources}


def job(workers: Any = None, scheduler: Any = None, count: int = 1) -> Any:
    """A custom, as on the wire."""
    return {
        "scheduler": scheduler or role(),
        "workers": {"numberOfWorkers": count, **(workers or role())},
    }


MEM_GROUP = "Dask(workers=WorkerGroup(2, None, mem, mem))"

# By name: the config, the other arguments of the decorator, and the resulting custom.
TASKS: dict[str, tuple[str, str, Any]] = {
    "unset": ("Dask()", "", job()),
    "unset_in_a_task": ("Dask(workers=3)", "**cpus", job(count=3)),
    "preset": (
        "presets.medium(5)",
        "",
        job(role("", MEDIUM[1], MEDIUM[1]), role("", MEDIUM[0], MEDIUM[0]), count=5),
    ),
    "preset_in_a_task": (
        "presets.medium(5).with_scheduler(ephemeral_storage='1Gi')",
        "requests=Resources(ephemeral_storage='5G')",
        job(
            role("", {**MEDIUM[1], "EPHEMERAL_STORAGE": "5G"}, MEDIUM[1]),
            role(
                "",
                {**MEDIUM[0], "EPHEMERAL_STORAGE": "1Gi"},
                {**MEDIUM[0], "EPHEMERAL_STORAGE": "1Gi"},
            ),
            count=5,
        ),
    ),
    "image": (
        "Dask(Scheduler('acme/dask:1'))",
        "container_image='acme/other:2'",
        job(scheduler=role("acme/dask:1")),
    ),
    "template": (
        "Dask().with_image('{{.image.etl.fqn}}:{{.image.etl.version}}')",
        "container_image='{{.image.etl}}'",
        job(role("acme/etl:3"), role("acme/etl:3")),
    ),
    "spec": (
        "Dask(Scheduler(image('roles'))).with_workers(2, image=own)",
        "container_image=own",
        job(role("built/own:7"), role("built/roles:7"), count=2),
    ),
    "memory": (MEM_GROUP, "**cpus", job(role("", *MEM), count=2)),
    "requests": (
        "Dask(workers=WorkerGroup(requests=Resources(cpu='2', mem='8G')))",
        "requests=Resources(cpu='4', mem='16G'), limits=Resources(cpu='8', mem='32G')",
        job(role("", {"CPU": "2", "MEMORY": "8G"}, {"CPU": "8", "MEMORY": "32G"})),
    ),
    "raised": (
        "Dask(workers=WorkerGroup(requests=Resources(mem='64G')))",
        "**cpus",
        job(role("", {"CPU": "1", "MEMORY": "64G"}, {"CPU": "2", "MEMORY": "64G"})),
    ),
    "lowered": (
        "Dask(workers=WorkerGroup(limits=Resources(cpu='500m')))",
        "**cpus",
        job(role("", {"CPU": "500m", "MEMORY": "4G"}, {"CPU": "500m", "MEMORY": "8G"})),
    ),
    "gpu": (
        "Dask(workers=WorkerGroup(limits=Resources(gpu='2')))",
        "",
        job(role("", {"GPU": "2"}, {"GPU": "2"})),
    ),
    "no_gpu": (
        "Dask(Scheduler(requests=Resources(gpu=0)))",
        "**gpu",
        job(scheduler=role("", {"CPU": "4", "GPU": "0"}, {"CPU": "4", "GPU": "0"})),
    ),
    "dropped_gpu": (
        MEM_GROUP,
        "**gpu",
        job(role("", {"CPU": "4", "MEMORY": "16G"}, {"CPU": "4", "MEMORY": "16G"}), count=2),
    ),
    "pinned": ("Dask(inherit='pin')", "**cpus", job(role("", *CPUS), role("", *CPUS))),
    "pinned_gpu": (
        "Dask(workers=2, inherit='pin')",
        "limits=Resources(gpu='1')",
        job(role("", {"GPU": "1"}, {"GPU": "1"}), role("", {"GPU": "1"}, {"GPU": "1"}), count=2),
    ),
    "off": (
        f"{MEM_GROUP}.with_inherit('off')",
        "**cpus",
        job(role("", {"MEMORY": "16G"}, {"MEMORY": "16G"}), count=2),
    ),
    "resources": (
        MEM_GROUP,
        "resources=Resources(cpu=('1', '2'), mem='4G')",
        job(role("", *MEM), count=2),
    ),
    "zeros": (
        MEM_GROUP,
        "requests=Resources(cpu='0', gpu='0')",
        job(role("", {"MEMORY": "16G"}, {"MEMORY": "16G"}), count=2),
    ),
    "limits": (
        MEM_GROUP,
        "limits=Resources(cpu='2')",
        job(role("", {"MEMORY": "16G"}, {"CPU": "2", "MEMORY": "16G"}), count=2),
    ),
    "pod": (
        MEM_GROUP,
        (
            "pod_template=pod('main', requests={'cpu': '1', 'nvidia.com/gpu': '1'}, "
            "limits={'cpu': '2'})"
        ),
        job(role("", *MEM), count=2),
    ),
    "pod_limits": (
        "Dask(inherit='pin')",
        "pod_template=pod('main', limits={'memory': '4G', 'amd.com/gpu': '1', 'gpu': '1'})",
        job(role("", {}, {"MEMORY": "4G"}), role("", {}, {"MEMORY": "4G"})),
    ),
    "pod_and_resources": (
        MEM_GROUP,
        "pod_template=pod('main', requests={'cpu': '7'}), **cpus",
        job(role("", *MEM), count=2),
    ),
    "pod_without_the_container": (
        MEM_GROUP,
        "pod_template=pod('another', requests={'cpu': '7'})",
        job(role("", {"MEMORY": "16G"}, {"MEMORY": "16G"}), count=2),
    ),
    "accelerator": (MEM_GROUP, "accelerator=T4, **cpus", job(role("", *MEM), count=2)),
    "shared_memory": (MEM_GROUP, "shared_memory='1Gi', **cpus", job(role("", *MEM), count=2)),
    "environment": (MEM_GROUP, "environment={'A': 'b'}, **cpus", job(role("", *MEM), count=2)),
    "metadata": (
        MEM_GROUP,
        (
            "retries=3, timeout=timedelta(hours=1), interruptible=True, cache=True, "
            "cache_version='1', enable_deck=True, secret_requests=[Secret('g', 'k')], **cpus"
        ),
        job(role("", *MEM), count=2),
    ),
    "async": (MEM_GROUP, "**cpus", job(role("", *MEM), count=2)),
    "dynamic": (MEM_GROUP, "**cpus", job(role("", *MEM), count=2)),
    "mapped": (MEM_GROUP, "**cpus", job(role("", *MEM), count=2)),
}

INHERITED = {
    "unset": "nothing: the task sets no resources",
    "unset_in_a_task": "from @task at {line}: scheduler.cpu=1/2, scheduler.mem=4G/8G, "
    "workers.cpu=1/2, workers.mem=4G/8G",
    "preset": "nothing: the task sets no resources",
    "preset_in_a_task": "from @task at {line}: workers.ephemeral_storage=5G/5G",
    "requests": "from @task at {line}: scheduler.cpu=4/8, scheduler.mem=16G/32G, "
    "workers.limits.cpu=8, workers.limits.mem=32G",
    "raised": "from @task at {line}: scheduler.cpu=1/2, scheduler.mem=4G/8G, workers.cpu=1/2, "
    "workers.limits.mem=64G (raised from 8G)",
    "lowered": "from @task at {line}: scheduler.cpu=1/2, scheduler.mem=4G/8G, "
    "workers.requests.cpu=500m (lowered from 1), workers.mem=4G/8G",
    "gpu": "nothing: the task sets no resources",
    "dropped_gpu": "from @task at {line}: scheduler.cpu=4/4, scheduler.gpu=1/1, workers.cpu=4/4, "
    "not workers.requests.gpu=1, not workers.limits.gpu=1",
    "pinned_gpu": "from @task at {line}: scheduler.gpu=1/1, workers.gpu=1/1",
    "off": "from @task at {line}: scheduler.cpu=1/2, scheduler.mem=4G/8G",
    "pod": "from pod template at {line}: scheduler.cpu=1/2, scheduler.gpu=1/1, workers.cpu=1/2, "
    "not workers.requests.gpu=1",
}
"""The log lines of some tasks."""

NOT_CALLED = ("mapped", "async")
"""In the workflow; flytekit's own async tasks can't be, and others are mapped."""

M = TypeVar("M", bound=Message)


def source() -> str:
    """The project's only module."""
    pairs = [
        PAIR.format(
            kind="@dynamic" if name == "dynamic" else "@task",
            definition="async def" if name == "async" else "def",
            name=name,
            config=config,
            arguments=arguments,
        )
        for name, (config, arguments, _) in TASKS.items()
    ]
    workflows = [
        WORKFLOW.format(
            kind=kind,
            calls="\n".join(f"    {kind}_{name}(x=x)" for name in TASKS if name not in NOT_CALLED),
        )
        for kind in ("dask", "plain")
    ]
    return "".join([HEAD, *pairs, *workflows])


class Package:
    """The files and the output of ``pyflyte package``."""

    def __init__(self, folder: Path, *options: str) -> None:
        (folder / "pipelines.py").write_text(source())
        self.archive = folder / "package.tgz"
        images = ("--image", "acme/task:1", "--image", "etl=acme/etl:3")
        done = run(
            BIN / "pyflyte",
            *("--pkgs", "pipelines", "package", *images, *options),
            *("--output", str(self.archive)),
            cwd=folder,
            env={"FLYTE_SDK_LOGGING_LEVEL": "20", "FLYTE_SDK_RICH_TRACEBACKS": "0"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        output = done.stdout + done.stderr
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        self.inherited = [line["message"] for line in lines if " inherits " in line["message"]]

    def read(self, name: str, kind: int, message: type[M]) -> M:
        """The message of the entity *name*, a pattern; 1 is a task, 2 a workflow."""
        with tarfile.open(self.archive) as archive:
            (found,) = [
                each
                for each in archive.getnames()
                if re.search(rf"\d_pipelines\.{name}_{kind}\.pb$", each)
            ]
            packed = archive.extractfile(found)
            assert packed is not None
            return message.FromString(packed.read())

    def task(self, name: str) -> TaskTemplate:
        """The template of the task *name*."""
        return self.read(name, 1, TaskSpec).template


@pytest.fixture(scope="module", params=["none", "auto"])
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The project's package, without and with fast registration."""
    return Package(tmp_path_factory.mktemp("project"), "--copy", request.param)


def twin(message: Message) -> Any:
    """The template of the plain twin as JSON, with the names of the Dask task."""
    return json.loads(json.dumps(MessageToDict(message)).replace("plain_", "dask_"))


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_a_template_is_its_plain_twins_but_for_type_and_custom(package: Package, name: str) -> None:
    expected = twin(package.task(f"plain_{name}"))
    custom = TASKS[name][2]
    assert MessageToDict(package.task(f"dask_{name}")) == {
        **expected,
        "type": "dask",
        "custom": custom,
    }
    assert MessageToDict(ParseDict(custom, DaskJob())) == custom


@pytest.mark.slow
def test_the_map_tasks_template_too(package: Package) -> None:
    """Named by flytekit, after the function and the arguments of ``map_task``."""
    name = "map_{}_mapped_.*-arraynode"
    expected = twin(package.task(name.format("plain")))
    assert MessageToDict(package.task(name.format("dask"))) == {
        **expected,
        "type": "dask",
        "custom": TASKS["mapped"][2],
    }


def test_the_workflow_is_the_plain_tasks_one(package: Package) -> None:
    """Except for the state of map tasks: flytekit keeps less of it for its own class of tasks."""
    plain, dask = (package.read(f"{kind}_workflow", 2, WorkflowSpec) for kind in ("plain", "dask"))
    for node in plain.template.nodes:
        if node.HasField("array_node"):
            node.array_node.execution_mode = node.array_node.FULL_STATE
    assert twin(plain) == MessageToDict(dask)


def test_one_line_for_each_template_logs_what_it_inherits(package: Package) -> None:
    """The mapped task has two: its own, and that of the map task."""
    lines = dict(message.split(" inherits ") for message in package.inherited)
    names = [f"pipelines.dask_{name}" for name in TASKS]
    assert list(lines) == names
    assert Counter(message.split()[0] for message in package.inherited) == {
        **dict.fromkeys(names, 1),
        "pipelines.dask_mapped": 2,
    }
    module = source().splitlines()
    for name, inherited in INHERITED.items():
        number = next(at for at, text in enumerate(module, 1) if f" dask_{name}(" in text)
        line = f"pipelines.py:{number - 1}"  # of the decorator
        assert lines[f"pipelines.dask_{name}"] == inherited.format(line=line)


@pytest.mark.once
def test_the_same_project_runs_here(tmp_path: Path) -> None:
    """Each Dask task has its own cluster, whatever its other arguments."""
    (tmp_path / "pipelines.py").write_text(source())
    done = run(BIN / "pyflyte", "run", "pipelines.py", "dask_workflow", "--x", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "[1, 2]"
