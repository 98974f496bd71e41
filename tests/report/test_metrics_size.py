"""The metrics of a cluster stay small, however long and large it is."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
# pyright: reportIndexIssue=false, reportOperatorIssue=false
# (a client that is synchronous)

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import attrs
import distributed
import pytest
from distributed.diagnostics.task_stream import TaskStreamPlugin
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_engine.cluster_plugins.recorder import Recorder
from flyte_dask_engine.cluster_plugins.sums import WorkerSums
from flyte_dask_engine.cluster_plugins.task_stream import BoundedTaskStream
from flyte_dask_engine.monitor.metrics import ClusterMetrics


class TestItsSize:
    """Bounded, for any number of tasks, and any length."""

    @given(
        st.lists(
            st.tuples(st.floats(0, 1e5), st.floats(1e-3, 1e4), st.integers(0, 300)), min_size=1
        )
    )
    def test_sums_are_exact_and_bins_few(self, tasks: list[tuple[float, float, int]]) -> None:
        recorder = a_recorder()
        for start, seconds, prefix in tasks:
            ends(recorder, f"p{prefix}-0", start, start + seconds)
        recorder.poll()
        (worker,) = recorder.workers.values()
        total = sum(seconds for _, seconds, _ in tasks)
        assert worker.finished == len(tasks)
        assert worker.seconds["compute"] == pytest.approx(total, rel=1e-6, abs=1e-3)
        assert sum(worker.bins["busy"]) == pytest.approx(total, rel=1e-6, abs=1e-3)
        assert len(worker.bins["busy"]) <= 200
        assert len(recorder.prefixes) <= 201
        assert sum(each.finished for each in recorder.prefixes.values()) == len(tasks)
        latest = max(start + seconds for start, seconds, _ in tasks)
        assert (
            (len(worker.bins["busy"]) - 1) * recorder.bin_width
            <= latest + 1e-3
            <= 200 * recorder.bin_width + 1e-3
        )

    def test_the_longest_tasks_are_kept(self) -> None:
        recorder = a_recorder()
        for number in range(20_000):
            seconds = (number * 7919 % 20_000 + 1) / 1000
            ends(recorder, "p-0", float(number), number + seconds)
        kept = recorder.metrics()["tasks"]
        assert len(kept) == 3000
        assert min(seconds for _, seconds, *_ in kept) == pytest.approx(17.001)
        assert len(recorder.tasks) < 6000
        assert recorder.ran == 20_000

    def test_very_many_workers(self) -> None:
        """The first 1,000 by name are kept, and the total tasks of the others."""
        recorder = a_recorder()
        for number in range(1500):
            address = f"tcp://{number}"
            recorder.scheduler.workers[address] = SimpleNamespace(
                name=number,
                nthreads=1,
                memory_limit=0,
                metrics={},
                executing={},
                processing={},
                status=distributed.Status.running,
            )
            recorder.add_worker(recorder.scheduler, address)
            ends(recorder, "p1-0", number, number + 1, address)
        metrics = ClusterMetrics.from_recorder(recorder.metrics())
        assert (len(metrics.workers), metrics.unrecorded, metrics.finished) == (1000, 501, 1500)
        assert metrics.event_counts == {"joined": 1500}
        assert len(metrics.events) == 50


def test_dasks_own_report_has_the_latest_tasks() -> None:
    """This bounds the size of its page."""
    stream: Any = BoundedTaskStream()
    known = {f"p-{number}": None for number in range(5000)}
    asyncio.run(stream.start(SimpleNamespace(tasks=known)))
    for number in range(5000):
        part = {"action": "compute", "start": number, "stop": number + 1}
        stream.transition(f"p-{number}", "processing", "memory", startstops=(part,))
    keys = [each["key"] for each in stream.collect()]
    assert (stream.name, len(keys), keys[0]) == (TaskStreamPlugin.name, 3000, "p-2000")


@attrs.define(eq=False)
class ATask:
    """A task of the scheduler."""

    prefix: Any
    key: str = ""
    priority: tuple[int, ...] = ()
    dependencies: tuple[ATask, ...] = ()


def a_recorder() -> Recorder:
    """A recorder with a worker, and without tasks."""
    recorder = Recorder("recorder")
    recorder.workers["a"] = recorder.by_address["tcp://a"] = WorkerSums("a", 0)
    prefixes = {f"p{number}-0": f"p{number}" for number in [*range(301), ""]}
    recorder.started_at = time.time()
    recorder.monitor_count, recorder.spilled_before = 0, 0.0
    recorder.scheduler = SimpleNamespace(
        workers={},
        cumulative_worker_metrics={},
        tasks={key: ATask(SimpleNamespace(name=name)) for key, name in prefixes.items()},
    )
    return recorder


def ends(recorder: Recorder, key: str, start: float, stop: float, worker: str = "tcp://a") -> None:
    """Note a task that ran from *start* to *stop*."""
    part = {
        "action": "compute",
        "start": recorder.started_at + start,
        "stop": recorder.started_at + stop,
    }
    recorder.transition(key, "processing", "memory", worker=worker, startstops=(part,))
