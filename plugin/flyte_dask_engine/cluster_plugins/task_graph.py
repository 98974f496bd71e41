"""Records, inside the scheduler, which tasks ran, what they needed, and when they arrived.

It is what a simulation of the schedule needs. Its memory is bounded: beyond a number of tasks,
similar ones are merged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from time import thread_time
from typing import Any

from distributed.metrics import time

from flyte_dask_engine.cluster_plugins.coarsening import Row, as_rows, coarsen

__all__ = ["GraphRecorder"]

_MAX_ROWS = 20_000
_MAX_EDGES = 200_000
_MAX_BATCHES = 1000
_MAX_SAMPLES = 2000
_LOOP = 0.05  # seconds between tasks that arrive one after the other, as in a loop, at most
_SHORT = 0.5  # seconds; a longer pause of a thread has another reason than overhead
_SMALL = 65536  # bytes of a transfer whose time is its latency
_IDLE = 0.03  # share of a core that an idle scheduler uses


class Samples:
    """Some of many numbers, evenly spread."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self.seen = 0
        self.stride = 1

    def add(self, value: Any) -> None:
        """Keep *value*, or every n-th of such."""
        self.seen += 1
        if self.seen % self.stride == 0:
            self.kept.append(value)
            if len(self.kept) >= _MAX_SAMPLES:
                self.kept = self.kept[1::2]
                self.stride *= 2


class Arrival:
    """A batch: tasks that arrived together, or one after the other as in a loop."""

    __slots__ = ("ended_before", "first", "first_start", "last", "waits")

    def __init__(self, now: float, ended_before: float, *, waits: bool) -> None:
        self.first = self.last = now
        self.waits = waits  # whether all earlier tasks had finished
        self.ended_before = ended_before  # when the last of those had
        self.first_start = 0.0  # of its tasks; 0 if none finished


