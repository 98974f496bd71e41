"""Makes a record fit into its maximum size: what matters least is left out first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import attrs

from flyte_dask.errors import clipped
from flyte_dask_records.record import PrefixRecord, Record, WorkerRecord

__all__ = ["OTHERS", "REDUCTIONS", "without_graph"]

OTHERS = "others"
"""The prefix that sums up those without a place of their own, here and in the recorder."""

_MOST_TEXT = 100  # bytes of a name
_MOST_TASK = 300
_MOST_KINDS = 20  # of events; there are fewer


def _clip(record: Record) -> Record:
    """Bound the length of all names."""
    workers = [attrs.evolve(each, name=_text(each.name)) for each in record.workers]
    prefixes = [attrs.evolve(each, name=_text(each.name)) for each in record.prefixes]
    inputs = [
        attrs.evolve(each, name=_text(each.name), type=_text(each.type)) for each in record.inputs
    ]
    return attrs.evolve(
        record,
        task=clipped(record.task, _MOST_TASK),
        execution=record.execution and _text(record.execution),
        failure=record.failure and _text(record.failure),
        workers=workers,
        prefixes=prefixes,
        inputs=inputs,
        events={_text(kind): number for kind, number in [*record.events.items()][:_MOST_KINDS]},
    )


def _text(text: str) -> str:
    return clipped(text, _MOST_TEXT)


def _shorten(record: Record, *, workers: int, prefixes: int, inputs: int) -> Record:
    """Keep at most so many items of each kind."""
    kept = attrs.evolve(
        record,
        workers=_telling(record.workers, workers),
        prefixes=_summed(record.prefixes, prefixes),
        inputs=record.inputs[:inputs],
    )
    rest = max(len(record.prefixes) - prefixes + 1, 0) if record.prefixes != kept.prefixes else 0
    kept = _noting(kept, "prefixes", rest)
    kept = _noting(kept, "workers", len(record.workers) - len(kept.workers))
    return _noting(kept, "inputs", len(record.inputs) - len(kept.inputs))


def _telling(workers: Sequence[WorkerRecord], most: int) -> Sequence[WorkerRecord]:
    """Half of them had trouble or the most memory; the others are the least and the most busy."""
    if len(workers) <= most:
        return workers
    troubled = sorted(workers, key=lambda each: (-each.killed - each.lost, -each.peak))
    idle = sorted(workers, key=lambda each: each.utilization)
    chosen: list[WorkerRecord] = []
    for ranked, number in ((troubled, most - most // 2), (idle, most // 4), (idle[::-1], most)):
        new = [each for each in ranked if each not in chosen]
        chosen += new[: min(number, most - len(chosen))]
    return [each for each in workers if each in chosen]


def _summed(prefixes: Sequence[PrefixRecord], most: int) -> Sequence[PrefixRecord]:
    """Those with the most thread seconds, and the sums of the others as one."""
    if len(prefixes) <= most:
        return prefixes
    ranked = sorted(prefixes, key=lambda each: (each.name == OTHERS, -each.computed))
    rest = ranked[most - 1 :]
    others = PrefixRecord(
        name=OTHERS,
        finished=sum(each.finished for each in rest),
        failed=sum(each.failed for each in rest),
        computed=sum(each.computed for each in rest),
        waited=sum(each.waited for each in rest),
        longest=max(each.longest for each in rest),
        nbytes=sum(each.nbytes for each in rest),
    )
    return [*ranked[: most - 1], others]


def _without_origins(record: Record) -> Record:
    """Keep the values, but not where each comes from."""
    plain = {path: {"value": each.get("value")} for path, each in record.values.items()}
    number = sum(each.keys() > {"value"} for each in record.values.values())
    return _noting(attrs.evolve(record, values=plain), "origins", number)


def without_graph(record: Record) -> Record:
    """*record* without its graph, of which the tasks are counted."""
    number = 0 if record.graph is None else len(record.graph.tasks)
    return _noting(attrs.evolve(record, graph=None), "graph", number)


def _without_values(record: Record) -> Record:
    return _noting(attrs.evolve(record, values={}), "values", len(record.values))


def _noting(record: Record, field: str, number: int) -> Record:
    """*record*, noting that so many items of a *field* were left out."""
    if number <= 0:
        return record
    known = record.left_out.get(field, 0)
    return attrs.evolve(record, left_out={**record.left_out, field: known + number})


REDUCTIONS: Sequence[Callable[[Record], Record]] = (
    lambda record: _shorten(_clip(record), workers=60, prefixes=100, inputs=50),
    partial(_shorten, workers=20, prefixes=30, inputs=20),
    _without_origins,
    partial(_shorten, workers=10, prefixes=15, inputs=10),
    _without_values,
)
"""What is left out, in this order: the first always, the others while a record is too large.

The graph is left out if all of them make no room for it, and then the rest is kept if it fits.
"""
