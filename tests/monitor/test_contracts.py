"""Contracts with private parts of other libraries: a change there fails the test of its name."""

from __future__ import annotations

import importlib.metadata
import inspect
import sys
from importlib.machinery import FileFinder
from typing import Any

import distributed
import flytekit
import pytest
from flytekit.core.context_manager import CompilationState, FlyteContextManager
from flytekit.core.node import Node
from flytekit.deck import deck

from flyte_dask_engine.session.session import session
from flytekitplugins.dask import Dask
from tests.flytekit.test_task import increment


def test_pythons_finders_list_their_folders_as_path_cache() -> None:
    """`flyte_dask` finds an installed official plugin by it."""
    finders = [each for each in sys.path_importer_cache.values() if isinstance(each, FileFinder)]
    listed = {name for finder in finders for name in getattr(finder, "_path_cache")}  # noqa: B009
    version = importlib.metadata.version("attrs")
    assert f"attrs-{version}.dist-info" in listed


@pytest.fixture
def node() -> Node:
    """A node of a plain task."""
    context = FlyteContextManager.current_context()
    state = CompilationState(prefix="")
    with FlyteContextManager.with_context(context.with_compilation_state(state)):
        task: Any = flytekit.task(increment)
        task(number=1)
    (made,) = state.nodes
    assert isinstance(made, Node)
    return made


def test_flytekit_compiles_in_the_first_mode(node: Node) -> None:
    """The default of `CompilationState.mode`, a number for which flytekit has no name."""
    assert CompilationState(prefix="").mode == CompilationState.mode
    assert node.flyte_entity.task_function is increment


def test_a_node_has_its_task_as_flyte_entity(node: Node) -> None:
    assert node._flyte_entity is node.flyte_entity is node.run_entity


def test_a_node_overrides_the_config_in_the_task(node: Node) -> None:
    node.run_entity._task_config = 1
    node.with_overrides(task_config=2)
    assert node.flyte_entity.task_config == node.run_entity._task_config == 2


def test_a_task_has_its_name_and_resolver_as_such(node: Node) -> None:
    task = node.flyte_entity
    task._name, task._task_resolver = f"{task.instantiated_in}.other", "resolver"
    assert (task.name, task.task_resolver) == (task._name, "resolver")


def lacks(of: object, *names: str) -> list[str]:
    """Which of *names* it does not have."""
    return [f"{type(of).__name__}.{name}" for name in names if not hasattr(of, name)]


def of_scheduler(dask_scheduler: Any) -> list[str]:
    """The attributes that a scheduler lacks and an observer uses."""
    (worker,) = dask_scheduler.workers.values()
    used = "handlers", "unrunnable", "queued", "monitor", "cumulative_worker_metrics", "task_groups"
    of_workers = "executing", "long_running", "processing", "versions", "metrics", "memory_limit"
    return lacks(dask_scheduler, *used) + lacks(worker, *of_workers)


def of_nanny(dask_worker: Any) -> list[str]:
    """The attributes that a nanny and its process lack."""
    used = "_on_worker_exit_sync", "worker_address", "log_event", "process"
    return lacks(dask_worker, *used) + lacks(dask_worker.process, "on_exit")


def test_distributed_has_what_a_monitor_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """To know the state of a cluster, and how workers die."""
    monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        assert client in set(distributed.Client._instances)
        assert client.run_on_scheduler(of_scheduler) == []
        assert list(client.run(of_nanny, nanny=True).values()) == [[]]
        future = client.submit(sum, [1, 2])
        assert lacks(client, "futures", "scheduler_comm", "connection_args", "status") == []
        assert lacks(client.rpc, "occupied", "remove") == []
        assert lacks(client.futures[future.key], "status", "set_error") == []


def of_worker(dask_worker: Any) -> list[str]:
    """The attributes that a worker lacks and a recorder uses."""
    used = "handlers", "metrics", "heartbeat", "digests_total", "transfer_incoming_log"
    return lacks(dask_worker, *used)


def test_distributed_has_what_a_recorder_uses() -> None:
    """It reports when and where a task ran."""
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        assert list(client.run(of_worker).values()) == [[]]
        client.get_task_stream(start=0, stop=0)
        client.submit(sum, [1, 2]).result()
        (task,) = client.get_task_stream()
    assert {"worker", "thread", "startstops", "nbytes"} <= task.keys()
    assert [sorted(each) for each in task["startstops"]] == [["action", "start", "stop"]]


def test_flytekit_writes_decks() -> None:
    """The decks in its parameters, for tasks that have not disabled them."""
    task: Any = flytekit.task(increment, enable_deck=True)
    assert task._disable_deck is False
    parameters: Any = flytekit.current_context()
    page = deck._get_deck(parameters.with_enable_deck(enable_deck=True).build())
    assert "flyte-frame-container" in str(page)
    assert list(inspect.signature(deck._output_deck).parameters) == ["task_name", "new_user_params"]


def test_distributed_reports_workers_that_are_removed() -> None:
    """By an event to which scheduler plugins listen."""
    with session(Dask(workers=2), "contract") as opened:
        client: Any = opened.client
        worker, _ = client.scheduler_info()["workers"]
        client.retire_workers([worker])
        events = [event for _, event in client.get_events("all")]
    (event,) = [each for each in events if each["action"] == "remove-worker"]
    assert (event["worker"], event["expected"]) == (worker, True)
    assert list(event["processing-tasks"]) == []


def test_restarts_by_the_user_are_not_deaths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the workers are removed unexpectedly; another event distinguishes them."""
    monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        client.restart()
        snapshot = opened._monitor.evidence("")
    assert snapshot is not None
    assert snapshot.deaths == ()


def test_a_client_connects_in_one_place() -> None:
    """At first and again, with a timeout that our client enforces; an OSError cleans up."""
    client = distributed.Client
    assert list(inspect.signature(client._ensure_connected).parameters) == ["self", "timeout"]
    for caller in (client._start, client._reconnect):
        source = inspect.getsource(caller)
        assert "await self._ensure_connected(timeout=timeout)" in source
        assert "OSError" in source


def test_distributed_gives_the_reason_of_cancelled_futures() -> None:
    """It distinguishes a lost scheduler from a user's cancellation."""
    source = inspect.getsource(distributed.Client._reconnect)
    assert 'reason="scheduler-connection-lost"' in source


def test_a_scheduler_reports_that_it_cannot_unpickle_a_graph() -> None:
    source = inspect.getsource(distributed.Scheduler.update_graph)
    assert "Error during deserialization of the task graph" in source
