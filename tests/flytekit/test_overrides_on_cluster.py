"""Nodes with configs of their own, packaged and run next to a real cluster."""

# pyright: reportReturnType=false, reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportFunctionMemberAccess=false
# (as in examples/: promises, and what `task` returns)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from google.protobuf.json_format import MessageToDict

from tests.support.backend import Cluster, cluster
from tests.support.runner import package, packaged, run_packaged

PROJECT = """
from flytekit import Resources, dynamic, task, workflow
from distributed import get_client

from flytekitplugins.dask import Dask, WorkerGroup, presets


@task(task_config=presets.small(3), limits=Resources(cpu="1", mem="2Gi"))
def doubled(x: int) -> int:
    return get_client().submit(sum, [x, x]).result()


@task(task_config=Dask(workers=2))
async def awaited(x: int) -> int:
    return get_client().submit(sum, [x, x]).result()


@dynamic
def building(x: int) -> int:
    return doubled(x=doubled(x=x)).with_overrides(task_config=presets.large(9))


@workflow
def flow(x: int = 1) -> int:
    x = doubled(x=x)
    x = doubled(x=x).with_overrides(task_config=Dask(workers=4))
    x = awaited(x=x).with_overrides(task_config=Dask(workers=WorkerGroup(5)))
    return building(x=x)
"""


@pytest.fixture(scope="module", params=["none", "all"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project and its package's files, without and with fast registration."""
    return package(PROJECT, tmp_path_factory.mktemp("project"), request.param)


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A cluster for all tasks."""
    with cluster(workers=1) as running:
        yield running


@pytest.mark.once
def test_packaged_each_runs_with_its_own(started: Cluster, folder: Path, tmp_path: Path) -> None:
    """With fast registration, only overridden nodes are run: the others are like any task."""
    numbers: dict[str, list[float]] = {}
    is_fast = any(folder.glob("fast*.tar.gz"))
    for template in packaged(folder):
        name, _, variant = template.id.name.partition("-")
        if variant or not is_fast:
            outputs = tmp_path / template.id.name
            done = run_packaged(folder, template, outputs, started.env, x=21)
            assert done.result == 42
            assert f"{template.id.name}: cluster at " in done.logged()[0][1]
        custom = MessageToDict(template.custom)
        numbers.setdefault(name, []).append(custom["workers"]["numberOfWorkers"])
    assert numbers == {"pipeline.doubled": [3, 4], "pipeline.awaited": [2, 5]}


@pytest.mark.once
def test_a_dynamic_task_builds_nodes_with_their_own(
    started: Cluster, folder: Path, tmp_path: Path
) -> None:
    (path,) = folder.glob("*pipeline.building_1.pb")
    template = TaskSpec.FromString(path.read_bytes()).template
    run_packaged(folder, template, tmp_path / "outputs", started.env, x=21)
    spec = DynamicJobSpec.FromString((tmp_path / "outputs" / "futures.pb").read_bytes())
    customs = {task.id.name: MessageToDict(task.custom)["workers"] for task in spec.tasks}
    numbers = [
        customs[node.task_node.reference_id.name]["numberOfWorkers"]
        for node in spec.nodes
        if node.HasField("task_node")
    ]
    assert numbers == [3, 9]