class GraphRecorder:
    """Keeps the tasks that finished. Times are by the scheduler's clock."""

    def __init__(self) -> None:
        self.prefixes: dict[str, int] = {}
        self.rows: list[Row] = []
        self.index: dict[Any, int] = {}  # numbers of rows by key, of tasks that can be needed
        self.awaited: dict[Any, int] = {}  # batches of tasks that have not finished, by key
        self.batches: list[Arrival] = []
        self.edges = 0
        self.omitted = 0.0
        self.is_complete = True  # False once tasks were too different to be merged
        self.began_at = self.last_stop = 0.0
        self.overheads = Samples()
        self.responses = Samples()
        self.transfers = Samples()  # seconds, bytes and number of those of a task
        self.cpu_before = 0.0
        self.stops: dict[tuple[Any, Any], float] = {}  # of the last task, by worker and thread

    def arrive(self, tasks: Mapping[Any, Any], keys: Iterable[Any]) -> None:
        """Note *keys* that a client submits, before they are assigned; *tasks* are all by key."""
        new = [key for key in keys if key in tasks and tasks[key].state != "memory"]
        if not new:
            return
        now = time()
        waits = not self.awaited
        batch = self.batches[-1] if self.batches else None
        if batch is None:
            self.cpu_before = thread_time()
        if batch is None or (
            (waits or now - batch.last > _LOOP) and len(self.batches) < _MAX_BATCHES
        ):
            batch = Arrival(now, self.last_stop or self.began_at, waits=waits)
            self.batches.append(batch)
        batch.last = now
        self.awaited.update(dict.fromkeys(new, len(self.batches) - 1))

    def note(  # noqa: PLR0913, PLR0917  # what a plugin is told of a transition
        self,
        key: Any,
        task: Any,
        needs: Iterable[Any],
        start: str,
        finish: str,
        details: Mapping[str, Any],
    ) -> None:
        """Note a transition of *task*, which is None if it is unknown, and its dependencies."""
        if finish == "memory":
            batch = self.awaited.pop(key, None)
            if start == "processing" and task is not None and details.get("startstops"):
                self._finish(task, needs, batch, details)
        elif finish == "erred":
            self.awaited.pop(key, None)
            if start == "processing":
                self.omitted += _seconds(details.get("startstops") or ())
        elif finish == "forgotten":
            self.awaited.pop(key, None)
            self.index.pop(key, None)

    def _finish(
        self, task: Any, needs: Iterable[Any], batch: int | None, details: Mapping[str, Any]
    ) -> None:
        """Note a *task* that finished; *batch* is None if none of its arrival is awaited."""
        parts = details["startstops"]
        if (batch is None and task.key in self.index) or not self.is_complete:
            self.omitted += _seconds(parts)  # it ran once more, because its result was lost
            return
        if batch is None:  # it arrived before the recorder
            batch = self._current()
        row = Row(self._prefix(task), batch, task.priority)
        row.seconds, row.nbytes = _seconds(parts), details.get("nbytes") or 0
        row.worker = details.get("worker")
        ready, moved = self._connect(row, needs) if needs else (0.0, 0)
        self._note_times(row, details, ready, moved)
        self.index[task.key] = len(self.rows)
        self.rows.append(row)
        self.edges += len(row.dependencies)
        if len(self.rows) >= _MAX_ROWS or self.edges >= _MAX_EDGES:
            self._coarsen()

    def _note_times(self, row: Row, details: Mapping[str, Any], ready: float, moved: int) -> None:
        """Note when a task ran, and for how long its thread was idle before.

        Args:
            row: the task.
            details: of its transition.
            ready: when the last of its dependencies ended.
            moved: bytes of those that ended on other workers.
        """
        start, waited, transfers = 0.0, 0.0, 0
        for part in details["startstops"]:
            if part["action"] == "compute":
                start, row.stop = part["start"], part["stop"]
            elif part["action"] == "transfer":
                waited += part["stop"] - part["start"]
                transfers += 1
        thread = row.worker, details.get("thread")
        before, self.stops[thread] = self.stops.get(thread, 0.0), row.stop
        arrival = self.batches[row.batch]
        if transfers:
            self.transfers.add((waited, moved, transfers))
        elif ready and ready >= before:
            self.responses.add(max(0.0, start - ready))
        elif before and start - before < _SHORT and arrival.last < before:
            self.overheads.add(max(0.0, start - before))
        if not arrival.first_start or start < arrival.first_start:
            arrival.first_start = start
        self.last_stop = max(self.last_stop, row.stop)

    def _current(self) -> int:
        if not self.batches:
            self.batches.append(Arrival(self.began_at, self.began_at, waits=True))
        return len(self.batches) - 1

    def _prefix(self, task: Any) -> int:
        return self.prefixes.setdefault(task.prefix.name, len(self.prefixes))

    def _connect(self, row: Row, needs: Iterable[Any]) -> tuple[float, int]:
        """When the last of its dependencies ended, and the bytes of those of other workers."""
        ready, moved = 0.0, 0
        for other in needs:
            number = self.index.get(other.key)
            if number is not None:
                found = self.rows[number]
                row.dependencies.add(number)
                row.level = max(row.level, found.level + 1)
                ready = max(ready, found.stop)
                if found.worker != row.worker:
                    moved += found.nbytes // found.number
        return ready, moved

    def _coarsen(self) -> None:
        """Keep a quarter of the rows, so that it takes a while until they are merged again."""
        self.rows, into = coarsen(self.rows, _MAX_ROWS // 4, _MAX_EDGES // 2)
        self.index = {key: into[number] for key, number in self.index.items()}
        self.edges = sum(len(row.dependencies) for row in self.rows)
        self.is_complete = len(self.rows) < _MAX_ROWS and self.edges < _MAX_EDGES

    def as_dict(self) -> dict[str, Any]:
        """What is known, as plain values; times are by the scheduler's clock."""
        rows, now = self.rows, time()
        number = sum(row.number for row in rows)
        elapsed = now - self.batches[0].first if self.batches else 0.0
        cpu = max(0.0, thread_time() - self.cpu_before - _IDLE * elapsed)
        latency, bandwidth = _speed(self.transfers.kept)
        return {
            "prefixes": list(self.prefixes),
            "rows": as_rows(rows),
            "batches": [
                [each.first, each.last, each.waits, each.ended_before, each.first_start]
                for each in self.batches
            ],
            "began_at": self.began_at,
            "last_stop": self.last_stop,
            "now": now,
            "latency": latency,
            "bandwidth": bandwidth,
            "overhead": _usual_mean(self.overheads.kept),
            "response": _middle(self.responses.kept),
            "dispatch": cpu / number if number else 0.0,
            "omitted": self.omitted,
            "is_complete": self.is_complete,
        }


def _seconds(parts: Sequence[Mapping[str, Any]]) -> float:
    """Thread seconds of a task, without transfers, which do not need its thread."""
    if len(parts) == 1 and parts[0]["action"] != "transfer":  # as most tasks have
        return float(parts[0]["stop"] - parts[0]["start"])
    lengths = (each["stop"] - each["start"] for each in parts if each["action"] != "transfer")
    return float(sum(lengths))


def _middle(values: list[float]) -> float:
    return median(values) if values else 0.0


def _usual_mean(values: list[float]) -> float:
    """The mean without the largest hundredth.

    A thread that has a second task assigned starts that at once, and the next only after the
    scheduler answered: no median of both tells the sum.
    """
    usual = sorted(values)[: math.ceil(len(values) * 0.99)]
    return fmean(usual) if usual else 0.0


def _speed(transfers: list[tuple[float, float, int]]) -> tuple[float, float]:
    """Seconds of a transfer beside its bytes, and bytes per second; 0 where that is unknown."""
    small = [seconds / times for seconds, nbytes, times in transfers if nbytes < _SMALL * times]
    latency = _middle(small)
    large = [each for each in transfers if each[1] >= _SMALL * each[2]]
    seconds = sum(max(each[0] - latency * each[2], each[0] / 10) for each in large)
    return latency, sum(each[1] for each in large) / seconds if seconds else 0.0
