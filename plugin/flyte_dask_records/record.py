"""The record of one run of a task. Times are in seconds, memory is in bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from flyte_dask_records.graph import TaskGraph

__all__ = [
    "VERSION",
    "InputRecord",
    "PrefixRecord",
    "ProcessRecord",
    "Record",
    "WorkerRecord",
]

VERSION = 1
"""The version of the format; a reader accepts this one and earlier ones."""


@attrs.frozen(kw_only=True)
class WorkerRecord:
    """One worker, over all processes that ran under its name."""

    name: str
    """Its name."""
    nthreads: int
    """Number of threads."""
    limit: int
    """Memory limit in bytes; 0 is none."""
    peak: int
    """Peak memory of its process in bytes."""
    cpu: float
    """CPU seconds."""
    computed: float
    """Thread seconds of tasks."""
    waited: float
    """Thread seconds in which tasks waited for data from other workers."""
    uptime: float
    """Seconds for which it was present."""
    utilization: float
    """The share of the available thread seconds that tasks used, 0 to 1."""
    received: float
    """Bytes from other workers."""
    spilled: float
    """Bytes spilled to disk."""
    finished: int
    """Number of tasks that finished."""
    failed: int
    """Number of tasks that failed."""
    paused: int = 0
    """How often it took no new tasks for lack of memory."""
    killed: int = 0
    """How often its process was ended for lack of memory."""
    lost: int = 0
    """How often it left unexpectedly, for lack of memory or for any other reason."""


@attrs.frozen(kw_only=True)
class ProcessRecord:
    """The scheduler's process, or the runner's."""

    peak: int
    """Peak memory in bytes."""
    cpu: float
    """CPU seconds."""


@attrs.frozen(kw_only=True)
class PrefixRecord:
    """All tasks with one prefix, which is how Dask groups tasks by their keys."""

    name: str
    """The prefix; ``others`` sums up those without a place of their own."""
    finished: int
    """Number of tasks that finished."""
    failed: int
    """Number of tasks that failed."""
    computed: float
    """Thread seconds."""
    waited: float
    """Thread seconds in which its tasks waited for data from other workers."""
    longest: float
    """Seconds of the longest task."""
    nbytes: int
    """Bytes of all results."""


@attrs.frozen(kw_only=True)
class InputRecord:
    """The size of one input of the task; its value is in no record."""

    name: str
    """Its name."""
    type: str
    """The name of its class."""
    nbytes: int | None = None
    """Its size in bytes."""
    rows: int | None = None
    """The number of its rows or items."""
    value: float | None = None
    """A number, such as the rows to make; None for what is no number."""


@attrs.frozen(kw_only=True)
class Record:
    """One run of a task."""

    version: int = VERSION
    """The version of the format."""
    task: str
    """The name of the task."""
    began: str
    """The start of the session, in UTC, as ISO 8601 has it."""
    sdk: str
    """``flytekit`` or ``flyte``; empty without an SDK, as in tests."""
    where: str
    """``cluster``, ``threads`` or ``processes``; the last two are local."""
    is_to_scale: bool
    """Whether the cluster had the shape of the config, as a local one may not."""
    config: str
    """The fingerprint of the config, as in logs: equal for equal configs, settings included."""
    values: Mapping[str, Mapping[str, object]]
    """Every effective value by path such as ``workers.limits.mem``, an object of ``value``, of its
    ``source``, as in the command's JSON, and if they are known the call ``by`` which it was set and
    the name of its ``preset``."""
    run: str = ""
    """A random identifier: the deck and the file of a run have the same."""
    execution: str | None = None
    """The name of Flyte's execution; None if the run has none, as locally."""
    attempt: int | None = None
    """The number of the attempt at the task, counted from 1; None if it is unknown."""
    inputs: Sequence[InputRecord] = ()
    """The sizes of the inputs of the task."""
    startup: float | None = None
    """Seconds until the cluster was ready; None if it never was."""
    wall: float | None = None
    """Seconds of the function, without the startup; None if it did not run."""
    workers: Sequence[WorkerRecord] = ()
    """The workers; of more than can be kept, those with deaths or the most memory, and the least
    and the most busy."""
    number: int = 0
    """How many workers ever joined."""
    utilization: float = 0.0
    """The share of the available thread seconds of all workers that tasks used, 0 to 1."""
    computed: float = 0.0
    """Thread seconds of the tasks of all workers."""
    cpu: float = 0.0
    """CPU seconds of all workers."""
    received: float = 0.0
    """Bytes that all workers received from each other."""
    spilled: float = 0.0
    """Bytes that all workers spilled to disk."""
    scheduler: ProcessRecord | None = None
    """What its process used; None if that is unknown, or if it runs in the runner's process, as
    locally."""
    runner: ProcessRecord | None = None
    """What the runner's process used."""
    prefixes: Sequence[PrefixRecord] = ()
    """The prefixes; of more than can be kept, those with the most thread seconds, and the sums of
    the others as the last."""
    events: Mapping[str, int] = {}
    """Number of events by kind, such as ``killed`` and ``paused``."""
    failure: str | None = None
    """The type of the exception that the task raised."""
    reason: str | None = None
    """Why it failed: ``memory``, ``disk``, ``user``, ``cluster`` or ``timeout``; None if it
    succeeded."""
    graph: TaskGraph | None = None
    """The tasks that ran, and what each waited for; None if that is unknown."""
    left_out: Mapping[str, int] = {}
    """How many items had no room, by field: ``workers``, ``prefixes``, ``inputs``, ``origins``,
    ``values``, and for ``graph`` its tasks."""

    @property
    def peak(self) -> int | None:
        """The highest peak memory of a worker; None without any worker."""
        return max((each.peak for each in self.workers), default=None)
