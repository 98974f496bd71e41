"""The local twin: a real cluster of the task's shape, on loopback, gone when the task ends."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import dask.config
import distributed
import pytest
from dask.system import CPU_COUNT
from flytekit.core.context_manager import ExecutionState, FlyteContextManager

from flyte_dask import Resources
from flytekitplugins.dask import Dask, WorkerGroup, presets
from flytekitplugins.dask.local import Shape
from flytekitplugins.dask.session import NoCluster, session
from tests import tasks as typed_tasks

tasks: Any = typed_tasks  # flytekit's annotations do not say that a task returns its value here


@pytest.mark.parametrize(
    ("group", "shape"),
    [
        (WorkerGroup(), Shape(1, 1)),
        (WorkerGroup(3, limits=Resources(cpu="500m")), Shape(3, 1)),
        (WorkerGroup(3, limits=Resources(cpu="1500m")), Shape(3, 2)),
        (WorkerGroup(3, requests=Resources(cpu=4)), Shape(3, 4)),
        (WorkerGroup(3, requests=Resources(cpu=2), limits=Resources(cpu=4)), Shape(3, 4)),
        (presets.medium(5).workers, Shape(5, 2)),
    ],
)
def test_the_shape_is_what_flyte_starts(group: WorkerGroup, shape: Shape) -> None:
    assert Shape.on_flyte(group) == shape


@pytest.mark.parametrize(
    ("wanted", "cpus", "scaled"),
    [
        (Shape(1, 1), 8, Shape(1, 1)),
        (Shape(4, 2), 8, Shape(4, 2)),
        (Shape(4, 4), 8, Shape(4, 2)),
        (Shape(5, 2), 2, Shape(2, 1)),
        (Shape(1000, 8), 3, Shape(3, 1)),
        (Shape(2, 64), 5, Shape(2, 2)),
        (Shape(7, 7), 1, Shape(1, 1)),
    ],
)
def test_the_shape_is_scaled_to_the_host(wanted: Shape, cpus: int, scaled: Shape) -> None:
    assert wanted.scaled_to(cpus) == scaled


def test_a_bare_compute_uses_the_cluster() -> None:
    addresses = tasks.bare_compute()
    assert len(addresses) == min(2, CPU_COUNT)
    assert all(address.startswith("tcp://127.0.0.1:") for address in addresses)


def test_each_task_of_a_workflow_has_a_cluster_of_its_own() -> None:
    first, second = tasks.twice()
    assert not set(first) & set(second)


def test_a_users_own_client_joins() -> None:
    assert tasks.client_of_its_own()


def test_a_dynamic_task_runs_its_tasks() -> None:
    assert tasks.builds()


def test_nothing_listens_beyond_loopback() -> None:
    assert tasks.listening_while_it_runs() == ["127.0.0.1"]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_left_behind(fails: bool) -> None:
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        (tasks.fails if fails else tasks.bare_compute)()
    with pytest.raises(ValueError, match="No client"):
        distributed.default_client()
    assert dask.config.get("scheduler-address", None) is None
    assert tasks.listening() == []


def test_on_flyte_without_a_cluster_nothing_is_started_in_the_pod() -> None:
    context = FlyteContextManager.current_context()
    state = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    with (
        FlyteContextManager.with_context(context.with_execution_state(state)),
        pytest.raises(NoCluster, match="Enable the dask plugin in this site's Flyte"),
        session(Dask(), "acme.etl.monthly"),
    ):
        raise AssertionError("it opened")
