"""What is added up of workers and of prefixes, for a record of a cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

__all__ = ["LONGEST", "PrefixSums", "WorkerSums", "shuffled", "spilled"]

LONGEST = 300
"""Characters of a word."""

_LONGEST_NAME = 100
_MOST_LANES = 64
_SURELY_BEGUN = 0.1  # seconds after which a free thread has begun what it has to do
_SHUFFLED = ("background-comms", "process", "bytes")  # as a worker's metrics call it


class WorkerSums:
    """One worker, by name; also if its process was another for a while."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name[:_LONGEST_NAME]
        self.number = number
        self.address = ""
        self.nthreads = 0
        self.limit = 0
        self.spans: list[list[float]] = []  # from when to when it was there
        self.finished = 0
        self.failed = 0
        self.seconds: Counter[str] = Counter()  # by action
        self.lost = 0.0  # seconds of tasks that ended with it
        self.cpu = 0.0  # seconds
        self.peak = 0  # bytes
        self.received = 0.0  # bytes
        self.spilled = 0.0  # bytes
        self.lanes: dict[Any, int] = {}  # by thread
        self.most_lanes = 1
        self.stops: dict[int, float] = {}  # when the latest task in a lane ended
        self.metrics: Any = None  # the latest
        self.sums: dict[str, float] = {}  # of its process, as those tell
        self.heard = 0.0  # when
        self.busy: list[float] = []  # seconds of tasks, in bins
        self.cpu_bins: list[float] = []  # seconds
        self.memory: list[float] = []  # most bytes
        self.moved_bins: list[float] = []  # bytes
        self.spilled_bins: list[float] = []  # bytes

    def comes(self, address: str, state: Any, now: float) -> None:
        """It is there, perhaps again."""
        self.address, self.nthreads, self.limit = address, state.nthreads, state.memory_limit
        self.metrics, self.heard = state.metrics, now
        self.sums = {}
        self.lanes.clear()
        self.stops.clear()
        self.spans.append([now, -1.0])

    def told_since(self, told: Mapping[str, float]) -> tuple[float, float]:
        """The bytes that it received and spilled since the last heartbeat that was looked at."""
        before, self.sums = self.sums, {**self.sums, **told}
        received, written = (
            self.sums.get(what, 0) - before.get(what, 0) for what in ("received", "spilled")
        )
        return received, written

    def goes(self, now: float) -> None:
        """It is gone."""
        self.spans[-1][1] = now

    def lane(self, thread: Any) -> int:
        """A small number for *thread*; they begin anew if there are very many."""
        if thread not in self.lanes and len(self.lanes) >= _MOST_LANES:
            self.lanes.clear()
        lane = self.lanes.setdefault(thread, len(self.lanes))
        self.most_lanes = max(self.most_lanes, lane + 1)
        return lane

    def unfinished(
        self, state: Any, tasks: Collection[Any], now: float
    ) -> Iterator[tuple[Any, float, int]]:
        """Those of *tasks* that it runs: each with since when, and in which lane.

        Its latest heartbeat told what it ran; that may be others, and begun before a recorder. What
        it began since then is supposed to be the first of the others, for as many as had a thread.
        """
        ran = state.executing
        since = [(task, self.heard - ran[task]) for task in tasks if task in ran]
        if now - self.heard >= _SURELY_BEGUN and state.status.name == "running":
            others = [task for task in tasks if task not in ran]
            free = max(0, state.nthreads - len(since))
            since += [(task, self.heard) for task in others[:free]]
        since.sort(key=lambda each: each[1])
        most = max(min(state.nthreads, _MOST_LANES), self.most_lanes)
        lanes = sorted(range(most), key=lambda lane: self.stops.get(lane, 0.0))
        for number, (task, start) in enumerate(since):
            lane = lanes[number % most]
            self.most_lanes = max(self.most_lanes, lane + 1)
            yield task, max(start, self.stops.get(lane, 0.0), 0.0), lane

    def coarsen(self) -> None:
        """Two bins become one."""
        for bins in (self.busy, self.cpu_bins, self.moved_bins, self.spilled_bins):
            bins[:] = [sum(bins[at : at + 2]) for at in range(0, len(bins), 2)]
        self.memory[:] = [max(self.memory[at : at + 2]) for at in range(0, len(self.memory), 2)]

    def told(self, now: float, running: float, *, is_there: bool) -> dict[str, Any]:
        """It, as plain values; so many seconds are of tasks that it still runs."""
        return {
            "name": self.name,
            "nthreads": self.nthreads,
            "limit": self.limit,
            "spans": [[start, now if stop < 0 else stop] for start, stop in self.spans],
            "is_there": is_there,
            "finished": self.finished,
            "failed": self.failed,
            "seconds": dict(self.seconds),
            "lost": self.lost,
            "running": running,
            "cpu": self.cpu,
            "peak": self.peak,
            "received": self.received,
            "spilled": self.spilled,
            "lanes": self.most_lanes,
            "busy_bins": [round(each, 4) for each in self.busy],
            "cpu_bins": [round(each, 4) for each in self.cpu_bins],
            "memory_bins": self.memory,
            "moved_bins": self.moved_bins,
            "spilled_bins": self.spilled_bins,
        }


class PrefixSums:
    """All tasks of one prefix."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.finished = 0
        self.failed = 0
        self.seconds: Counter[str] = Counter()  # by action
        self.longest = 0.0
        self.longest_key: Any = ""
        self.nbytes = 0
        self.lost = 0  # times that a task ended with its worker
        self.unfinished = 0.0  # seconds of those

    def told(self, running: list[float]) -> dict[str, Any]:
        """It, as plain values; those of its tasks that are running have run so many seconds."""
        return {
            "name": self.name[:LONGEST],
            "finished": self.finished,
            "failed": self.failed,
            "seconds": dict(self.seconds),
            "longest": self.longest,
            "longest_key": str(self.longest_key)[:LONGEST],
            "nbytes": self.nbytes,
            "lost": self.lost,
            "running": len(running),
            "unfinished": self.unfinished + sum(running),
        }


def shuffled(metrics: Mapping[Any, Any]) -> float:
    """The bytes that shuffles have got from other workers."""
    return float(
        sum(
            value
            for key, value in metrics.items()
            if isinstance(key, tuple) and key[-3:] == _SHUFFLED and key[0] == "p2p"
        )
    )


def spilled(metrics: Mapping[Any, Any]) -> float:
    """The bytes that were written because they did not fit into memory."""
    return float(
        sum(
            value
            for key, value in metrics.items()
            if isinstance(key, tuple) and key[-2:] == ("disk-write", "bytes") and key[0] != "p2p"
        )
    )
