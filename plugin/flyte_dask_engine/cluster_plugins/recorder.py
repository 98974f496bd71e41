"""What a cluster does, written down from within for a report, in a space that does not grow.

Times are seconds since the recorder began. Sums are exact. What happens when is kept in bins, whose
width doubles as time goes by; of tasks as such the longest are kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import suppress
from typing import Any

from dask.utils import format_bytes
from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.metrics import time

from flyte_dask_engine.cluster_plugins.lifecycle import Restarts
from flyte_dask_engine.cluster_plugins.sums import LONGEST, PrefixSums, WorkerSums, spilled

__all__ = ["Recorder"]

_BINS = 200
_FIRST_WIDTH = 0.05  # seconds of a bin
_PAUSE = 0.25  # seconds between looks; heartbeats come every half second at most
_MOST_TASKS = 3000
_MOST_UNFINISHED = 500  # pieces of work that are kept
_MOST_WORKERS = 1000
_MOST_PREFIXES = 200  # those beyond are told together
_MOST_EVENTS = 50  # of a kind, of which each is told
_PATIENCE = 1.0  # seconds for last heartbeats


class Recorder(SchedulerPlugin):
    """The record of all workers, tasks and events since it began.

    The scheduler answers calls of its name, by `answer`.
    """

    idempotent = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.began = 0.0  # by the scheduler's clock
        self.width = _FIRST_WIDTH
        self.workers: dict[str, WorkerSums] = {}  # by name
        self.rest = WorkerSums("others", -1)  # of those beyond the most
        self.unrecorded = 0  # times that one of those came
        self.at: dict[str, WorkerSums] = {}  # by address, also of those that have gone
        self.there: dict[str, Any] = {}  # states by address
        self.prefixes: dict[str, PrefixSums] = {}
        self.tasks: list[tuple[float, float, int, int, int]] = []
        self.cut: list[list[float]] = []  # as tasks, but ended with their workers
        self.ran = 0
        self.shortest = 0.0  # of the tasks that are kept, once some are not
        self.events: list[tuple[str, str, dict[str, Any]]] = []  # with address and kind
        self.event_counts: Counter[str] = Counter()
        self.lost: set[str] = set()  # addresses of those that went unexpectedly
        self.restarts = Restarts()

    async def start(self, scheduler: Scheduler) -> None:
        """Begin."""
        self.scheduler: Any = scheduler
        self.began = time()
        self.monitored: int = self.scheduler.monitor.count
        self.spilled_before = spilled(self.scheduler.cumulative_worker_metrics)
        for address in scheduler.workers:
            self._add(address)
        self.looking = asyncio.create_task(self._look_again_and_again())
        scheduler.handlers[self.name] = self.answer

    async def close(self) -> None:
        """End with the scheduler."""
        self.looking.cancel()

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:  # noqa: ARG002
        """Note it; called whenever one joins."""
        self._note_event("joined", worker, self._add(worker))

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        """Note it; called whenever one has gone."""
        self._gone(worker)

    def transition(self, key: Any, start: Any, finish: Any, *_: Any, **details: Any) -> None:
        """Note a task that has ended; called whenever one goes from one state to another."""
        if start == "processing" and (finish == "memory" or finish == "erred"):  # noqa: PLR1714  # faster
            worker = self.at.get(details.get("worker", ""))
            if worker is not None:
                self._ended(key, worker, details, has_failed=finish == "erred")

    def log_event(self, topic: str, msg: Any) -> None:
        """Note what tells of workers; called whenever anybody logs an event."""
        self.restarts.hear(topic, msg)
        action = msg.get("action") if isinstance(msg, dict) else None
        if action == "remove-worker" and topic in {"all", "scheduler"}:
            self._removed(msg)
        elif action == "worker-status-change" and topic in self.at:
            if "paused" in {msg["status"], msg["prev-status"]} and msg["status"] != "closing":
                kind = "paused" if msg["status"] == "paused" else "resumed"
                self._note_event(kind, topic, self.at[topic])
        elif topic == "worker-restart-memory" and msg["worker"] in self.at:
            record = self.at[msg["worker"]]
            record.peak = max(record.peak, msg["rss"])
            self._raise_to(record.memory, self._now(), msg["rss"])
            word = f"its process had {format_bytes(msg['rss'])}"
            self._note_event("out of memory", msg["worker"], record, word)

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            self.look()

    def look(self) -> None:
        """Take in the heartbeats that are new."""
        now = self._now()
        for address, state in self.scheduler.workers.items():
            record = self.at.get(address)
            if record is not None and record.metrics is not state.metrics:
                self._take(record, state, now)

    async def answer(self, what: str) -> dict[str, Any]:
        """The *record*, or the *last* one, after a heartbeat of all workers; *leave* ends it."""
        if what == "leave":
            return self.leave()
        if what == "last":
            self.look()
            with suppress(Exception):  # then it is as of the heartbeats before
                beats = self.scheduler.broadcast(msg={"op": self.name}, on_error="ignore")
                await asyncio.wait_for(beats, _PATIENCE)
        return self.record()

    def leave(self) -> dict[str, Any]:
        """Let the scheduler go on without it."""
        self.looking.cancel()
        del self.scheduler.handlers[self.name]
        self.scheduler.remove_plugin(self.name)
        return {}

    def record(self) -> dict[str, Any]:
        """All of it, as plain values."""
        self.look()
        now = self._now()
        self._bin(now)  # also if nobody is there who does anything
        restarted = self.lost & self.restarts.wished
        running = self._running(now)
        of_worker: dict[int, float] = defaultdict(float)
        of_prefix: dict[int, list[float]] = defaultdict(list)
        for _, seconds, worker, _, prefix in running:
            of_worker[int(worker)] += seconds
            of_prefix[int(prefix)].append(seconds)
        change = {"lost": -len(restarted), "left": len(restarted)}
        return {
            "began": self.began,
            "monitored": self.monitored,
            "seconds": now,
            "width": self.width,
            "spilled": spilled(self.scheduler.cumulative_worker_metrics) - self.spilled_before,
            "unrecorded": self.unrecorded,
            "workers": [
                worker.told(now, of_worker[worker.number], is_there=worker.address in self.there)
                for worker in self.workers.values()
            ],
            "prefixes": [each.told(of_prefix[each.number]) for each in self.prefixes.values()],
            "ran": self.ran,
            "tasks": [
                [round(start, 4), round(stop - start, 4), *others]
                for start, stop, *others in self._longest()
            ],
            "unfinished": sorted(self.cut + running, key=_minus_seconds)[:_MOST_UNFINISHED],
            "events": [
                {
                    **told,
                    "kind": "left" if kind == "lost" and address in restarted else kind,
                }
                for address, kind, told in self.events
            ],
            "event_counts": {
                kind: number + change.get(kind, 0)
                for kind, number in {"left": 0, **self.event_counts}.items()
                if number + change.get(kind, 0)
            },
        }

    def _now(self) -> float:
        return time() - self.began

    def _add(self, address: str) -> WorkerSums:
        state = self.scheduler.workers[address]
        name = str(state.name)
        if name not in self.workers and len(self.workers) >= _MOST_WORKERS:
            self.unrecorded += 1
            self.at[address] = self.rest
            return self.rest
        record = self.workers.setdefault(name, WorkerSums(name, len(self.workers)))
        now = self._now()
        record.comes(address, state, now)
        memory = state.metrics.get("memory", 0)
        record.peak = max(record.peak, memory)
        self._raise_to(record.memory, now, memory)
        self.at[address] = record
        self.there[address] = state
        return record

    def _removed(self, msg: dict[str, Any]) -> None:
        address = msg["worker"]
        record, state = self.at.get(address), self.there.get(address)
        if record is None or state is None:
            return
        keys = msg["processing-tasks"]
        now = self._now()
        found = [self.scheduler.tasks[key] for key in keys if key in self.scheduler.tasks]
        unfinished = sorted(found, key=lambda task: task.priority)  # as workers begin them
        for task, start, lane in record.unfinished(state, unfinished, now):
            self._cut_off(record, self._prefix(task.key), start, now, lane)
        word = f"with {len(keys)} {_tasks(len(keys))} that it had not finished" if keys else ""
        if not msg["expected"]:
            self.lost.add(address)
        self._note_event("left" if msg["expected"] else "lost", address, record, word)
        self._gone(address)

    def _cut_off(
        self, worker: WorkerSums, prefix: PrefixSums, start: float, stop: float, lane: int
    ) -> None:
        """A task ended with its worker."""
        worker.lost += stop - start
        prefix.lost += 1
        prefix.unfinished += stop - start
        if stop > start:
            self._spread(worker.busy, start, stop)
        if len(self.cut) < _MOST_UNFINISHED:
            self.cut.append(_piece(worker, prefix, start, stop, lane))

    def _running(self, now: float) -> list[list[float]]:
        """What workers do at the moment."""
        return [
            _piece(self.at[address], self._prefix(task.key), start, now, lane)
            for address, state in self.there.items()
            for task, start, lane in self.at[address].unfinished(state, state.processing, now)
        ]

    def _gone(self, address: str) -> None:
        if self.there.pop(address, None) is not None:
            self.at[address].goes(self._now())

    def _ended(
        self, key: Any, worker: WorkerSums, details: dict[str, Any], *, has_failed: bool
    ) -> None:
        prefix = self._prefix(key)
        if has_failed:
            worker.failed += 1
            prefix.failed += 1
            self._note_event("failed", details["worker"], worker, _word(key, details))
        else:
            worker.finished += 1
            prefix.finished += 1
            prefix.nbytes += details.get("nbytes") or 0
        for each in details.get("startstops") or ():
            start, stop = each["start"] - self.began, each["stop"] - self.began
            start = max(start, 0.0)
            seconds = stop - start
            if seconds <= 0:
                continue
            action = each["action"]
            worker.seconds[action] += seconds
            prefix.seconds[action] += seconds
            if action == "compute":
                if seconds > prefix.longest:
                    prefix.longest, prefix.longest_key = seconds, key
                self._spread(worker.busy, start, stop)
                self.ran += 1
                lane = worker.lane(details.get("thread"))
                worker.stops[lane] = stop
                if seconds >= self.shortest:
                    self.tasks.append((start, stop, worker.number, lane, prefix.number))
                    if len(self.tasks) >= 2 * _MOST_TASKS:
                        self.tasks = self._longest()
                        self.shortest = self.tasks[-1][1] - self.tasks[-1][0]

    def _longest(self) -> list[tuple[float, float, int, int, int]]:
        return sorted(self.tasks, key=lambda task: task[0] - task[1])[:_MOST_TASKS]

    def _prefix(self, key: Any) -> PrefixSums:
        state = self.scheduler.tasks.get(key)
        name = state.prefix.name if state is not None else "unknown"
        found = self.prefixes.get(name)
        if found is None:
            name = name if len(self.prefixes) < _MOST_PREFIXES else "others"
            number = len(self.prefixes)
            found = self.prefixes.setdefault(name, PrefixSums(name, number))
        return found

    def _take(self, record: WorkerSums, state: Any, now: float) -> None:
        """The news of a heartbeat."""
        before, record.metrics = record.heard, state.metrics
        peak_before = record.sums.get("peak", 0)
        record.heard = now
        metrics = state.metrics
        told = metrics.get(self.name) or {}
        memory = int(metrics.get("memory", 0))
        record.peak = max(record.peak, memory, told.get("peak", 0))
        received, written = record.told_since(told)
        record.received += received
        record.spilled += written
        used = metrics.get("cpu", 0) / 100 * (now - before)
        record.cpu += used
        peak = told.get("peak", 0)
        # it may have had more for a moment only, since the last heartbeat
        self._raise_to(record.memory, now, max(memory, peak if peak > peak_before else 0))
        if now > before:
            amounts = (used, received, written)
            bins = (record.cpu_bins, record.moved_bins, record.spilled_bins)
            for amount, of_worker in zip(amounts, bins, strict=True):
                if amount:
                    self._spread(of_worker, before, now, amount / (now - before))

    def _note_event(self, kind: str, address: str, worker: WorkerSums, word: str = "") -> None:
        self.event_counts[kind] += 1
        if self.event_counts[kind] <= _MOST_EVENTS:
            at = round(self._now(), 3)
            told = {"at": at, "worker": worker.name, "word": word[:LONGEST]}
            self.events.append((address, kind, told))

    def _bin(self, when: float) -> int:
        """That in which *when* falls; if it is beyond them all, they are made wider."""
        while when >= self.width * _BINS:
            self.width *= 2
            for worker in self.workers.values():
                worker.coarsen()
        return max(0, int(when / self.width))

    def _raise_to(self, bins: list[float], when: float, value: float) -> None:
        number = self._bin(when)
        _extend(bins, number)
        bins[number] = max(bins[number], value)

    def _spread(self, bins: list[float], start: float, stop: float, rate: float = 1.0) -> None:
        """Add so much for each second from *start* to *stop*."""
        last = self._bin(stop)
        width = self.width
        first = int(start / width)
        _extend(bins, last)
        if first == last:
            bins[first] += (stop - start) * rate
            return
        bins[first] += ((first + 1) * width - start) * rate
        for number in range(first + 1, last):
            bins[number] += width * rate
        bins[last] += (stop - last * width) * rate


def _extend(bins: list[float], number: int) -> None:
    missing = number + 1 - len(bins)
    if missing > 0:
        bins.extend([0.0] * missing)


def _piece(
    worker: WorkerSums, prefix: PrefixSums, start: float, stop: float, lane: int
) -> list[float]:
    return [round(start, 4), round(stop - start, 4), worker.number, lane, prefix.number]


def _minus_seconds(piece: list[float]) -> float:
    return -piece[1]


def _tasks(number: int) -> str:
    return "task" if number == 1 else "tasks"


def _word(key: Any, details: dict[str, Any]) -> str:
    text = details.get("exception_text") or "its worker died each time"
    return f"{str(key)[: LONGEST // 3]}: {text}"
