"""A function that shuts its cluster down, or restarts its workers: no failure of the cluster."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest
from dask.delayed import delayed

from flyte_dask import Dask
from flyte_dask_engine.errors import ClusterShutDown
from flyte_dask_engine.session.session import session
from tests.support import faulty, steps
from tests.support.backend import ADDRESS, cluster
from tests.support.faults import is_not_retried
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault

PROMPTLY = 20  # seconds; the scheduler that is gone was waited for for at least 30


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


@pytest.mark.usefixtures("_kind")
@pytest.mark.parametrize("function", [shuts_down, shuts_down_with_its_own_client, has_it_shut_down])
def test_a_shutdown_ends_the_session_at_once(
    function: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Its result is returned, and the log has one line about it next to the last metrics."""
    caplog.set_level("INFO", "flyte_dask.runtime")
    before = time.monotonic()
    with session(Dask(workers=1), "etl") as opened:
        assert opened.run(function) == 3
    assert time.monotonic() - before < PROMPTLY
    _, shut_down, end = [each.getMessage() for each in caplog.records if _is_ours(each)]
    assert shut_down == "etl: the function shut the cluster down"
    assert re.match(r"etl: finished: 1 task \(", end)
    assert "flyte_dask_engine" not in caplog.text  # in no traceback


def _is_ours(record: Any) -> bool:
    is_of_start = "waiting for" in record.getMessage()
    return record.name == "flyte_dask.runtime" and not is_of_start


def test_what_waits_ends_too(tmp_path: Path) -> None:
    """In whatever thread it waits."""
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
