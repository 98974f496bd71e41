"""Private or undocumented parts of distributed that are used here."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import distributed
import pandas as pd
import pytest
from dask import array, dataframe
from distributed import client as distributed_client
from distributed import worker as distributed_worker
from distributed.client import CancelledFuturesGroup, FutureCancelledError, FuturesCancelledError
from distributed.core import ConnectionPool
from distributed.deploy.subprocess import Subprocess
from distributed.diagnostics.task_stream import TaskStreamPlugin
from distributed.worker_state_machine import TaskErredMsg, TaskState, WorkerState

from flyte_dask import Dask
from flyte_dask_engine.cluster_plugins.task_errors import _RUNNERS
from flyte_dask_engine.distributed_internals import (
    address_of,
    client_of,
    meta_of,
    name_of,
    repeat_lost_expressions,
)
from flyte_dask_engine.foreign_errors import frames_of
from flyte_dask_engine.session.session import session


def lacks(of: object, *names: str) -> list[str]:
    """The *names* that it lacks."""
    return [f"{type(of).__name__}.{name}" for name in names if not hasattr(of, name)]


OF_SCHEDULER = (
    *("broadcast", "cumulative_worker_metrics", "handlers", "monitor", "queued", "remove_plugin"),
    *("stream_handlers", "task_groups", "tasks", "unrunnable", "workers"),
    *("aliases", "coerce_hostname"),
)
OF_WORKER_STATE = (
    *("executing", "long_running", "memory_limit", "metrics", "name", "nthreads", "processing"),
    *("status", "versions", "address", "host", "resources"),
)
CALLED_BY_NAME = (
    *("ncores", "performance_report"),
    *(f"register_{role}_plugin" for role in ("scheduler", "worker", "nanny")),
    *(f"unregister_{role}_plugin" for role in ("worker", "nanny")),
)


def of_scheduler(dask_scheduler: Any) -> list[str]:
    """The attributes of a scheduler that its plugins and the monitor use, and that it lacks."""
    (worker,) = dask_scheduler.workers.values()
    return [
        *lacks(dask_scheduler, *OF_SCHEDULER),
        *lacks(dask_scheduler.monitor, "recent", "count"),
        *lacks(worker, *OF_WORKER_STATE),
        *(name for name in CALLED_BY_NAME if name not in dask_scheduler.handlers),
    ]


def of_nanny(dask_worker: Any) -> list[str]:
    """The attributes that a nanny and its process lack."""
    used = "_on_worker_exit_sync", "worker_address", "log_event", "process"
    return lacks(dask_worker, *used) + lacks(dask_worker.process, "on_exit")


def test_distributed_has_what_a_monitor_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs them for the state of a cluster, and the causes of lost workers."""
    monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        assert client in set(distributed.Client._instances)
        assert client.run_on_scheduler(of_scheduler) == []
        assert list(client.run(of_nanny, nanny=True).values()) == [[]]
        future = client.submit(sum, [1, 2])
        assert lacks(client, "futures", "scheduler_comm", "connection_args", "status") == []
        assert lacks(client.rpc, "occupied", "remove") == []
        assert client.loop.asyncio_loop.is_running()
        assert lacks(client.futures[future.key], "status", "set_error") == []


def of_worker(dask_worker: Any) -> list[str]:
    """The attributes of a worker that its plugins use, and that it lacks."""
    used = "handlers", "metrics", "heartbeat", "digests_total", "transfer_incoming_log"
    return lacks(dask_worker, *used, "local_directory", "loop", "scheduler")


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


def test_distributed_runs_tasks_and_sends_their_errors_by_known_functions() -> None:
    """They are replaced, so that every error is sent and received."""
    module: Any = distributed_worker
    runners = tuple(name for name in _RUNNERS if hasattr(module, name))
    assert runners in {_RUNNERS[:2], _RUNNERS[2:]}
    runs = inspect.getsource(distributed.Worker.execute)
    assert all(name in inspect.getsource(module) for name in runners)
    assert "actual_exception" in runs
    assert "result[" in runs
    error = {"exception", "exception_text", "status", "traceback", "traceback_text"}
    assert module.error_message(ValueError("x")).keys() == error
    client_module: Any = distributed_client
    parameters = [*inspect.signature(client_module.clean_exception).parameters]
    assert parameters[:2] == ["exception", "traceback"]
    assert "clean_exception(" in inspect.getsource(distributed_client.FutureState.set_error)


