"""A function that shuts its cluster down, or restarts its workers: no failure of the cluster."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import dask.config
import distributed
import pytest
from dask.delayed import delayed

from flyte_dask import Dask
from flyte_dask_engine.errors import ClusterShutDown
from flyte_dask_engine.session import connection
from flyte_dask_engine.session.session import session
from tests.support import faulty, steps
from tests.support.backend import ADDRESS, cluster
from tests.support.faults import is_not_retried
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault

NEVER = 600  # seconds; how long clients would wait for the scheduler that is gone


@pytest.fixture
def _waits_are_long(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What waits for the scheduler that is gone does so for `NEVER`, on machines of any speed."""
    monkeypatch.setattr(connection, "_LONGEST_ATTEMPT", NEVER)
    with dask.config.set({"distributed.comm.timeouts.connect": f"{NEVER} s"}):
        yield


def shuts_down() -> int:
    """Computes, and then shuts the cluster down."""
    result = int(delayed(sum)([1, 2]).compute())
    distributed.get_client().shutdown()
    return result


def shuts_down_with_its_own_client() -> int:
    """Like `shuts_down`, with another client than the session's."""
    result = int(delayed(sum)([1, 2]).compute())
    with distributed.Client() as own:
        own.shutdown()
    return result


def has_it_shut_down() -> int:
    """Like `shuts_down`, by a Dask task on a worker."""
    result = int(delayed(sum)([1, 2]).compute())
    ended = threading.Event()
    future: Any = distributed.get_client().submit(steps.shut_down, pure=False)
    future.add_done_callback(lambda _: ended.set())
    ended.wait()
    return result


@pytest.fixture(params=["threads", "processes", "on Flyte"])
def _kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local cluster of either kind, and one that the session has not started."""
    if request.param != "on Flyte":
        monkeypatch.setenv("FLYTE_DASK_LOCAL", request.param)
        yield
        return
    with cluster(workers=1, env=CODE) as made:
        monkeypatch.setenv(ADDRESS, made.address)
        yield


@pytest.mark.usefixtures("_kind", "_waits_are_long")
@pytest.mark.parametrize("function", [shuts_down, shuts_down_with_its_own_client, has_it_shut_down])
def test_a_shutdown_ends_the_session_at_once(
    function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Its result is returned, and the log has one line about it next to the last metrics."""
    caplog.set_level("INFO", "flyte_dask.runtime")
    before = time.monotonic()
    with session(Dask(workers=1).with_runtime(connect_timeout=NEVER), "etl") as opened:
        assert opened.run(function) == 3
    assert time.monotonic() - before < NEVER
    _, shut_down, end = [each.getMessage() for each in caplog.records if _is_ours(each)]
    assert shut_down == "etl: the function shut the cluster down"
    assert re.match(r"etl: finished: 1 task \(", end)
    assert "flyte_dask_engine" not in caplog.text  # in no traceback


def _is_ours(record: Any) -> bool:
    is_of_start = "waiting for" in record.getMessage()
    return record.name == "flyte_dask.runtime" and not is_of_start


def uses_default_client_of_thread() -> Any:
    """Computes in another thread, which has no context variables of this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(delayed(sum)([1, 2]).compute).result()


USES: tuple[Callable[[], Any], ...] = (
    lambda: delayed(sum)([1, 2]).compute(),
    uses_default_client_of_thread,
    lambda: distributed.get_client().gather(distributed.get_client().map(abs, [1, 2])),
    lambda: distributed.get_client().scatter([1]),
    lambda: distributed.get_client().run(os.getpid),
    lambda: distributed.Queue("values").get(),
    lambda: distributed.Lock("turns").acquire(),
)


@pytest.mark.usefixtures("_waits_are_long")
@pytest.mark.parametrize("function", [shuts_down, shuts_down_with_its_own_client])
def test_what_uses_the_cluster_afterwards_ends_at_once(function: Any) -> None:
    """The session's client is closed, or it is open and has lost its scheduler."""
    uses = USES
    if function is shuts_down:
        uses += (lambda: distributed.get_client().shutdown(),)
    config = Dask(workers=1).with_runtime(stall_timeout=2, connect_timeout=NEVER)
    with session(config, "etl") as opened:
        opened.run(function)
        before = time.monotonic()
        for use in uses:
            with pytest.raises(ClusterShutDown, match=r'with_runtime\(local="processes"\)'):
                opened.run(use)
        assert time.monotonic() - before < NEVER
        with pytest.raises(TypeError) as caught:  # which has another cause
            opened.run(lambda: distributed.get_client().submit(cast("Any", 3)).result())
    assert not hasattr(caught.value, "__notes__")


