"""What other numbers of workers would take: a replay of the tasks, or an estimate without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import NamedTuple, final

from flyte_dask_records import Record
from flyte_dask_sizing.options import MOST_WORKERS, Preference
from flyte_dask_sizing.replay.schedule import critical_path, what_if, work
from flyte_dask_sizing.size import number_of, threads_of, work_of

__all__ = [
    "Outlook",
    "best",
    "is_replayed",
    "numbers",
    "outlooks",
    "parallelism",
]

_MOST = 4  # factor to the present number, up to which a replay is taken as evidence
_MOST_ESTIMATED = 2  # the same without a replay
_CLOSE = 1.1  # factor to the shortest time
_REPLAYED = 3  # runs
_TIE = 1.02  # factor to the least cost, up to which fewer workers are preferred


@final
class Outlook(NamedTuple):
    """The prediction for one number of workers."""

    workers: int
    wall: float
    """Seconds of the function, without the startup."""
    utilization: float
    """The share of the threads' time that tasks use, 0 to 1."""
    core_hours: float
    """Requested CPUs of all pods, times the hours of startup and function."""


def numbers(present: int, *, is_replayed: bool, most: int | None = None) -> list[int]:
    """The numbers of workers to compare: the present one, and powers of two around it."""
    end = min(present * (_MOST if is_replayed else _MOST_ESTIMATED), max(MOST_WORKERS, present))
    found = {2**power for power in range(end.bit_length()) if 2**power <= end} | {present}
    return sorted(each for each in found if most is None or each <= most)


def is_replayed(runs: Sequence[Record]) -> bool:
    """Whether single tasks of any of *runs* are known."""
    return bool(_with_tasks(runs))


def _with_tasks(runs: Sequence[Record]) -> list[Record]:
    return [run for run in runs if run.graph is not None and run.graph.tasks]


def parallelism(runs: Sequence[Record]) -> float | None:
    """The threads that tasks could keep busy: their work by their critical path, the median.

    None without single tasks.
    """
    found = [
        work(run.graph) / path
        for run in runs
        if run.graph is not None and (path := critical_path(run.graph)) > 0
    ]
    return median(found) if found else None


def outlooks(
    runs: Sequence[Record], counts: Sequence[int], threads: int
) -> list[tuple[int, float, float]]:
    """Workers, wall seconds and utilization for each of *counts*, in the median of *runs*."""
    if is_replayed(runs):
        replayed = what_if(_typical(runs), counts, threads)
        return [(each.workers, each.wall, each.utilization) for each in replayed]
    return [
        (count, median(walls), median(used))
        for count, walls, used in _estimates(runs, counts, threads)
    ]


def _typical(runs: Sequence[Record]) -> Sequence[Record]:
    """Those of *runs* whose times are nearest to the median: each is replayed for every number."""
    known = _with_tasks(runs)
    middle = median(run.wall or 0.0 for run in known)
    return sorted(known, key=lambda run: abs((run.wall or 0.0) - middle))[:_REPLAYED]


def best(found: Sequence[Outlook], prefer: Preference, startup: float) -> Outlook:
    """The number of workers to prefer, by the rule of *prefer*; the time includes the *startup*."""
    times = [startup + each.wall for each in found]
    if prefer == "time":
        pairs = zip(found, times, strict=True)
        return next(each for each, time in pairs if time <= _CLOSE * min(times))
    if prefer == "cost":
        return _least(found, [each.core_hours for each in found])
    return _least(found, [time * each.core_hours for time, each in zip(times, found, strict=True)])


def _least(found: Sequence[Outlook], costs: Sequence[float]) -> Outlook:
    """The first one that costs about the least."""
    pairs = zip(found, costs, strict=True)
    return next(each for each, cost in pairs if cost <= _TIE * min(costs))


def _estimates(
    runs: Sequence[Record], counts: Sequence[int], threads: int
) -> Iterator[tuple[int, list[float], list[float]]]:
    """Times and utilizations of each of *runs*, by its work and its time alone."""
    for count in counts:
        now = count * threads
        walls = [_estimate(run, now) for run in runs]
        used = [
            min(work_of(run) / (now * wall), 1.0) if wall else 0.0
            for run, wall in zip(runs, walls, strict=True)
        ]
        yield count, walls, used


def _estimate(run: Record, threads: int) -> float:
    """The longer one of two times, since it is unknown why threads were idle.

    Either all were idle at the same time, as while the client computes; or tasks ran one at a time,
    as in Amdahl's law. The first makes fewer threads slower, the second more threads less fast.
    """
    work, wall, before = work_of(run), run.wall or 0.0, number_of(run) * threads_of(run)
    idle = max(wall - work / before, 0.0)
    serial = (wall * before - work) / (before - 1) if before > 1 else idle
    serial = min(max(serial, 0.0), wall)
    return max(idle + (wall - idle) * before / threads, serial + (wall - serial) * before / threads)
