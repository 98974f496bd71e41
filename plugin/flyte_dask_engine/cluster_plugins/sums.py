"""Sums over workers and task prefixes, from which `Recorder` makes the metrics of a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

__all__ = [
    "MAX_TEXT",
    "PrefixSums",
    "WorkerSums",
    "longest",
    "row",
    "shuffled",
    "spilled",
]

MAX_TEXT = 300
"""Characters of a key or an event's detail."""

_MAX_NAME = 100
_MAX_LANES = 64
_SURELY_BEGUN = 0.1  # seconds after which a free thread has begun a task that was assigned to it
_BINNED = ("busy", "cpu", "memory", "received", "spilled")  # memory is the highest, others sums
_WORKER_SUMS = (
    *("name", "nthreads", "limit", "finished", "failed"),
    *("lost", "cpu", "peak", "received", "spilled"),
)
_PREFIX_SUMS = ("finished", "failed", "longest", "nbytes", "lost")
_SHUFFLED = ("background-comms", "process", "bytes")  # in the keys of a worker's metrics


class WorkerSums:
    """Sums over all processes that ran under the name of one worker."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name[:_MAX_NAME]
        self.number = number
        self.address = ""
        self.nthreads = 0
        self.limit = 0
        self.spans: list[list[float]] = []  # start and stop of its presence; -1 while present
        self.finished = 0
        self.failed = 0
        self.seconds: Counter[str] = Counter()  # by action
        self.lost = 0.0  # seconds of tasks interrupted by its end
        self.cpu = 0.0  # seconds
        self.peak = 0  # bytes
        self.received = 0.0  # bytes
        self.spilled = 0.0  # bytes
        self.lanes: dict[Any, int] = {}  # by thread
        self.most_lanes = 1
        self.stops: dict[int, float] = {}  # end of the latest task by lane
        self.metrics: Any = None  # of the latest heartbeat
        self.totals: dict[str, float] = {}  # of its process, by `WorkerRecorder.measure`
        self.last_heartbeat = 0.0
        self.event_counts: Counter[str] = Counter()  # by kind
        self.bins: dict[str, list[float]] = {name: [] for name in _BINNED}

    def join(self, address: str, state: Any, now: float) -> None:
        """Note that the worker joined, perhaps with a new process."""
        self.address, self.nthreads, self.limit = address, state.nthreads, state.memory_limit
        self.metrics, self.last_heartbeat = state.metrics, now
        self.totals = {}
        self.lanes.clear()
        self.stops.clear()
        self.spans.append([now, -1.0])

    def increase(self, totals: Mapping[str, float]) -> tuple[float, float]:
        """Bytes received and spilled since the last call, by the *totals* of a heartbeat."""
        before, self.totals = self.totals, {**self.totals, **totals}
        received, written = (
            self.totals.get(name, 0) - before.get(name, 0) for name in ("received", "spilled")
        )
        return received, written

    def leave(self, now: float) -> None:
        """Note that the worker left."""
        self.spans[-1][1] = now

    def lane(self, thread: Any) -> int:
        """A small number for *thread*; numbers are reused after very many threads."""
        if thread not in self.lanes and len(self.lanes) >= _MAX_LANES:
            self.lanes.clear()
        lane = self.lanes.setdefault(thread, len(self.lanes))
        self.most_lanes = max(self.most_lanes, lane + 1)
        return lane

    def unfinished(
        self, state: Any, tasks: Collection[Any], now: float
    ) -> Iterator[tuple[Any, float, int]]:
        """Those of *tasks* that the worker runs, each with its start and its lane.

        The latest heartbeat has the tasks that ran then, among them others than *tasks*, and some
        that began before the recorder. Of the rest, the first are assumed to have started since
        then, one for each free thread.
        """
        ran = state.executing
        starts = [(task, self.last_heartbeat - ran[task]) for task in tasks if task in ran]
        if now - self.last_heartbeat >= _SURELY_BEGUN and state.status.name == "running":
            others = [task for task in tasks if task not in ran]
            free = max(0, state.nthreads - len(starts))
            starts += [(task, self.last_heartbeat) for task in others[:free]]
        starts.sort(key=lambda each: each[1])
        most = max(min(state.nthreads, _MAX_LANES), self.most_lanes)
        lanes = sorted(range(most), key=lambda lane: self.stops.get(lane, 0.0))
        for number, (task, start) in enumerate(starts):
            lane = lanes[number % most]
            self.most_lanes = max(self.most_lanes, lane + 1)
            yield task, max(start, self.stops.get(lane, 0.0), 0.0), lane

    def coarsen(self) -> None:
        """Merge each two bins into one."""
        for name, bins in self.bins.items():
            merge = max if name == "memory" else sum
            bins[:] = [merge(bins[at : at + 2]) for at in range(0, len(bins), 2)]

    def as_dict(
        self, now: float, running: float, *, is_present: bool, restarted: int
    ) -> dict[str, Any]:
        """The fields of `WorkerMetrics` as plain values.

        Its running tasks have *running* seconds; *restarted* of its losses were requested restarts.
        """
        counts = {"left": 0, **self.event_counts}
        counts["lost"] = counts.get("lost", 0) - restarted
        counts["left"] += restarted
        return {
            **{name: getattr(self, name) for name in _WORKER_SUMS},
            "spans": [[start, now if stop < 0 else stop] for start, stop in self.spans],
            "is_present": is_present,
            "seconds": dict(self.seconds),
            "running": running,
            "lanes": self.most_lanes,
            "event_counts": {kind: number for kind, number in counts.items() if number},
            **{
                f"{name}_bins": [round(each, 4) for each in bins]
                for name, bins in self.bins.items()
            },
        }


class PrefixSums:
    """Sums over all tasks of one prefix."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.finished = 0
        self.failed = 0
        self.seconds: Counter[str] = Counter()  # by action
        self.longest = 0.0
        self.longest_key: Any = ""
        self.nbytes = 0
        self.lost = 0  # how often a task was interrupted by the end of its worker
        self.unfinished = 0.0  # seconds of those

    def as_dict(self, running: list[float]) -> dict[str, Any]:
        """The fields of `PrefixMetrics`; *running* has the seconds of each running task."""
        return {
            **{name: getattr(self, name) for name in _PREFIX_SUMS},
            "name": self.name[:MAX_TEXT],
            "seconds": dict(self.seconds),
            "longest_key": str(self.longest_key)[:MAX_TEXT],
            "running": len(running),
            "unfinished": self.unfinished + sum(running),
        }


def shuffled(metrics: Mapping[Any, Any]) -> float:
    """Bytes that P2P shuffles received from other workers."""
    return _total(metrics, lambda key: key[-3:] == _SHUFFLED and key[0] == "p2p")


def spilled(metrics: Mapping[Any, Any]) -> float:
    """Bytes spilled to disk; what P2P shuffles write is not spilled."""
    return _total(metrics, lambda key: key[-2:] == ("disk-write", "bytes") and key[0] != "p2p")


def _total(metrics: Mapping[Any, Any], counts: Callable[[Any], bool]) -> float:
    matching = [metrics[key] for key in metrics if isinstance(key, tuple) and counts(key)]
    return float(sum(matching))


def row(
    worker: WorkerSums, prefix: PrefixSums, start: float, stop: float, lane: int
) -> list[float]:
    """The fields of `TaskMetrics`."""
    return [round(start, 4), round(stop - start, 4), worker.number, lane, prefix.number]


def longest(rows: list[list[float]], most: int) -> list[list[float]]:
    """Those *most* of *rows* that took longest."""
    return sorted(rows, key=lambda each: -each[1])[:most]
