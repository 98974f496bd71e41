"""What a recorded run would have taken on other numbers of workers: a replay of its tasks.

It needs the record alone. What a record cannot know is in the documentation: tasks that take
longer when others run next to them, and clients that submit tasks as others finish.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from flyte_dask_records import Record, TaskGraph
from flyte_dask_sizing.replay.simulation import simulate
from flyte_dask_sizing.replay.structure import critical_path, work

__all__ = ["Prediction", "critical_path", "predict", "what_if", "work"]


@attrs.frozen(kw_only=True)
class Prediction:
    """What a run is predicted to take on some number of workers."""

    workers: int
    threads: int
    """Threads of each worker."""
    wall: float
    """Seconds of the function, without the startup of the cluster."""
    utilization: float
    """The share of the available thread seconds that tasks use, 0 to 1."""
    core_hours: float
    """Hours of the threads of all workers, while the function runs."""
    transferred: float
    """Bytes between workers."""
    peak: float
    """The most bytes of results that one worker holds at a time. A process needs more: for what
    tasks allocate while they run, and for its modules."""


def predict(graph: TaskGraph, workers: int, threads: int = 1) -> Prediction:
    """The prediction for *graph* on *workers* workers of *threads* threads each.

    Raises:
        ValueError: if there is no worker, or none has a thread.
    """
    found = simulate(graph, workers, threads)
    available = found.wall * workers * threads
    return Prediction(
        workers=workers,
        threads=threads,
        wall=found.wall,
        utilization=min(found.busy / available, 1.0) if available else 0.0,
        core_hours=available / 3600,
        transferred=found.transferred,
        peak=found.peak,
    )


def what_if(
    records: Record | Iterable[Record],
    workers: Sequence[int] = (1, 2, 4),
    threads: int | None = None,
) -> list[Prediction]:
    """Predictions for each number of *workers*, in that order, without repetitions.

    Args:
        records: one run, or several of the same task, whose predictions are combined by their
            medians. Those without a graph are ignored; without any graph the result is empty.
        workers: numbers of workers.
        threads: threads of each worker; None for as many as most workers of the records had.

    Raises:
        ValueError: if a number of workers or threads is below one.
    """
    runs = [records] if isinstance(records, Record) else list(records)
    graphs = [each.graph for each in runs if each.graph is not None and each.graph.tasks]
    if not graphs:
        return []
    if threads is None:
        counts = Counter(worker.nthreads for each in runs for worker in each.workers)
        threads = counts.most_common(1)[0][0] if counts else 1
    return [
        _combined([predict(graph, number, threads) for graph in graphs])
        for number in dict.fromkeys(workers)
    ]


def _combined(found: Sequence[Prediction]) -> Prediction:
    """The medians of predictions for one size."""
    names = ("wall", "utilization", "core_hours", "transferred", "peak")
    medians = {name: statistics.median(getattr(each, name) for each in found) for name in names}
    return attrs.evolve(found[0], **medians)