def test_a_worker_tells_only_of_the_result_that_it_cannot_load() -> None:
    """Its plugins see that; then what waits for the result is failed here."""
    table = "\n".join(map(inspect.getsource, (WorkerState, TaskErredMsg)))
    assert '("flight", "error"): _transition_generic_error' in table
    assert 'self._notify_plugins("transition", ts.key, start, finish)' in table
    assert lacks(TaskState("x", 1), "run_id", "dependents", "state", "who_has") == []
    assert "addr" in inspect.signature(ConnectionPool.remove).parameters
    assert [*inspect.signature(TaskErredMsg.from_task).parameters][:3] == [
        "ts",
        "run_id",
        "stimulus_id",
    ]
    erred = inspect.getsource(distributed.Scheduler.stimulus_task_erred)
    assert 'ts.state != "processing"' in erred


def test_a_client_receives_in_a_task_that_ends_with_it() -> None:
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        assert not client._handle_report_task.done()
        assert "task-erred" in client._stream_handlers
    source = inspect.getsource(distributed.Client._wait_for_handle_report_task)
    assert "handle_report_task is not None" in source


def test_distributed_keeps_the_restrictions_and_the_error_of_a_task() -> None:
    used = "exception", "exception_blame", "exception_text", "host_restrictions"
    restrictions = "resource_restrictions", "worker_restrictions"

    def of_task(dask_scheduler: Any) -> list[str]:
        (task,) = dask_scheduler.tasks.values()
        return [name for name in (*used, *restrictions) if not hasattr(task, name)]

    with session(Dask(), "contract") as opened:
        future = opened.client.submit(sum, [1, 2])
        assert future.result() == 3
        assert opened.client.run_on_scheduler(of_task) == []
        del future  # which keeps the task until here


def test_distributed_reports_removed_workers() -> None:
    """It sends an event to the scheduler's plugins."""
    with session(Dask(workers=2), "contract") as opened:
        client: Any = opened.client
        worker, _ = client.scheduler_info()["workers"]
        client.retire_workers([worker])
        events = [event for _, event in client.get_events("all")]
    (event,) = [each for each in events if each["action"] == "remove-worker"]
    assert (event["worker"], event["expected"]) == (worker, True)
    assert list(event["processing-tasks"]) == []