def test_what_ended_before_stays_as_it_is() -> None:
    """Only results are lost, of the futures of a client that is closed."""

    def function() -> list[Any]:
        client: Any = distributed.get_client()
        done, failed, cancelled = (client.submit(int, text, pure=False) for text in "3x4")
        distributed.wait([done, failed, cancelled])
        cancelled.cancel()
        with pytest.raises(CancelledError):
            cancelled.result()
        client.shutdown()
        return [done, failed, cancelled]

    with session(Dask(workers=1), "etl") as opened:
        done, failed, cancelled = opened.run(function)
        for future, kind in ((done, ClusterShutDown), (failed, ValueError)):
            with pytest.raises(kind):
                opened.run(future.result)
        with pytest.raises(CancelledError):
            opened.run(cancelled.result)


@pytest.mark.parametrize("is_of_session", [True, False])
def test_what_waits_ends_too(is_of_session: bool, tmp_path: Path) -> None:
    """In whatever thread it waits, and whichever client shuts the cluster down."""
    caught: list[ClusterShutDown] = []
    file = str(tmp_path / "file")

    def wait(future: Any) -> None:
        with pytest.raises(ClusterShutDown) as raised:
            future.result()
        caught.append(raised.value)

    def function() -> None:
        future = distributed.get_client().submit(steps.wait_and_say, file)
        thread = threading.Thread(target=wait, args=(future,))
        thread.start()
        steps.wait_for(f"{file}-runs")
        if is_of_session:
            distributed.get_client().shutdown()
        else:
            with distributed.Client() as own:
                own.shutdown()
        thread.join()
        future.result()

    with session(Dask(), "etl") as opened:
        with pytest.raises(ClusterShutDown, match="Omit shutdown"):
            opened.run(function)
        Path(file).touch()
    assert len(caught) == 1


def test_it_is_not_retried_if_the_cluster_is_used_afterwards(tmp_path: Path) -> None:
    with cluster(workers=1, nannies=False, env=CODE) as made:
        done = run_task(faulty.computes_after_shutdown, tmp_path, made.env)
    is_not_retried(done, "ClusterShutDown", "computes_after_shutdown: the function shut the ")
    assert "restart() them" in done.message


@pytest.mark.usefixtures("_kind")
def test_workers_are_restarted(request: pytest.FixtureRequest) -> None:
    """Each by its nanny; in threads there is none, so it is an error, and the cluster works on."""
    in_threads = request.node.callspec.params["_kind"] == "threads"

    def function() -> int:
        client: Any = distributed.get_client()
        before = {*client.run(os.getpid).values()}
        if in_threads:
            with pytest.raises(ValueError, match=r'nanny .*with_runtime\(local="processes"\)'):
                client.restart()
            with pytest.raises(ValueError, match="nanny"):
                client.restart_workers([*client.scheduler_info()["workers"]])
        else:
            client.restart()
            assert not before & {*client.run(os.getpid).values()}
        return int(client.submit(sum, [1, 2]).result())

    with session(Dask(workers=1), "etl") as opened:
        assert opened.run(function) == 3
        snapshot = opened._monitor.evidence("")
    assert snapshot is not None
    assert snapshot.deaths == ()
