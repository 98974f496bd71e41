"""Findings on a cluster's size from its metrics: too small, too large, unbalanced, idle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import NamedTuple

from flyte_dask.quantities.formatting import counted, duration, in_bytes, percent
from flyte_dask.quantities.usual import usual_memory
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.report.formatting import worker_label
from flyte_dask_engine.report.report import Report

__all__ = ["Finding", "findings", "sentence"]

_GIB = 2**30
_HIGH_MEMORY = 0.9  # of a memory limit
_LOW_MEMORY = 0.35
_HEADROOM = 1.3  # factor from peak memory to a fitting limit
_LOW_UTILIZATION = 0.3
_GOOD_UTILIZATION = 0.7
_LONG_ENOUGH = 10.0  # seconds; shorter sessions say little about the size
_SHORT_TASK = 0.005  # seconds
_MIN_SPILLED = 10 * 2**20  # bytes
_MANY = 1000  # tasks


class Finding(NamedTuple):
    """One finding about a cluster's size."""

    code: str
    text: str
    remedy: str | None = None

    @property
    def is_code(self) -> bool:
        """Whether the remedy is a call of a config's method."""
        return self.remedy is not None and self.remedy.startswith("with_")


def sentence(report: Report) -> str:
    """The headline: what the cluster was and did, and the first finding."""
    metrics = report.metrics
    if metrics is None or not metrics.workers:
        return "There are no metrics of the cluster."
    head = (
        f"{counted(len(metrics.workers), 'worker')}, busy {percent(metrics.utilization)} of "
        f"{duration(metrics.seconds)}"
    )
    first = next(findings(report), None)
    if first is None:
        return f"{head}; its size fits." if _does_fit(report, metrics) else f"{head}."
    remedy = f"; consider {first.remedy}" if first.remedy else ""
    return f"{head}; {first.text}{remedy}."


def findings(report: Report) -> Iterator[Finding]:
    """All findings, the worst first."""
    metrics = report.metrics
    if metrics is None or not metrics.workers:
        return
    unfinished = [*_unfinished(report)]
    yield from unfinished
    problems = [each for find in _PROBLEMS for each in find(metrics)]
    yield from problems
    # the task may have failed before it used its cluster, or have left its work to the end of it
    if report.failure is not None or unfinished:
        return
    yield from _unused(report, metrics)
    if not report.is_to_scale:
        return
    lacks_memory = any(each.code in _MEMORY_CODES for each in problems)
    for find in _SIZES:
        if not (lacks_memory and find in _REDUCTIONS):
            yield from find(metrics)


def _does_fit(report: Report, metrics: ClusterMetrics) -> bool:
    """Whether the size of a cluster without findings is known to fit."""
    is_known = report.is_to_scale and report.failure is None and metrics.seconds >= _LONG_ENOUGH
    return is_known and metrics.utilization >= _LOW_UTILIZATION


def _unfinished(report: Report) -> Iterator[Finding]:
    if report.failure is None and report.unfinished is not None and report.unfinished.number:
        remedy = "waiting for them with result(), gather() or wait() before the function returns"
        yield Finding("unfinished", f"at the end {report.unfinished}", remedy)


def _high_memory(metrics: ClusterMetrics) -> Iterator[Finding]:
    killed = metrics.event_counts.get("killed", 0)
    worst = max(metrics.workers, key=attrgetter("memory_share"))
    if not worst.limit or (worst.memory_share < _HIGH_MEMORY and not killed):
        return
    text = f"{worker_label(worst.name)} reached {percent(worst.memory_share)} of its memory limit"
    if killed:
        times = "once" if killed == 1 else f"{killed:,} times"
        text += f", and a worker was killed for that {times}"
    yield Finding("high-memory", text, _more_memory(metrics))


def _lost_workers(metrics: ClusterMetrics) -> Iterator[Finding]:
    """Workers that terminated unexpectedly for other reasons than memory."""
    lost = metrics.event_counts.get("lost", 0) - metrics.event_counts.get("killed", 0)
    if lost > 0:  # it may be the same worker again and again
        who = "one worker" if lost == 1 else "workers"
        times = "" if lost == 1 else f" {lost:,} times"
        yield Finding("lost-workers", f"{who} terminated unexpectedly{times}")


def _paused_workers(metrics: ClusterMetrics) -> Iterator[Finding]:
    paused = metrics.event_counts.get("paused", 0)
    if paused:
        times = "once" if paused == 1 else f"{paused:,} times"
        text = f"workers paused {times} for lack of memory"
        yield Finding("paused-workers", text, _more_memory(metrics))


def _spilled(metrics: ClusterMetrics) -> Iterator[Finding]:
    if metrics.spilled >= _MIN_SPILLED:
        text = f"{in_bytes(metrics.spilled)} did not fit into memory, and was spilled to disk"
        yield Finding("spilled", text, _more_memory(metrics))


