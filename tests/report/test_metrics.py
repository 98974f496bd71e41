"""The record of a cluster: its numbers are the scheduler's, and it does not grow."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# (a client that is synchronous)

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import dask.config
import distributed
import pandas as pd
import pytest
from dask.dataframe import from_pandas
from dask.utils import key_split
from distributed import Client

from flyte_dask import Dask
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.session.session import Session, session
from tests.report.test_metrics_size import a_recorder, ends
from tests.support import steps
from tests.support.backend import ADDRESS, Cluster, cluster, worker
from tests.support.processes import PATIENCE
from tests.support.runner import CODE


@contextmanager
def recorded(started: Cluster, report: bool | None = True) -> Iterator[Session]:
    """A session with a cluster, with a report or without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ADDRESS, started.address)
        config = Dask(workers=2).with_runtime(report=report)
        with session(config, "etl.total") as opened:
            yield opened


def metrics_of(opened: Session) -> ClusterMetrics:
    """The metrics of the cluster so far."""
    found = opened._monitor.last_metrics(5)
    assert found is not None
    return found


def eventually(opened: Session, holds: Callable[[ClusterMetrics], object]) -> ClusterMetrics:
    """The metrics, as soon as *holds* is true of them."""
    end = time.monotonic() + PATIENCE
    while not holds(found := metrics_of(opened)):
        assert time.monotonic() < end, found
    return found


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, env=CODE) as made:
        yield made


def work(client: Client) -> None:
    """Run tasks of three prefixes, of which one transfers data, and one fails twice."""
    client.gather(client.map(steps.squared, range(50), pure=False))
    blocks = [
        client.submit(steps.block, 1_000_000 + number, workers=[name], pure=False)
        for number in range(4)
        for name in _names(client)
    ]
    client.submit(steps.total, blocks, pure=False).result()
    distributed.wait(client.map(steps.divided, [0, 0], pure=False))


def _names(client: Client) -> list[str]:
    return sorted(str(each["name"]) for each in client.scheduler_info()["workers"].values())


class TestTheNumbers:
    """The numbers are those of distributed itself."""

    def test_of_tasks(self, started: Cluster) -> None:
        with recorded(started) as opened:
            client = opened.client
            client.get_task_stream(start=0, stop=0)  # begins it
            before = len(client.run_on_scheduler(steps.stream))
            work(client)
            metrics = metrics_of(opened)
            seen = client.run_on_scheduler(steps.stream)[before:]
        ended = Counter((key_split(each["key"]), each["status"]) for each in seen)
        assert ended == {
            (prefix.name, status): number
            for prefix in metrics.prefixes
            for status, number in (("OK", prefix.finished), ("error", prefix.failed))
            if number
        }
        assert (metrics.finished, metrics.failed, metrics.ran) == (59, 2, 61)
        for action in ("compute", "transfer"):
            seconds = {each.name: each.seconds.get(action, 0) for each in metrics.prefixes}
            expected = {name: sum(_parts(seen, action, name)) for name in seconds}
            assert seconds == pytest.approx(expected)
            of_workers = sum(each.seconds.get(action, 0) for each in metrics.workers)
            assert of_workers == pytest.approx(sum(seconds.values()))
        for number, prefix in enumerate(metrics.prefixes):
            drawn = sorted(task.seconds for task in metrics.tasks if task.prefix == number)
            assert drawn == pytest.approx(sorted(_parts(seen, "compute", prefix.name)), abs=1e-4)
        results = sum(each["nbytes"] for each in seen if each["status"] == "OK")
        assert sum(prefix.nbytes for prefix in metrics.prefixes) == results

    def test_of_workers(self, started: Cluster) -> None:
        with recorded(started) as opened:
            client = opened.client
            work(client)
            metrics = metrics_of(opened)
            info = client.scheduler_info(n_workers=-1)["workers"].values()
            received = sum(client.run(steps.received).values())
        assert {
            each.name: (each.nthreads, each.limit, each.is_present) for each in metrics.workers
        } == {each["name"]: (each["nthreads"], each["memory_limit"], True) for each in info}
        for each in info:
            (worker,) = (worker for worker in metrics.workers if worker.name == each["name"])
            assert worker.peak >= each["metrics"]["memory"] > 0
            assert worker.uptime == pytest.approx(metrics.seconds, abs=0.5)
            assert 0 < worker.utilization < 1
            assert sum(worker.busy_bins) == pytest.approx(worker.seconds["compute"], abs=0.01)
        assert 0 < metrics.received <= received
        assert sum(sum(each.received_bins) for each in metrics.workers) == pytest.approx(
            metrics.received
        )

    def test_failures_have_their_errors(self, started: Cluster) -> None:
        with recorded(started) as opened:
            work(opened.client)
            metrics = metrics_of(opened)
        assert metrics.event_counts == {"failed": 2}
        assert [(each.kind, each.worker[:-1]) for each in metrics.events] == [
            ("failed", "default-worker-")
        ] * 2
        for each in metrics.events:
            assert each.detail.startswith("divided-")
            assert each.detail.endswith(": ZeroDivisionError('division by zero')")
            assert 0 < each.at < metrics.seconds

    def test_unfinished_tasks_count(self, started: Cluster) -> None:
        with recorded(started) as opened:
            waiting = opened.client.submit(steps.wait_for_event, "enough")
            metrics = eventually(opened, lambda metrics: metrics.task_time > 1)
            distributed.Event("enough").set()
            waiting.result()
        assert metrics.finished == 0
        assert sum(each.running for each in metrics.workers) == metrics.task_time
        ((name, running, lost, seconds),) = (
            (each.name, each.running, each.lost, each.unfinished) for each in metrics.prefixes
        )
        assert (name, running, lost) == ("wait_for_event", 1, 0)
        (row,) = metrics.unfinished
        assert row.seconds == pytest.approx(seconds, abs=1e-4)
        assert row.start + row.seconds == pytest.approx(metrics.seconds, abs=1e-3)


