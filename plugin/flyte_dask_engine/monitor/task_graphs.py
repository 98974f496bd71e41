"""The graph of a run, of what the recorder in the scheduler kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from flyte_dask_engine.cluster_plugins.coarsening import Row, as_rows, coarsen
from flyte_dask_records import Batch, RecordedTask, TaskGraph
from flyte_dask_records.packing import pack

__all__ = ["task_graph"]

_MOST_BYTES = 45_000  # of a graph in a record
_MAX_PREFIXES = 200
_MAX_NAME = 80  # characters of a prefix


def task_graph(
    recorded: Mapping[str, Any], began: float | None, returned: float | None
) -> TaskGraph | None:
    """The graph of a run; None if no task finished, or they were too different to be merged.

    Args:
        recorded: what the recorder kept, just now.
        began: how many seconds ago the function began; None if that is unknown.
        returned: how many seconds ago it returned; None if it did not.
    """
    rows, now = recorded["rows"], recorded["now"]
    if not rows or not recorded["is_complete"]:
        return None
    begin = recorded["began_at"] if began is None else now - began
    end = now if returned is None else now - returned
    used = sorted({row[4] for row in rows})
    places = {number: place for place, number in enumerate(used)}
    tasks = [
        RecordedTask(min(prefix, _MAX_PREFIXES), seconds, nbytes, needed, places[batch], number)
        for prefix, seconds, nbytes, needed, batch, number in rows
    ]
    names = ("latency", "bandwidth", "overhead", "response", "dispatch", "omitted")
    graph = TaskGraph(
        prefixes=_names(recorded["prefixes"]),
        tasks=tasks,
        batches=_batches([recorded["batches"][each] for each in used], begin),
        tail=max(0.0, end - recorded["last_stop"]),
        **{name: recorded[name] for name in names},
    )
    return _fitting(graph)


def _names(prefixes: Sequence[str]) -> list[str]:
    """The names of prefixes, of which those beyond a maximum are one."""
    kept = [name[:_MAX_NAME] for name in prefixes[:_MAX_PREFIXES]]
    return [*kept, "others"] if len(prefixes) > _MAX_PREFIXES else kept


def _batches(arrivals: Sequence[Sequence[Any]], begin: float) -> list[Batch]:
    found, before = [], begin
    for number, (first, last, waits, ended_before, first_start) in enumerate(arrivals):
        if waits or not number:
            delay = first_start - (ended_before if number else begin)
        else:
            delay = first - before
        found.append(Batch(max(0.0, delay), bool(waits) or not number, last - first))
        before = first
    return found


def _fitting(graph: TaskGraph) -> TaskGraph | None:
    """*graph*, with tasks merged until it fits into a record; None if it cannot."""
    while _size(graph) > _MOST_BYTES:
        tasks = _coarser(graph.tasks)
        if len(tasks) == len(graph.tasks):
            return None
        graph = attrs.evolve(graph, tasks=tasks)
    return graph


def _size(graph: TaskGraph) -> int:
    packed = pack(graph)
    texts = sum(len(name) + 4 for name in packed["prefixes"])
    return len(packed["columns"]) + texts + 24 * len(packed["batches"])


def _coarser(tasks: Sequence[RecordedTask]) -> list[RecordedTask]:
    """*tasks*, of which similar ones are merged so that there are about a third less."""
    rows: list[Row] = []
    for number, task in enumerate(tasks):
        row = Row(task.prefix, task.batch, number)
        row.seconds, row.nbytes, row.number = task.seconds, task.nbytes, task.number
        row.dependencies = {*task.dependencies}
        row.level = max((rows[each].level + 1 for each in task.dependencies), default=0)
        rows.append(row)
    merged, _ = coarsen(rows, len(rows) * 2 // 3, sum(len(each.dependencies) for each in rows))
    return [
        RecordedTask(prefix, seconds, nbytes, tuple(needed), batch, number)
        for prefix, seconds, nbytes, needed, batch, number in as_rows(merged)
    ]