def _more_memory(metrics: ClusterMetrics) -> str:
    """One remedy for all lacks of memory: the largest of what each of them needs."""
    limit = max(worker.limit for worker in metrics.workers)
    peak = max(worker.peak for worker in metrics.workers)
    if not limit or not peak:
        return "more memory for each worker, or smaller partitions"
    unspilled = max(worker.peak + worker.spilled for worker in metrics.workers)
    factor = 2 if metrics.event_counts.get("killed") else _HEADROOM
    return f'with_workers(mem="{usual_memory(max(factor * limit, _HEADROOM * peak, unspilled))}")'


def _unused(report: Report, metrics: ClusterMetrics) -> Iterator[Finding]:
    has_dropped = report.unfinished is not None and not report.unfinished.is_nothing
    if not (metrics.finished or metrics.failed or metrics.task_time or has_dropped):
        remedy = "running work on them with .compute() or client.submit(), or a plain task"
        yield Finding("unused", "they ran no tasks", remedy)


def _few_tasks(metrics: ClusterMetrics) -> Iterator[Finding]:
    threads = sum(worker.nthreads for worker in metrics.workers if worker.is_present)
    if 0 < metrics.finished < threads and metrics.seconds >= _LONG_ENOUGH:
        was = "was" if metrics.finished == 1 else "were"
        tasks = counted(metrics.finished, "task")
        text = f"there {was} only {tasks} for {counted(threads, 'thread')}"
        or_fewer = ", or fewer workers" if len(metrics.workers) > 1 else ""
        yield Finding("few-tasks", text, f"more and smaller partitions{or_fewer}")


def _unbalanced(metrics: ClusterMetrics) -> Iterator[Finding]:
    if metrics.event_counts.get("lost"):  # then others did the work of lost workers
        return
    workers = [worker for worker in metrics.workers if worker.uptime >= metrics.seconds / 2]
    if len(workers) < 2 or metrics.seconds < _LONG_ENOUGH:
        return
    busiest = max(workers, key=attrgetter("utilization"))
    others = [worker.utilization for worker in workers if worker is not busiest]
    mean = sum(others) / len(others)
    if busiest.utilization >= 2 * mean and busiest.utilization >= _LOW_UTILIZATION:
        yield Finding(
            "unbalanced",
            f"{worker_label(busiest.name)} was busy {percent(busiest.utilization)} of the time, "
            f"and the {'other' if len(others) == 1 else 'others'} {percent(mean)}",
            "more and smaller partitions",
        )


def _low_utilization(metrics: ClusterMetrics) -> Iterator[Finding]:
    workers = [worker for worker in metrics.workers if worker.is_present]
    is_low = 0 < metrics.utilization < _LOW_UTILIZATION and metrics.seconds >= _LONG_ENOUGH
    if not workers or not is_low or any(_unbalanced(metrics)):
        return
    is_single = len(workers) == 1
    number = workers[0].nthreads if is_single else len(workers)
    fitting = max(1, math.ceil(number * metrics.utilization / _GOOD_UTILIZATION))
    if is_single and fitting == number:
        yield Finding("low-utilization", "it had little to do", "a plain task")
        return
    what, argument = ("CPU", "cpu=") if is_single else ("worker", "")
    text = f"{counted(fitting, what)} would have been enough"
    yield Finding("low-utilization", text, f"with_workers({argument}{fitting})")


def _low_memory(metrics: ClusterMetrics) -> Iterator[Finding]:
    worst = max(metrics.workers, key=attrgetter("memory_share"))
    is_low = 0 < worst.memory_share < _LOW_MEMORY and worst.limit >= 2 * _GIB
    if is_low and metrics.task_time and metrics.seconds >= _LONG_ENOUGH:
        text = f"no worker used more than {percent(worst.memory_share)} of its memory limit"
        remedy = f'with_workers(mem="{usual_memory(_HEADROOM * worst.peak)}")'
        yield Finding("low-memory", text, remedy)


def _slow_transfers(metrics: ClusterMetrics) -> Iterator[Finding]:
    waited = sum(worker.seconds.get("transfer", 0.0) for worker in metrics.workers)
    if waited > metrics.task_time / 2 and waited > 1:
        text = (
            f"tasks waited {duration(waited)} for data from other workers, and ran for "
            f"{duration(metrics.task_time)}"
        )
        yield Finding("slow-transfers", text, "fewer and larger workers, or larger partitions")


def _short_tasks(metrics: ClusterMetrics) -> Iterator[Finding]:
    mean = metrics.task_time / metrics.finished if metrics.finished else math.inf
    if metrics.finished >= _MANY and mean < _SHORT_TASK:
        text = f"{counted(metrics.finished, 'task')} took {duration(mean)} each"
        remedy = "fewer and larger tasks: each costs the scheduler about 1 ms"
        yield Finding("short-tasks", text, remedy)


_Find = Callable[[ClusterMetrics], Iterator[Finding]]
_PROBLEMS: tuple[_Find, ...] = (_high_memory, _lost_workers, _paused_workers, _spilled)
_MEMORY_CODES = frozenset({"high-memory", "paused-workers", "spilled"})
_SIZES: tuple[_Find, ...] = (
    _few_tasks,
    _unbalanced,
    _short_tasks,
    _low_utilization,
    _slow_transfers,
    _low_memory,
)
_REDUCTIONS = frozenset({_low_utilization, _low_memory})
"""These suggest less, which would contradict a lack of memory."""
