"""Charts of each worker over time, with marks for its events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest

import attrs
from markupsafe import Markup

from flyte_dask.quantities.formatting import duration, in_bytes, percent
from flyte_dask_engine.monitor.metrics import ClusterMetrics, Event, TaskMetrics, WorkerMetrics
from flyte_dask_engine.report import charts
from flyte_dask_engine.report.formatting import short_names, worker_label

__all__ = ["LABELS", "MARKS", "REST", "Timeline", "flows", "timelines"]

REST = "rest"
"""CSS class of the prefixes without a colour of their own."""

MARKS = {
    "failed": "✕",
    "lost": "▼",
    "killed": "◆",
    "left": "▽",
    "joined": "▲",
    "paused": "‖",
    "resumed": "▸",
}
"""The mark of each kind of event on a timeline. They differ by shape, not by colour."""

LABELS = {
    "failed": "task failed",
    "lost": "terminated unexpectedly",
    "killed": "killed (memory)",
    "left": "left",
    "joined": "joined",
    "paused": "paused (memory)",
    "resumed": "resumed",
}
"""The text of each kind of event."""

_MAX_WORKERS = 40
_LEAST_BUSY = 10  # of those
_MAX_IDLE_LANES = 16
_MAX_TEXT = 60  # characters of an event's detail in a tooltip
_NUMBERS = re.compile(r"(\d+)")


@attrs.frozen
class Timeline:
    """The charts of one worker."""

    worker: WorkerMetrics
    name: str
    tasks: Markup
    lanes: int
    memory: Markup
    cpu: Markup
    marks: list[tuple[float, str, str]]
    """The events: position in percent of the width, shape and text."""


def timelines(metrics: ClusterMetrics, colours: Mapping[int, str]) -> list[Timeline]:
    """The timelines of all workers; of many, only of those with problems, most memory, least busy.

    Args:
        metrics: what the workers did.
        colours: CSS class by the index of a prefix.
    """
    names = short_names([worker.name for worker in metrics.workers])
    return [_timeline(worker, names[worker.name], metrics, colours) for worker in _shown(metrics)]


def flows(metrics: ClusterMetrics) -> Iterator[tuple[str, Markup, float]]:
    """Kind, chart and peak rate of the bytes that all workers received and spilled, if any."""
    for kind in ("received", "spilled"):
        all_bins = [getattr(each, f"{kind}_bins") for each in metrics.workers]
        sums: list[float] = list(map(sum, zip_longest(*all_bins, fillvalue=0.0)))
        if most := max(sums, default=0.0):
            rate = most / metrics.bin_width
            label = f"Bytes {kind}: peak {in_bytes(rate)}/s"
            yield kind, charts.svg([charts.area(sums, most, metrics, kind)], 1, label), rate


def _shown(metrics: ClusterMetrics) -> list[WorkerMetrics]:
    chosen = list(metrics.workers)
    if len(chosen) > _MAX_WORKERS:
        troubled = {each.worker for each in metrics.events if each.kind != "joined"}
        worst = sorted(chosen, key=lambda each: (each.name not in troubled, -each.memory_share))
        idlest = sorted(chosen, key=lambda each: each.utilization)[:_LEAST_BUSY]
        others = [each for each in worst if each not in idlest]
        chosen = [*idlest, *others[: _MAX_WORKERS - _LEAST_BUSY]]
    return sorted(chosen, key=_order)


def _order(worker: WorkerMetrics) -> list[tuple[int, str]]:
    """A key that sorts names by the numbers in them."""
    parts = _NUMBERS.split(worker.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def _timeline(
    worker: WorkerMetrics, short_name: str, metrics: ClusterMetrics, colours: Mapping[int, str]
) -> Timeline:
    name = worker_label(worker.name)
    lanes = max(worker.lanes, min(worker.nthreads, _MAX_IDLE_LANES))
    of_limit = f" of {in_bytes(worker.limit)}" if worker.limit else ""
    most = worker.limit or max(each.peak for each in metrics.workers)
    memory = charts.area(charts.hold(worker.memory_bins, worker, metrics), most, metrics, "memory")
    cpu = charts.area(worker.cpu_bins, worker.nthreads * metrics.bin_width, metrics, "cpu")
    cpu_time = f"{duration(worker.cpu)} of {duration(worker.available)}"
    absences = charts.absences(worker, metrics, 1)
    return Timeline(
        worker,
        short_name,
        _tasks(worker, metrics, colours, lanes),
        lanes,
        charts.svg(
            [absences, memory], 1, f"Memory of {name}: peak {in_bytes(worker.peak)}{of_limit}"
        ),
        charts.svg([absences, cpu], 1, f"CPU time of {name}: {cpu_time}"),
        [_mark(each, metrics) for each in metrics.events if each.worker == worker.name],
    )


def _tasks(
    worker: WorkerMetrics, metrics: ClusterMetrics, colours: Mapping[int, str], lanes: int
) -> Markup:
    """The worker's tasks; behind them, if they are sampled, how many of its threads were busy."""
    number = metrics.workers.index(worker)
    by_class: dict[str, list[TaskMetrics]] = {}
    for tasks, suffix in ((metrics.tasks, ""), (metrics.unfinished, " unfinished")):
        for task in tasks:
            if task.worker == number:
                colour = colours.get(task.prefix, REST)
                by_class.setdefault(f"{colour}{suffix}", []).append(task)
    shapes = [charts.absences(worker, metrics, lanes)]
    if metrics.is_sampled:
        most = worker.nthreads * metrics.bin_width
        busy = charts.area(worker.busy_bins, most, metrics, "busy")
        shapes.append(Markup('<g transform="scale(1 {})">{}</g>').format(lanes, busy))
    shapes += [charts.tasks(drawn, metrics, kind) for kind, drawn in sorted(by_class.items())]
    ended = f"{worker.finished:,} finished, {worker.failed:,} failed"
    label = f"Tasks of {worker_label(worker.name)}: {ended}, busy {percent(worker.utilization)}"
    return charts.svg(shapes, lanes, f"{label} of the time")


def _mark(event: Event, metrics: ClusterMetrics) -> tuple[float, str, str]:
    detail = event.detail[:_MAX_TEXT]  # there may be hundreds, and the list of events has all
    text = f"{duration(event.at)}: {LABELS[event.kind]} {detail}".strip()
    left = min(event.at / metrics.seconds, 1) if metrics.seconds > 0 else 0
    return 100 * left, MARKS[event.kind], text