def _parts(seen: list[dict[str, Any]], action: str, prefix: str) -> list[float]:
    """The seconds of an action, of each task of a prefix."""
    return [
        part["stop"] - part["start"]
        for each in seen
        for part in each["startstops"]
        if part["action"] == action and key_split(each["key"]) == prefix
    ]


@pytest.fixture(scope="module")
def small() -> Iterator[Cluster]:
    """One worker, with little memory."""
    with cluster(1, memory_limit="300MiB", env=CODE) as made:
        yield made


@pytest.mark.fault
class TestWorkersThatComeAndGo:
    """Workers have the times of their presence."""

    def test_a_late_one(self, started: Cluster) -> None:
        with recorded(started) as opened, ExitStack() as stack:
            worker(stack, started.address, 2)
            metrics = eventually(opened, lambda metrics: len(metrics.workers) == 3)
            opened.client.retire_workers(names=["default-worker-2"])
            gone = eventually(opened, lambda metrics: not metrics.workers[2].is_present)
        (late,) = (each for each in metrics.workers if each.name == "default-worker-2")
        assert 0 < late.uptime < metrics.seconds
        assert [(each.kind, each.worker) for each in gone.events] == [
            ("joined", "default-worker-2"),
            ("left", "default-worker-2"),
        ]
        assert gone.workers[2].spans[0][1] < gone.seconds

    def test_one_that_is_killed_and_back(self, small: Cluster) -> None:
        """Under its name, by its nanny."""
        with recorded(small) as opened:
            client = opened.client
            client.gather(client.map(steps.squared, range(10), pure=False))
            os.kill(client.run(os.getpid).popitem()[1], signal.SIGKILL)
            metrics = eventually(opened, lambda metrics: "joined" in metrics.event_counts)
            client.gather(client.map(steps.squared, range(10), pure=False))
            after = metrics_of(opened)
        assert {"lost", "joined"} <= {*metrics.event_counts}
        (same,) = after.workers
        assert (same.name, same.finished) == ("default-worker-0", 20)
        assert len(same.spans) > 1
        assert same.uptime < after.seconds

    def test_one_that_is_killed_for_lack_of_memory(self, small: Cluster) -> None:
        with recorded(small) as opened:
            filling = opened.client.submit(steps.die, "memory", pure=False)
            metrics = eventually(
                opened,  # the kill is logged before the process ends
                lambda metrics: "killed" in metrics.event_counts and metrics.lost > 0,
            )
            opened.client.cancel(filling, force=True)
        (same,) = metrics.workers
        assert same.peak > 0.9 * 300 * 2**20
        assert max(same.memory_bins) == same.peak
        assert metrics.prefixes[0].lost >= 1
        assert metrics.prefixes[0].unfinished == pytest.approx(same.lost + same.running)

    def test_restarted_ones(self, started: Cluster) -> None:
        """They are not lost."""
        with recorded(started) as opened:
            opened.client.restart()
            metrics = eventually(opened, lambda metrics: metrics.event_counts.get("joined") == 2)
        assert metrics.event_counts == {"left": 2, "joined": 2}
        assert {each.kind for each in metrics.events} == {"left", "joined"}


