"""Metrics of a cluster, as its scheduler recorded them: workers, task prefixes, tasks, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import attrs

from flyte_dask.quantities.formatting import in_bytes
from flyte_dask_records import TaskGraph

__all__ = ["ClusterMetrics", "Event", "PrefixMetrics", "TaskMetrics", "WorkerMetrics"]


@attrs.frozen(kw_only=True)
class WorkerMetrics:
    """Metrics of the worker with one name, over all processes that ran under that name.

    Values over time are in bins, whose width is `ClusterMetrics.bin_width`.
    """

    name: str
    nthreads: int
    limit: int
    """Memory limit in bytes; 0 is none."""
    spans: Sequence[Sequence[float]]
    """Pairs of start and stop between which the worker was present."""
    is_present: bool
    """Whether the worker was present at the end."""
    finished: int
    """Number of tasks."""
    failed: int
    """Number of tasks."""
    seconds: Mapping[str, float]
    """Thread seconds by action: ``compute``, ``transfer``, ``disk-read``, ``deserialize``."""
    lost: float
    """Seconds of tasks that were interrupted by the end of the worker's process."""
    running: float
    """Seconds of tasks that were still running at the end."""
    cpu: float
    """CPU seconds."""
    peak: int
    """Peak memory in bytes."""
    received: float
    """Bytes received from other workers."""
    spilled: float
    """Bytes spilled to disk."""
    lanes: int
    """Number of threads that ran tasks; at least one."""
    busy_bins: Sequence[float]
    """Seconds of tasks."""
    cpu_bins: Sequence[float]
    memory_bins: Sequence[float]
    """Highest memory in bytes."""
    received_bins: Sequence[float]
    spilled_bins: Sequence[float]
    event_counts: Mapping[str, int] = {}
    """The number of its events by kind, as of `Event`."""

    @property
    def uptime(self) -> float:
        """Seconds for which the worker was present."""
        return sum(stop - start for start, stop in self.spans)

    @property
    def available(self) -> float:
        """Thread seconds that the worker had for tasks."""
        return self.uptime * self.nthreads

    @property
    def task_time(self) -> float:
        """Thread seconds that tasks used, whether they finished or not."""
        return self.seconds.get("compute", 0.0) + self.lost + self.running

    @property
    def utilization(self) -> float:
        """The share of the available thread seconds that tasks used, 0 to 1."""
        return _share(self.task_time, self.available)

    @property
    def memory_share(self) -> float:
        """Peak memory as a share of the memory limit; 0 without a limit."""
        return self.peak / self.limit if self.limit else 0.0


@attrs.frozen(kw_only=True)
class PrefixMetrics:
    """Metrics of all tasks with one prefix, which is how Dask groups tasks by their keys."""

    name: str
    finished: int
    failed: int
    seconds: Mapping[str, float]
    """Thread seconds by action, as `WorkerMetrics.seconds`."""
    longest: float
    """Seconds of the longest task."""
    longest_key: str
    nbytes: int
    """Bytes of all results."""
    lost: int
    """How often a task was interrupted by the end of its worker."""
    running: int
    """Tasks that were still running at the end."""
    unfinished: float
    """Seconds of interrupted and running tasks."""

    @property
    def compute_time(self) -> float:
        """Seconds of tasks that finished or failed."""
        return self.seconds.get("compute", 0.0)

    @property
    def task_time(self) -> float:
        """Seconds of all tasks."""
        return self.compute_time + self.unfinished

    @property
    def transfer_time(self) -> float:
        """Seconds that tasks waited for data from other workers."""
        return self.seconds.get("transfer", 0.0)


class TaskMetrics(NamedTuple):
    """When and where a task ran."""

    start: float
    seconds: float
    worker: int
    """Index into `ClusterMetrics.workers`."""
    lane: int
    """The thread of the worker, from 0."""
    prefix: int
    """Index into `ClusterMetrics.prefixes`."""


class Event(NamedTuple):
    """Something that happened to a worker."""

    at: float
    kind: str
    """``failed`` (a task), ``joined``, ``left``, ``lost``, ``killed`` or ``paused`` (both for lack
    of memory), or ``resumed``."""
    worker: str
    detail: str

    @classmethod
    def from_recorder(cls, nbytes: int = 0, detail: str = "", **fields: Any) -> Event:
        """The event of a `Recorder`, whose detail may be an amount of memory."""
        return cls(**fields, detail=f"at {in_bytes(nbytes)}" if nbytes else detail)


@attrs.frozen(kw_only=True)
class ClusterMetrics:
    """Metrics of a cluster. All times are seconds since *started_at*."""

    started_at: float
    """The start of recording, by the scheduler's clock."""
    monitor_count: int
    """How many samples the scheduler's own system monitor had at the start."""
    seconds: float
    """Length of the recording."""
    bin_width: float
    """Seconds of each bin."""
    spilled: float
    """Bytes that all workers spilled to disk."""
    unrecorded: int
    """How often a worker beyond the recorded maximum joined; it counts in the prefixes only."""
    workers: Sequence[WorkerMetrics]
    prefixes: Sequence[PrefixMetrics]
    ran: int
    """How many task runs were reported: all but those interrupted by the end of their worker."""
    tasks: Sequence[TaskMetrics]
    """The longest of the reported runs."""
    unfinished: Sequence[TaskMetrics]
    """The longest of the runs that were interrupted or still running at the end."""
    events: Sequence[Event]
    """The first events of each kind."""
    event_counts: Mapping[str, int]
    """The number of all events by kind."""
    scheduler: Mapping[str, Any] | None = None
    """Peak memory and CPU seconds of the scheduler's process: ``peak`` and ``cpu``."""
    graph: TaskGraph | None = None
    """The tasks and their dependencies; only the last metrics of a run have it."""

    @classmethod
    def from_recorder(cls, data: Mapping[str, Any]) -> ClusterMetrics:
        """The metrics in the answer of a `Recorder`."""
        return cls(
            **{
                **data,
                "workers": tuple(WorkerMetrics(**each) for each in data["workers"]),
                "prefixes": tuple(PrefixMetrics(**each) for each in data["prefixes"]),
                "tasks": tuple(TaskMetrics(*each) for each in data["tasks"]),
                "unfinished": tuple(TaskMetrics(*each) for each in data["unfinished"]),
                "events": tuple(Event.from_recorder(**each) for each in data["events"]),
            }
        )

    @property
    def finished(self) -> int:
        """Number of finished tasks."""
        return sum(each.finished for each in self.prefixes)

    @property
    def failed(self) -> int:
        """Number of failed tasks."""
        return sum(each.failed for each in self.prefixes)

    @property
    def lost(self) -> int:
        """How often a task was interrupted by the end of its worker."""
        return sum(each.lost for each in self.prefixes)

    @property
    def running(self) -> int:
        """Number of tasks that were still running at the end."""
        return sum(each.running for each in self.prefixes)

    @property
    def is_sampled(self) -> bool:
        """Whether some tasks are in the sums only."""
        return len(self.tasks) < self.ran

    @property
    def task_time(self) -> float:
        """Thread seconds of all tasks."""
        return sum(each.task_time for each in self.workers)

    @property
    def utilization(self) -> float:
        """The share of all available thread seconds that tasks used, 0 to 1."""
        return _share(self.task_time, sum(each.available for each in self.workers))

    @property
    def received(self) -> float:
        """Bytes that workers received from each other."""
        return sum(each.received for each in self.workers)


def _share(part: float, whole: float) -> float:
    return min(part / whole, 1.0) if whole > 0 else 0.0
