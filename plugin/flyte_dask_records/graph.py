"""The tasks that a cluster ran, and what each of them waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import attrs

__all__ = ["Batch", "RecordedTask", "TaskGraph"]


class RecordedTask(NamedTuple):
    """A task that finished, or several like it that were merged into one.

    Tasks are in the order of their batches, and of their priorities in a batch; so each comes after
    those that it depends on.
    """

    prefix: int
    """Index into `TaskGraph.prefixes`."""
    seconds: float
    """Thread seconds of its computation, without transfers; if it is merged, of all together."""
    nbytes: int
    """Bytes of its result; if it is merged, of all together."""
    dependencies: Sequence[int]
    """Indices of the tasks whose results it needs, in ascending order."""
    batch: int
    """Index into `TaskGraph.batches`."""
    number: int = 1
    """How many tasks it stands for."""


class Batch(NamedTuple):
    """Tasks that arrived together, as those of one ``.compute()`` do."""

    delay: float
    """If it *waits*, seconds from the end of all earlier tasks (of the first batch: from the start
    of the function) to the start of its first task: the time of the client and of the scheduler.
    Otherwise seconds from the arrival of the previous batch to its own."""
    waits: bool
    """Whether it arrived after all tasks of previous batches had finished."""
    spread: float = 0.0
    """Seconds from its first to its last task's arrival, as when each is submitted in a loop."""


@attrs.frozen(kw_only=True)
class TaskGraph:
    """What a simulation of the schedule needs to know of a run."""

    prefixes: Sequence[str]
    tasks: Sequence[RecordedTask]
    batches: Sequence[Batch]
    tail: float = 0.0
    """Seconds from the end of the last task to the end of the function."""
    bandwidth: float = 0.0
    """Bytes per second between workers; 0 if nothing was transferred."""
    latency: float = 0.0
    """Seconds of a transfer, beside those that its bytes take."""
    overhead: float = 0.0
    """Seconds for which a worker's thread is idle between two tasks that it could run."""
    response: float = 0.0
    """Seconds from the end of a task to the start of one that waited for it, on an idle thread."""
    dispatch: float = 0.0
    """Seconds of the scheduler's CPU for each task; all tasks need the same scheduler."""
    omitted: float = 0.0
    """Thread seconds that are in no task: of runs that failed, or were lost or repeated."""