@pytest.mark.once
def test_shuffles_receive_bytes(started: Cluster) -> None:
    """All partitions that are exchanged count, also those that stay on the same worker."""
    with recorded(started) as opened:
        with dask.config.set({"dataframe.shuffle.method": "p2p"}):
            frame = from_pandas(pd.DataFrame({"id": range(100_000)}), npartitions=6)
            frame.shuffle("id").map_partitions(len).compute()
        metrics = metrics_of(opened)
        handed_over = opened.client.run_on_scheduler(steps.handed_over)
    assert metrics.received >= handed_over > 0


def test_the_recorder_is_removed(started: Cluster) -> None:
    """From the scheduler and from workers."""
    with Client(started.address) as client:
        before = (
            client.run_on_scheduler(steps.plugins_and_handlers),
            client.run(steps.names_in_worker),
        )
        with recorded(started) as opened:
            work(opened.client)
            during = client.run_on_scheduler(steps.plugins_and_handlers)
        after = (
            client.run_on_scheduler(steps.plugins_and_handlers),
            client.run(steps.names_in_worker),
        )
    assert after == before
    assert any("recorder" in each for each in during)


@pytest.mark.slow
def test_there_is_no_recorder_without_a_report(started: Cluster) -> None:
    with recorded(started, report=None) as opened:
        work(opened.client)
        assert not any(
            "recorder" in each
            for each in opened.client.run_on_scheduler(steps.plugins_and_handlers)
        )
        assert opened._monitor.last_metrics(5) is None


@pytest.mark.slow
class TestUnfinishedTasks:
    """Heartbeats and free threads show when they started."""

    def test_they_end_with_their_worker(self) -> None:
        """One task of a heartbeat, and one that began after it in the other thread."""
        recorder = a_recorder()
        tasks = recorder.scheduler.tasks
        for number in range(4):
            tasks[f"p{number}-0"].priority = (number,)
            tasks[f"p{number}-0"].key = f"p{number}-0"
        worker = recorder.workers["a"]
        state = SimpleNamespace(
            nthreads=2,
            memory_limit=0,
            metrics={},
            executing={tasks["p0-0"]: 2.0},
            status=distributed.Status.running,
        )
        worker.join("tcp://a", state, 0.0)
        recorder.present["tcp://a"] = state
        ends(recorder, "p4-0", 1.0, 6.0)
        recorder.poll()
        worker.last_heartbeat = 5.0
        recorder.started_at -= 10  # since when as much time has passed
        gone = {"worker": "tcp://a", "expected": False, "action": "remove-worker"}
        keys = {f"p{number}-0" for number in range(4)}
        recorder.log_event("all", {**gone, "processing-tasks": keys})
        metrics = ClusterMetrics.from_recorder(recorder.metrics())
        rows = [(each.start, each.seconds, each.lane, each.prefix) for each in metrics.unfinished]
        names = [each.name for each in metrics.prefixes]
        assert [(start, lane, names[prefix]) for start, _, lane, prefix in rows] == [
            (3.0, 1, "p0"),
            (6.0, 0, "p1"),
        ]
        assert [seconds for _, seconds, _, _ in rows] == pytest.approx([7.0, 4.0], abs=0.5)
        assert metrics.lost == 2
        assert metrics.workers[0].lost == pytest.approx(11.0, abs=0.5)
        assert [each.detail for each in metrics.events] == ["with 4 unfinished tasks"]