def test_restarts_by_the_user_are_not_failures(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_clients_messages_are_handled_in_order() -> None:
    """Its mark comes after what it has submitted, and after what it has released."""
    source = inspect.getsource(distributed.Scheduler.handle_stream)
    assert "await handler(" in source
    client = distributed.Client
    assert "loop.add_callback(self._send_to_scheduler_safe" in inspect.getsource(
        client._send_to_scheduler
    )
    assert "self._send_to_scheduler(" in inspect.getsource(client._release_key)
    assert "add_callback" in inspect.getsource(distributed.Future.release)
    scheduler = distributed.Scheduler
    assert 'f"client-releases-keys-{' in inspect.getsource(scheduler.client_releases_keys)
    assert 'stimulus_id=f"cancel-key-{' in inspect.getsource(scheduler.stimulus_cancel)


def test_distributed_gives_the_reason_of_cancelled_futures() -> None:
    """It distinguishes a lost scheduler from a user's cancellation."""
    source = inspect.getsource(distributed.Client._reconnect)
    assert 'reason="scheduler-connection-lost"' in source


def test_a_scheduler_reports_that_it_cannot_unpickle_a_graph() -> None:
    source = inspect.getsource(distributed.Scheduler.update_graph)
    assert "Error during deserialization of the task graph" in source


ERRORS = {
    "workers arrived after": "exceptions.py",  # `Client.wait_for_workers`, in time
    "trying to connect to": "comm/core.py",  # a scheduler that does not answer
    "ClosedClientError": "client.py",  # a client whose scheduler is lost
    "Compute Failed": "worker.py",  # the log's first words about a function's own error
}
EVENTS = {
    '"action": "worker-ttl-timed-out"': "scheduler.py",
    '"action": "restart-workers"': "scheduler.py",
    '"action": "worker-status-change"': "scheduler.py",
    'log_event("worker-restart-memory"': "worker_memory.py",
}


@pytest.mark.parametrize("text", [*ERRORS, *EVENTS])
@pytest.mark.skipif(
    not hasattr(distributed_client, "ClosedClientError"),
    reason="older texts differ",
)
def test_errors_and_events_are_distinguished_by_a_text(text: str) -> None:
    """Distributed has neither a class nor a constant for them."""
    folder = Path(distributed.__file__).parent
    assert text in (folder / {**ERRORS, **EVENTS}[text]).read_text(encoding="utf-8")


def test_errors_have_the_attributes_that_distinguish_them() -> None:
    killed: Any = distributed.KilledWorker
    assert list(inspect.signature(killed).parameters) == [
        *("task", "last_worker", "allowed_failures")
    ]
    error = killed("sum-1", None, 3)
    assert (error.task, error.allowed_failures, len(error.args)) == ("sum-1", 3, 3)
    cancelled = FutureCancelledError("sum-1", "scheduler-connection-lost")
    group = CancelledFuturesGroup([cancelled], cancelled.reason)
    (only,) = FuturesCancelledError([group]).error_groups
    assert only.reason == cancelled.reason == "scheduler-connection-lost"


def test_a_client_keeps_the_address_that_it_was_started_with() -> None:
    """As `_start_arg`, once it is closed."""
    with session(Dask(), "contract") as opened:
        with distributed.Client() as own:
            address = opened.client.scheduler.address  # type: ignore[union-attr]
            assert address_of(own) == address
            queue = distributed.Queue(client=own)
            assert [client_of(each) for each in (own, queue, address)] == [own, own, None]
        assert own.scheduler is None
        assert address_of(own) == address


def fails() -> None:
    """Raise an error."""
    raise ValueError("mine")


def test_a_traceback_has_the_client_and_the_frames_of_the_worker() -> None:
    """The latter are rebuilt by tblib, under a name of its own."""
    with session(Dask(), "contract") as opened:
        client: Any = opened.client
        future = client.submit(fails)
        with pytest.raises(ValueError, match="mine") as caught:
            future.result()
        frames = [*frames_of(caught.value)]
        assert any(frame.f_locals.get("self") is future for frame in frames)
        assert "__traceback_maker" in frames[-1].f_code.co_names
        assert client.futures[future.key].exception is caught.value


def test_the_task_stream_is_found_by_its_name() -> None:
    """So ours, with the same name, replaces it."""
    assert TaskStreamPlugin.name == "task-stream"
    assert list(inspect.signature(TaskStreamPlugin).parameters) == ["scheduler", "maxlen"]


def test_a_worker_closes_without_waiting_for_its_work() -> None:
    """By `executor_wait`, and without its nanny."""
    assert {"executor_wait", "nanny"} <= {*inspect.signature(distributed.Worker.close).parameters}


def test_a_client_requests_a_shutdown_and_a_restart_of_the_scheduler() -> None:
    """By operations whose handlers are replaced here."""
    client, scheduler = distributed.Client, inspect.getsource(distributed.Scheduler.__init__)
    assert "self.scheduler.terminate(" in inspect.getsource(client._shutdown)
    assert "self.scheduler.restart(" in inspect.getsource(client._restart)
    assert '"terminate": self.close' in scheduler
    assert '"restart": self.restart' in scheduler
    assert "if self.shutdown_scheduler" in inspect.getsource(distributed.SpecCluster._close)


def test_a_client_and_the_default_one_are_found_in_one_place() -> None:
    """By functions that are replaced while tasks run side by side."""
    module: Any = distributed_client
    assert lacks(module, "_get_global_client", "_current_client", "_global_clients") == []
    assert "_get_global_client()" in inspect.getsource(module.default_client)
    assert "_current_client.get()" in inspect.getsource(module._get_global_client)
    assert next(iter(inspect.signature(distributed.Client).parameters)) == "address"
    assert '"scheduler-address"' in inspect.getsource(distributed.Client.__init__)


def test_an_expression_that_another_thread_drops_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Dask looks twice for an equal one that is known."""
    expressions: Any = pytest.importorskip("dask._expr")
    kind = expressions.SingletonExpr
    source = inspect.getsource(expressions)
    assert "if _name in cls._instances" in source
    assert "return cls._instances[_name]" in source
    results = [KeyError("dropped meanwhile"), "made anew"]

    def new(*_: object) -> Any:
        if isinstance(result := results.pop(0), KeyError):
            raise result
        return result

    monkeypatch.setattr(kind, "__new__", new)
    repeat_lost_expressions()
    assert kind.__new__(kind) == "made anew"


def test_collections_have_a_name_and_an_empty_part() -> None:
    """Operations in place change the name."""
    frame: Any = dataframe.from_pandas(pd.DataFrame({"x": [1]}), npartitions=1)
    ones: Any = array.ones(3)
    names = name_of(frame), name_of(ones)
    frame["x"] = 2
    ones[0] = 2
    assert name_of(frame) != names[0]
    assert name_of(ones) != names[1]
    assert len(meta_of(frame)) == 0
    assert meta_of(ones).size == 0


def test_a_subprocess_is_started_by_its_subclass() -> None:
    """By `Subprocess._start`, which sets `process`; that is ended when it is closed."""
    assert Subprocess.__abstractmethods__ == {"_start"}
    source = inspect.getsource(Subprocess.close)
    assert "self.process.kill()" in source
    assert "await self._start()" in inspect.getsource(Subprocess.start)
