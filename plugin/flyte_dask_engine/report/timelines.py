"""A record in pictures, worker by worker, and what happened to each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import attrs
from markupsafe import Markup

from flyte_dask_engine.monitor.metrics import ClusterMetrics, Event, TaskMetrics, WorkerMetrics
from flyte_dask_engine.report import charts
from flyte_dask_engine.report.formatting import called, distinct, duration, in_bytes, percent

__all__ = ["MARKS", "REST", "TELLING", "UNFINISHED", "Flow", "Pictures", "flow", "pictures"]

REST = "rest"
"""The colour of all prefixes that have none of their own."""

UNFINISHED = "unfinished"
"""How a task looks that did not finish, beside its colour."""

MARKS = {
    "failed": "✕",
    "lost": "▼",
    "out of memory": "◆",
    "left": "▽",
    "joined": "▲",
    "paused": "‖",
    "resumed": "▸",
}
"""How events look on the time line: by shape, not by colour."""

TELLING = {
    "failed": "a task failed",
    "lost": "ended unexpectedly",
    "out of memory": "was ended for lack of memory",
    "left": "left",
    "joined": "joined",
    "paused": "took no new tasks for lack of memory",
    "resumed": "took tasks again",
}
"""What happened, in words."""

_MOST_WORKERS = 40  # that are shown one by one
_LEAST_BUSY = 10  # of those
_MOST_IDLE_LANES = 16
_LONGEST = 60  # characters of what is told of a mark
_NUMBERS = re.compile(r"(\d+)")


class Mark(NamedTuple):
    """A happening on a time line."""

    left: float
    """Percent of the width."""
    shape: str
    text: str


@attrs.frozen
class Pictures:
    """A worker's part of the pictures."""

    worker: WorkerMetrics
    name: str
    """Beside them."""
    tasks: Markup
    lanes: int
    memory: Markup
    cpu: Markup
    marks: list[Mark]


class Flow(NamedTuple):
    """Bytes over time."""

    picture: Markup
    most: float
    """In a second."""


def pictures(record: ClusterMetrics, colours: Mapping[int, str]) -> list[Pictures]:
    """Of all workers; of many, of those with trouble, with most memory, and of the least busy.

    Args:
        record: what they did.
        colours: of prefixes, by their number.
    """
    names = distinct([worker.name for worker in record.workers])
    return [_pictures(worker, names[worker.name], record, colours) for worker in _shown(record)]


def flow(what: str, record: ClusterMetrics) -> Flow | None:
    """Bytes that were ``moved`` or ``spilled``, of all workers together; None if there are none."""
    of_workers: list[Sequence[float]] = [
        getattr(worker, f"{what}_bins") for worker in record.workers
    ]
    length = max(map(len, of_workers), default=0)
    sums = [sum(bins[at] for bins in of_workers if at < len(bins)) for at in range(length)]
    most = max(sums, default=0.0)
    if not most:
        return None
    rate = most / record.width
    label = f"Bytes {what}: at most {in_bytes(rate)} in a second"
    return Flow(charts.drawing([charts.area(sums, most, record, what)], 1, label), rate)


def _shown(record: ClusterMetrics) -> list[WorkerMetrics]:
    chosen = list(record.workers)
    if len(chosen) > _MOST_WORKERS:
        troubled = {each.worker for each in record.events if each.kind != "joined"}
        worst = sorted(chosen, key=lambda each: (each.name not in troubled, -each.fullness))
        idlest = sorted(chosen, key=lambda each: each.busy)[:_LEAST_BUSY]
        others = [each for each in worst if each not in idlest]
        chosen = [*idlest, *others[: _MOST_WORKERS - _LEAST_BUSY]]
    return sorted(chosen, key=_order)


def _order(worker: WorkerMetrics) -> list[tuple[int, str]]:
    """By name, and by the numbers in it."""
    parts = _NUMBERS.split(worker.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _pictures(
    worker: WorkerMetrics, shown_as: str, record: ClusterMetrics, colours: Mapping[int, str]
) -> Pictures:
    name = called(worker.name)
    lanes = max(worker.lanes, min(worker.nthreads, _MOST_IDLE_LANES))
    of_limit = f" of {in_bytes(worker.limit)}" if worker.limit else ""
    label = f"Memory of {name}: at most {in_bytes(worker.peak)}{of_limit}"
    most = worker.limit or max(each.peak for each in record.workers)
    memory = charts.held(worker.memory_bins, worker, record)
    cpus = worker.nthreads * record.width
    used = f"CPU of {name}: {duration(worker.cpu)} of {duration(worker.available)}"
    return Pictures(
        worker,
        shown_as,
        _tasks(worker, record, colours, lanes),
        lanes,
        _over_absences(charts.area(memory, most, record, "memory"), label, worker, record),
        _over_absences(charts.area(worker.cpu_bins, cpus, record, "cpu"), used, worker, record),
        [_mark(each, record) for each in record.events if each.worker == worker.name],
    )


def _over_absences(
    shape: Markup, label: str, worker: WorkerMetrics, record: ClusterMetrics
) -> Markup:
    return charts.drawing([charts.absences(worker, record, 1), shape], 1, label)


def _tasks(
    worker: WorkerMetrics, record: ClusterMetrics, colours: Mapping[int, str], lanes: int
) -> Markup:
    """Each task that the record has; behind them, if it has not all, how busy the worker was."""
    number = record.workers.index(worker)
    of_kind: dict[str, list[TaskMetrics]] = {}
    for tasks, kind in ((record.tasks, ""), (record.unfinished, f" {UNFINISHED}")):
        for task in tasks:
            if task.worker == number:
                colour = colours.get(task.prefix, REST)
                of_kind.setdefault(f"{colour}{kind}", []).append(task)
    shapes = [charts.absences(worker, record, lanes)]
    if record.is_sampled:
        most = worker.nthreads * record.width
        busy = charts.area(worker.busy_bins, most, record, "busy")
        shapes.append(Markup('<g transform="scale(1 {})">{}</g>').format(lanes, busy))
    shapes += [charts.tasks(drawn, record, kind) for kind, drawn in sorted(of_kind.items())]
    ended = f"{worker.finished:,} finished, {worker.failed:,} failed"
    label = f"Tasks of {called(worker.name)}: {ended}, busy {percent(worker.busy)} of the time"
    return charts.drawing(shapes, lanes, label)


def _mark(happening: Event, record: ClusterMetrics) -> Mark:
    word = happening.word[:_LONGEST]  # there may be hundreds, and the list tells it
    text = f"{duration(happening.at)}: {TELLING[happening.kind]} {word}".strip()
    left = min(happening.at / record.seconds, 1) if record.seconds > 0 else 0
    return Mark(100 * left, MARKS[happening.kind], text)
