"""What a record says of the cluster's size: too small, too big, unbalanced, idle."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.monitor.metrics import ClusterMetrics, WorkerMetrics
from flyte_dask_engine.report.formatting import called, duration, in_bytes, percent
from flyte_dask_engine.report.report import Report

__all__ = ["Finding", "findings", "sentence"]

_GIB = 2**30
_NEARLY_FULL = 0.9  # of a memory limit
_EMPTY = 0.35
_ROOM = 1.3  # times what was used, is a limit that fits
_IDLE = 0.3  # of the time
_FITTING = 0.7  # of the time, is a busy cluster
_LONG_ENOUGH = 10.0  # seconds, to judge a size
_SHORT_TASK = 0.005  # seconds
_WORTH_TELLING = 10 * 2**20  # bytes on disk
_MANY = 1000  # tasks


class Finding(NamedTuple):
    """One thing that the record says."""

    code: str
    text: str
    remedy: str | None = None
    """What to do."""

    @property
    def is_code(self) -> bool:
        """Whether the remedy is a verb of the config."""
        return self.remedy is not None and self.remedy.startswith("with_")


def sentence(report: Report) -> str:
    """What the cluster was and did, and the first finding about it."""
    record = report.record
    if record is None or not record.workers:
        return "What the cluster did is not known."
    head = (
        f"{counted(len(record.workers), 'worker')}, busy {percent(record.busy)} of "
        f"{duration(record.seconds)}"
    )
    first = next(findings(report), None)
    if first is None:
        return f"{head}; its size fits." if _does_fit(report, record) else f"{head}."
    remedy = f"; consider {first.remedy}" if first.remedy else ""
    return f"{head}; {first.text}{remedy}."


def findings(report: Report) -> Iterator[Finding]:
    """All that is to be said, the worst first."""
    record = report.record
    if record is None or not record.workers:
        return
    trouble = [each for find in _OF_TROUBLE for each in find(record)]
    yield from trouble
    if report.failure is not None:  # before or after it had used the cluster as it would have
        return
    yield from _nothing(record)
    if not report.is_to_scale:
        return
    lacks_memory = any(each.code in _OF_MEMORY for each in trouble)
    for find in _OF_SIZE:
        if not (lacks_memory and find in _TO_LESS):
            yield from find(record)


def _does_fit(report: Report, record: ClusterMetrics) -> bool:
    """Whether the size is known to, if there is nothing else to say of it."""
    is_judged = report.is_to_scale and report.failure is None and record.seconds >= _LONG_ENOUGH
    return is_judged and record.busy >= _IDLE


def _lost(record: ClusterMetrics) -> Iterator[Finding]:
    """Workers that ended, not for lack of memory."""
    killed = record.event_counts.get("out of memory", 0)
    lost = record.event_counts.get("lost", 0) - killed
    if lost > 0:  # under one name it may happen again and again
        often = f"workers ended unexpectedly {lost:,} times"
        yield Finding("lost", "one worker ended unexpectedly" if lost == 1 else often)


def _full(record: ClusterMetrics) -> Iterator[Finding]:
    killed = record.event_counts.get("out of memory", 0)
    worst = max(record.workers, key=lambda worker: worker.fullness)
    if not worst.limit or (worst.fullness < _NEARLY_FULL and not killed):
        return
    text = f"{called(worst.name)} reached {percent(worst.fullness)} of its memory limit"
    if killed:
        what = "one process" if killed == 1 else f"{killed:,} processes"
        text += f", and {what} had to be ended for that"
    yield Finding("full", text, _more_memory(record))


def _spilled(record: ClusterMetrics) -> Iterator[Finding]:
    if record.spilled >= _WORTH_TELLING:
        yield Finding(
            "spilled",
            f"{in_bytes(record.spilled)} did not fit into memory, and went to disk",
            _more_memory(record),
        )


def _paused(record: ClusterMetrics) -> Iterator[Finding]:
    paused = record.event_counts.get("paused", 0)
    if paused:
        often = "once" if paused == 1 else f"{paused:,} times"
        text = f"workers took no new tasks {often} for lack of memory"
        yield Finding("paused", text, _more_memory(record))


def _more_memory(record: ClusterMetrics) -> str:
    """What to do if there was not enough: of all that lacked it, the most that one of them did."""
    limit = max(worker.limit for worker in record.workers)
    peak = max(worker.peak for worker in record.workers)
    if not limit or not peak:
        return "more memory for each worker, or smaller partitions"
    wanted = max(worker.peak + worker.spilled for worker in record.workers)
    factor = 2 if record.event_counts.get("out of memory") else _ROOM
    return f'with_workers(mem="{_fitting(max(factor * limit, _ROOM * peak, wanted))}")'


def _nothing(record: ClusterMetrics) -> Iterator[Finding]:
    if not record.finished and not record.failed and not record.worked:
        yield Finding(
            "nothing",
            "they did nothing",
            "using them by .compute() or the client's submit(), or a plain task",
        )


def _few_tasks(record: ClusterMetrics) -> Iterator[Finding]:
    threads = _threads(record)
    if 0 < record.finished < threads and record.seconds >= _LONG_ENOUGH:
        there = "was" if record.finished == 1 else "were"
        tasks = counted(record.finished, "task")
        text = f"there {there} {tasks} for {counted(threads, 'thread')}"
        or_fewer = ", or fewer workers" if len(record.workers) > 1 else ""
        yield Finding("few-tasks", text, f"more and smaller partitions{or_fewer}")


def _unbalanced(record: ClusterMetrics) -> Iterator[Finding]:
    if record.event_counts.get("lost"):  # then others did what was theirs
        return
    present = [worker for worker in record.workers if worker.present >= record.seconds / 2]
    if len(present) < 2 or record.seconds < _LONG_ENOUGH:
        return
    busiest = max(present, key=_busy)
    others = [worker.busy for worker in present if worker is not busiest]
    mean = sum(others) / len(others)
    if busiest.busy >= 2 * mean and busiest.busy >= _IDLE:
        yield Finding(
            "unbalanced",
            f"{called(busiest.name)} was busy {percent(busiest.busy)} of the time, and the "
            f"{'other' if len(others) == 1 else 'others'} {percent(mean)}",
            "more and smaller partitions",
        )


def _idle(record: ClusterMetrics) -> Iterator[Finding]:
    there = [worker for worker in record.workers if worker.is_there]
    is_idle = 0 < record.busy < _IDLE and record.seconds >= _LONG_ENOUGH
    if not there or not is_idle or any(_unbalanced(record)):
        return
    if len(there) == 1:
        yield _idle_one(there[0], record)
        return
    fitting = max(1, math.ceil(len(there) * record.busy / _FITTING))
    text = f"{counted(fitting, 'worker')} would have had time enough for it"
    yield Finding("idle", text, f"with_workers({fitting})")


def _idle_one(worker: WorkerMetrics, record: ClusterMetrics) -> Finding:
    """Of a cluster that can't have fewer workers."""
    fitting = max(1, math.ceil(worker.nthreads * record.busy / _FITTING))
    if fitting == worker.nthreads:
        return Finding("idle", "it had little to do", "a plain task")
    text = f"{counted(fitting, 'CPU')} would have had time enough for it"
    return Finding("idle", text, f"with_workers(cpu={fitting})")


