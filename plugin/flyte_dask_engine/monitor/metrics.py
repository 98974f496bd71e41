"""What a cluster did, as its scheduler has written it down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

__all__ = ["ClusterMetrics", "Event", "PrefixMetrics", "TaskMetrics", "WorkerMetrics"]


@attrs.frozen(kw_only=True)
class WorkerMetrics:
    """One worker, by name; also if its process was another for a while.

    What happens when is in bins, of which the record tells the width.
    """

    name: str
    nthreads: int
    limit: int
    """Bytes of memory; 0 is none."""
    spans: Sequence[Sequence[float]]
    """From when to when it was there."""
    is_there: bool
    """At the end."""
    finished: int
    """Tasks."""
    failed: int
    """Tasks."""
    seconds: Mapping[str, float]
    """Of its threads, by action: ``compute``, ``transfer``, ``disk-read``, ``deserialize``."""
    lost: float
    """Seconds of tasks that ended with its process."""
    running: float
    """Seconds of tasks that it still runs."""
    cpu: float
    """Seconds."""
    peak: int
    """The most bytes of memory."""
    received: float
    """Bytes, from other workers."""
    spilled: float
    """Bytes, to its disk."""
    lanes: int
    """Threads that had tasks; at least one."""
    busy_bins: Sequence[float]
    """Seconds of tasks."""
    cpu_bins: Sequence[float]
    """Seconds."""
    memory_bins: Sequence[float]
    """The most bytes."""
    moved_bins: Sequence[float]
    """Bytes received."""
    spilled_bins: Sequence[float]
    """Bytes."""

    @property
    def present(self) -> float:
        """For how many seconds it was there."""
        return sum(stop - start for start, stop in self.spans)

    @property
    def available(self) -> float:
        """How many seconds its threads had together."""
        return self.present * self.nthreads

    @property
    def worked(self) -> float:
        """How many of those were tasks, finished or not."""
        return self.seconds.get("compute", 0.0) + self.lost + self.running

    @property
    def busy(self) -> float:
        """The share of its threads' time that was tasks, 0 to 1."""
        return _share(self.worked, self.available)

    @property
    def fullness(self) -> float:
        """The share of its memory limit that it reached; 0 without a limit."""
        return self.peak / self.limit if self.limit else 0.0


@attrs.frozen(kw_only=True)
class PrefixMetrics:
    """All tasks of one prefix: of one kind, as Dask tells them apart by the keys."""

    name: str
    finished: int
    failed: int
    seconds: Mapping[str, float]
    """By action."""
    longest: float
    """Seconds of the longest task."""
    longest_key: str
    nbytes: int
    """Of all results."""
    lost: int
    """How often a task ended with its worker."""
    running: int
    """Tasks that had not ended at the end."""
    unfinished: float
    """Seconds of both."""

    @property
    def computed(self) -> float:
        """Seconds of tasks that finished or failed."""
        return self.seconds.get("compute", 0.0)

    @property
    def worked(self) -> float:
        """Seconds of all tasks."""
        return self.computed + self.unfinished

    @property
    def moving(self) -> float:
        """Seconds for which they waited for data from other workers."""
        return self.seconds.get("transfer", 0.0)


class TaskMetrics(NamedTuple):
    """When a task ran, and where."""

    start: float
    seconds: float
    worker: int
    """A number in the record's workers."""
    lane: int
    """Which of the worker's threads, from 0."""
    prefix: int
    """A number in the record's prefixes."""


class Event(NamedTuple):
    """What happened to a worker."""

    at: float
    kind: str
    """``failed`` (a task), ``joined``, ``left``, ``lost``, ``out of memory``, ``paused`` or
    ``resumed``."""
    worker: str
    word: str


@attrs.frozen(kw_only=True)
class ClusterMetrics:
    """What a cluster did since *began*, in which all times are seconds."""

    began: float
    """By the scheduler's clock."""
    monitored: int
    """How much the scheduler's own monitor had seen by then."""
    seconds: float
    """How long it is since then."""
    width: float
    """Seconds of each bin."""
    spilled: float
    """Bytes that all workers wrote to disk, for lack of memory."""
    unrecorded: int
    """How often there came a worker that is in the sums over prefixes only: there are too many."""
    workers: Sequence[WorkerMetrics]
    prefixes: Sequence[PrefixMetrics]
    ran: int
    """How many tasks told when they ran: all but those whose worker died."""
    tasks: Sequence[TaskMetrics]
    """The longest of those."""
    unfinished: Sequence[TaskMetrics]
    """The longest of those that ended with their workers, or had not ended at the end."""
    events: Sequence[Event]
    """The first of each kind."""
    event_counts: Mapping[str, int]
    """How many there were, by kind."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> ClusterMetrics:
        """What a recorder told."""
        return cls(
            **{
                **told,
                "workers": tuple(WorkerMetrics(**each) for each in told["workers"]),
                "prefixes": tuple(PrefixMetrics(**each) for each in told["prefixes"]),
                "tasks": tuple(TaskMetrics(*each) for each in told["tasks"]),
                "unfinished": tuple(TaskMetrics(*each) for each in told["unfinished"]),
                "events": tuple(Event(**each) for each in told["events"]),
            }
        )

    @property
    def finished(self) -> int:
        """Tasks."""
        return sum(each.finished for each in self.prefixes)

    @property
    def failed(self) -> int:
        """Tasks."""
        return sum(each.failed for each in self.prefixes)

    @property
    def lost(self) -> int:
        """How often a task ended with its worker."""
        return sum(each.lost for each in self.prefixes)

    @property
    def running(self) -> int:
        """Tasks that had not ended at the end."""
        return sum(each.running for each in self.prefixes)

    @property
    def is_sampled(self) -> bool:
        """Whether some tasks are known by their sums only."""
        return len(self.tasks) < self.ran

    @property
    def worked(self) -> float:
        """Seconds of tasks, over all threads."""
        return sum(each.worked for each in self.workers)

    @property
    def busy(self) -> float:
        """The share of all threads' time that was tasks, 0 to 1."""
        return _share(self.worked, sum(each.available for each in self.workers))

    @property
    def received(self) -> float:
        """Bytes that workers got from each other."""
        return sum(each.received for each in self.workers)

    @property
    def cpu(self) -> float:
        """Seconds, over all workers."""
        return sum(each.cpu for each in self.workers)


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0
