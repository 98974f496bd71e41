"""A scheduler plugin that records the metrics of its cluster in bounded memory.

Times are seconds since the recorder started. Sums are exact. Values over time are kept in bins,
whose width doubles as time goes by; of single tasks the longest are kept.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from distributed import Scheduler
from distributed.metrics import time

from flyte_dask_engine.cluster_plugins.lifecycle import Observer
from flyte_dask_engine.cluster_plugins.process_usage import cpu_seconds, peak_memory
from flyte_dask_engine.cluster_plugins.sums import (
    MAX_TEXT,
    PrefixSums,
    WorkerSums,
    longest,
    row,
    spilled,
)
from flyte_dask_engine.cluster_plugins.task_graph import GraphRecorder

__all__ = ["Recorder"]

_BINS = 200
_FIRST_WIDTH = 0.05  # seconds of a bin
_PAUSE = 0.25  # seconds between polls; heartbeats come every half second at most
_MAX_TASKS = 3000
_MAX_UNFINISHED = 500
_MAX_WORKERS = 1000
_MAX_PREFIXES = 200  # those beyond are summed up as one
_MAX_EVENTS = 50  # of a kind; those beyond are counted
_PATIENCE = 1.0  # seconds for last heartbeats
_NOTED = frozenset({"memory", "erred", "forgotten"})  # states
_MAX_PENDING = 1000  # transitions


class Recorder(Observer):
    """Records workers, tasks and events from its start on, for `ClusterMetrics.from_recorder`."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.started_at = 0.0  # by the scheduler's clock
        self.cpu_before = 0.0  # seconds of the scheduler's process
        self.bin_width = _FIRST_WIDTH
        self.workers: dict[str, WorkerSums] = {}  # by name
        self.rest = WorkerSums("others", -1)  # of workers beyond the maximum
        self.unrecorded = 0  # how often one of those joined
        self.by_address: dict[str, WorkerSums] = {}  # also of workers that left
        self.present: dict[str, Any] = {}  # states by address
        self.prefixes: dict[str, PrefixSums] = {}
        self.tasks: list[list[float]] = []  # rows of `TaskMetrics`
        self.interrupted: list[list[float]] = []
        self.ran = 0
        self.shortest = 0.0  # seconds below which tasks are not kept
        self.events: list[tuple[str, str, dict[str, Any]]] = []  # with address and kind
        self.event_counts: Counter[str] = Counter()
        self.graph = GraphRecorder()
        self.lost: set[str] = set()  # addresses of workers that left unexpectedly
        # Transitions that are not noted yet: many at once take a third of the time.
        self.pending: list[tuple[Any, Any, Sequence[Any], str, str, dict[str, Any]]] = []

    async def start(self, scheduler: Scheduler) -> None:
        """Start recording."""
        self.begin(scheduler)
        self.started_at = self.graph.began_at = time()
        self.cpu_before = cpu_seconds()
        self.monitor_count: int = self.scheduler.monitor.count
        self.spilled_before = spilled(self.scheduler.cumulative_worker_metrics)
        for address in scheduler.workers:
            self._add(address)
        self.polling = asyncio.create_task(self._keep_polling())

    async def close(self) -> None:
        """Stop recording when the scheduler closes."""
        self.polling.cancel()

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:  # noqa: ARG002
        """Note a worker that joins."""
        self._note_pending()
        self._note_event("joined", worker, self._add(worker))

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        """Note a worker that left."""
        self._note_pending()
        self._remove(worker)

    def transition(self, key: Any, start: Any, finish: Any, *_: Any, **details: Any) -> None:
        """Note a task that finishes or fails, or is forgotten."""
        if finish not in _NOTED:  # most transitions are not
            return
        task = self.scheduler.tasks.get(key)
        needs = task.dependencies if task is not None else ()
        # Dask empties the dependencies of tasks that it forgets
        kept = (*needs,) if needs else ()
        self.pending.append((key, task, kept, start, finish, details))
        if len(self.pending) >= _MAX_PENDING:
            self._note_pending()

    def _note_pending(self) -> None:
        """Note the transitions of late, before anything that their order matters to."""
        pending, self.pending = self.pending, []
        for key, task, needs, start, finish, details in pending:
            if start == "processing" and finish != "forgotten":
                worker = self.by_address.get(details.get("worker", ""))
                if worker is not None:
                    self._note_end(key, task, worker, details, has_failed=finish == "erred")
            self.graph.note(key, task, needs, start, finish, details)

    def update_graph(self, scheduler: Scheduler, *, tasks: Any = (), **_: Any) -> None:
        """Note tasks that arrive."""
        self._note_pending()
        self.graph.arrive(scheduler.tasks, tasks)

    def log_event(self, topic: str, msg: Any) -> None:
        """Note logged events about workers."""
        self.note_restarts(topic, msg)
        action = msg.get("action") if isinstance(msg, dict) else None
        self._note_pending()
        if action == "remove-worker" and topic in {"all", "scheduler"}:
            self._note_removal(msg)
        elif action == "worker-status-change" and topic in self.by_address:
            if "paused" in {msg["status"], msg["prev-status"]} and msg["status"] != "closing":
                kind = "paused" if msg["status"] == "paused" else "resumed"
                self._note_event(kind, topic, self.by_address[topic])
        elif topic == "worker-restart-memory" and msg["worker"] in self.by_address:
            worker = self.by_address[msg["worker"]]
            worker.peak = max(worker.peak, msg["rss"])
            self._raise_to(worker.bins["memory"], self._now(), msg["rss"])
            self._note_event("killed", msg["worker"], worker, nbytes=msg["rss"])

    async def _keep_polling(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            self.poll()

    def poll(self) -> None:
        """Note new heartbeats, and transitions."""
        self._note_pending()
        now = self._now()
        for address, state in self.scheduler.workers.items():
            worker = self.by_address.get(address)
            if worker is not None and worker.metrics is not state.metrics:
                self._note_heartbeat(worker, state, now)

    async def answer(self, what: str) -> dict[str, Any]:
        """The *metrics*; the *last* ones, after heartbeats, with the graph; *leave* ends it."""
        if what == "leave":
            return self.leave()
        if what == "last":
            self.poll()
            with suppress(Exception):  # then the metrics are those of earlier heartbeats
                heartbeats = self.scheduler.broadcast(msg={"op": self.name}, on_error="ignore")
                await asyncio.wait_for(heartbeats, _PATIENCE)
            return {**self.metrics(), "graph": self.graph.as_dict()}
        return self.metrics()

    def leave(self) -> dict[str, Any]:
        """Stop recording, and leave the scheduler."""
        self.polling.cancel()
        return super().leave()

    def metrics(self) -> dict[str, Any]:
        """The fields of `ClusterMetrics`, as plain values."""
        self.poll()
        now = self._now()
        self._bin(now)  # also if no worker did anything
        restarted = self.lost & self.restarted
        running = self._running(now)
        of_worker: dict[int, float] = defaultdict(float)
        of_prefix: dict[int, list[float]] = defaultdict(list)
        for _, seconds, worker, _, prefix in running:
            of_worker[int(worker)] += seconds
            of_prefix[int(prefix)].append(seconds)
        of_restarted = Counter(self.by_address[each].number for each in restarted)
        change = {"lost": -len(restarted), "left": len(restarted)}
        return {
            "started_at": self.started_at,
            "monitor_count": self.monitor_count,
            "seconds": now,
            "bin_width": self.bin_width,
            "spilled": spilled(self.scheduler.cumulative_worker_metrics) - self.spilled_before,
            "unrecorded": self.unrecorded,
            "workers": [
                each.as_dict(
                    now,
                    of_worker[each.number],
                    is_present=each.address in self.present,
                    restarted=of_restarted[each.number],
                )
                for each in self.workers.values()
            ],
            "scheduler": {"peak": peak_memory(), "cpu": cpu_seconds() - self.cpu_before},
            "prefixes": [each.as_dict(of_prefix[each.number]) for each in self.prefixes.values()],
            "ran": self.ran,
            "tasks": longest(self.tasks, _MAX_TASKS),
            "unfinished": longest(self.interrupted + running, _MAX_UNFINISHED),
            "events": [
                {**event, "kind": "left" if kind == "lost" and address in restarted else kind}
                for address, kind, event in self.events
            ],
            "event_counts": {
                kind: number + change.get(kind, 0)
                for kind, number in {"left": 0, **self.event_counts}.items()
                if number + change.get(kind, 0)
            },
        }

    def _now(self) -> float:
        return time() - self.started_at

    def _add(self, address: str) -> WorkerSums:
        state = self.scheduler.workers[address]
        name = str(state.name)
        if name not in self.workers and len(self.workers) >= _MAX_WORKERS:
            self.unrecorded += 1
            self.by_address[address] = self.rest
            return self.rest
        worker = self.workers.setdefault(name, WorkerSums(name, len(self.workers)))
        now = self._now()
        worker.join(address, state, now)
        memory = state.metrics.get("memory", 0)
        worker.peak = max(worker.peak, memory)
        self._raise_to(worker.bins["memory"], now, memory)
        self.by_address[address] = worker
        self.present[address] = state
        return worker

    def _remove(self, address: str) -> None:
        if self.present.pop(address, None) is not None:
            self.by_address[address].leave(self._now())

    def _note_removal(self, msg: dict[str, Any]) -> None:
        address = msg["worker"]
        worker, state = self.by_address.get(address), self.present.get(address)
        if worker is None or state is None:
            return
        keys = msg["processing-tasks"]
        now = self._now()
        found = [self.scheduler.tasks[key] for key in keys if key in self.scheduler.tasks]
        unfinished = sorted(found, key=lambda task: task.priority)  # as workers begin them
        for task, start, lane in worker.unfinished(state, unfinished, now):
            self._interrupt(worker, self._prefix(task), start, now, lane)
        detail = f"with {len(keys)} unfinished task{'' if len(keys) == 1 else 's'}" if keys else ""
        if not msg["expected"]:
            self.lost.add(address)
        self._note_event("left" if msg["expected"] else "lost", address, worker, detail)
        self._remove(address)

    def _interrupt(
        self, worker: WorkerSums, prefix: PrefixSums, start: float, stop: float, lane: int
    ) -> None:
        """Note a task that was interrupted by the end of its worker."""
        worker.lost += stop - start
        prefix.lost += 1
        prefix.unfinished += stop - start
        if stop > start:
            self._spread(worker.bins["busy"], start, stop)
        if len(self.interrupted) < _MAX_UNFINISHED:
            self.interrupted.append(row(worker, prefix, start, stop, lane))

    def _running(self, now: float) -> list[list[float]]:
        """Rows of `TaskMetrics` for the tasks that are running now."""
        return [
            row(self.by_address[address], self._prefix(task), start, now, lane)
            for address, state in self.present.items()
            for task, start, lane in self.by_address[address].unfinished(
                state, state.processing, now
            )
        ]

    def _note_end(
        self, key: Any, task: Any, worker: WorkerSums, details: dict[str, Any], *, has_failed: bool
    ) -> None:
        prefix = self._prefix(task)
        if has_failed:
            worker.failed += 1
            prefix.failed += 1
            text = details.get("exception_text") or "its worker died each time"
            event = f"{str(key)[: MAX_TEXT // 3]}: {text}"
            self._note_event("failed", details["worker"], worker, event)
        else:
            worker.finished += 1
            prefix.finished += 1
            prefix.nbytes += details.get("nbytes") or 0
        for each in details.get("startstops") or ():
            start, stop = each["start"] - self.started_at, each["stop"] - self.started_at
            if start < 0:
                start = 0.0
            seconds = stop - start
            if seconds <= 0:
                continue
            action = each["action"]
            worker.seconds[action] += seconds
            prefix.seconds[action] += seconds
            if action == "compute":
                if seconds > prefix.longest:
                    prefix.longest, prefix.longest_key = seconds, key
                self._spread(worker.bins["busy"], start, stop)
                self.ran += 1
                lane = worker.lane(details.get("thread"))
                worker.stops[lane] = stop
                if seconds >= self.shortest:
                    self.tasks.append(row(worker, prefix, start, stop, lane))
                    if len(self.tasks) >= 2 * _MAX_TASKS:
                        self.tasks = longest(self.tasks, _MAX_TASKS)
                        self.shortest = self.tasks[-1][1]

    def _prefix(self, task: Any) -> PrefixSums:
        name = task.prefix.name if task is not None else "unknown"
        if name not in self.prefixes and len(self.prefixes) >= _MAX_PREFIXES:
            name = "others"
        if name not in self.prefixes:
            self.prefixes[name] = PrefixSums(name, len(self.prefixes))
        return self.prefixes[name]

    def _note_heartbeat(self, worker: WorkerSums, state: Any, now: float) -> None:
        before, worker.last_heartbeat = worker.last_heartbeat, now
        metrics = worker.metrics = state.metrics
        peak_before = worker.totals.get("peak", 0)
        totals = metrics.get(self.name) or {}
        memory, peak = int(metrics.get("memory", 0)), totals.get("peak", 0)
        worker.peak = max(worker.peak, memory, peak)
        received, written = worker.increase(totals)
        worker.received += received
        worker.spilled += written
        used = metrics.get("cpu", 0) / 100 * (now - before)
        worker.cpu += used
        # the peak may have been between two heartbeats
        highest = max(memory, peak if peak > peak_before else 0)
        self._raise_to(worker.bins["memory"], now, highest)
        for name, amount in (("cpu", used), ("received", received), ("spilled", written)):
            if amount and now > before:
                self._spread(worker.bins[name], before, now, amount / (now - before))

    def _note_event(
        self, kind: str, address: str, worker: WorkerSums, detail: str = "", nbytes: int = 0
    ) -> None:
        self.event_counts[kind] += 1
        worker.event_counts[kind] += 1
        if self.event_counts[kind] <= _MAX_EVENTS:
            at = round(self._now(), 3)
            event = {"at": at, "worker": worker.name, "detail": detail[:MAX_TEXT]}
            event |= {"nbytes": nbytes} if nbytes else {}
            self.events.append((address, kind, event))

    def _bin(self, when: float) -> int:
        """The number of the bin of *when*; bins are widened if it is beyond the last."""
        while when >= self.bin_width * _BINS:
            self.bin_width *= 2
            for worker in self.workers.values():
                worker.coarsen()
        return max(0, int(when / self.bin_width))

    def _raise_to(self, bins: list[float], when: float, value: float) -> None:
        number = self._bin(when)
        _extend(bins, number)
        bins[number] = max(bins[number], value)

    def _spread(self, bins: list[float], start: float, stop: float, rate: float = 1.0) -> None:
        """Add *rate* for each second from *start* to *stop*."""
        last = self._bin(stop)
        width = self.bin_width
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