def _empty(record: ClusterMetrics) -> Iterator[Finding]:
    """Memory that nobody used."""
    worst = max(record.workers, key=lambda worker: worker.fullness)
    fitting = _fitting(_ROOM * worst.peak)
    is_empty = 0 < worst.fullness < _EMPTY and worst.limit >= 2 * _GIB
    if is_empty and record.worked and record.seconds >= _LONG_ENOUGH:
        text = f"no worker had more than {percent(worst.fullness)} of its memory limit"
        yield Finding("empty", text, f'with_workers(mem="{fitting}")')


def _moving(record: ClusterMetrics) -> Iterator[Finding]:
    moving = sum(worker.seconds.get("transfer", 0.0) for worker in record.workers)
    if moving > record.worked / 2 and moving > 1:
        text = (
            f"workers waited {duration(moving)} for data from each other, for "
            f"{duration(record.worked)} of work"
        )
        yield Finding("moving", text, "fewer and larger workers, or larger partitions")


def _short(record: ClusterMetrics) -> Iterator[Finding]:
    mean = record.worked / record.finished if record.finished else math.inf
    if record.finished >= _MANY and mean < _SHORT_TASK:
        text = f"{counted(record.finished, 'task')} took {duration(mean)} each"
        yield Finding("short", text, "fewer and larger tasks: each costs the scheduler about 1 ms")


_Find = Callable[[ClusterMetrics], Iterator[Finding]]
_OF_TROUBLE: tuple[_Find, ...] = (_full, _lost, _paused, _spilled)
_OF_MEMORY = frozenset({"full", "paused", "spilled"})
_OF_SIZE: tuple[_Find, ...] = (_few_tasks, _unbalanced, _short, _idle, _moving, _empty)
_TO_LESS = frozenset({_idle, _empty})
"""Which propose less, so that they contradict a lack of memory."""


def _busy(worker: WorkerMetrics) -> float:
    return worker.busy


def _threads(record: ClusterMetrics) -> int:
    return sum(worker.nthreads for worker in record.workers if worker.is_there)


def _fitting(least: float) -> str:
    """The next usual amount of memory from so many bytes."""
    unit, name = (_GIB, "Gi") if least > _GIB / 2 else (2**20, "Mi")
    number = math.ceil(least / unit)
    step = 2 ** max(0, number.bit_length() - 3)  # 1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 ...
    return f"{math.ceil(number / step) * step}{name}"
