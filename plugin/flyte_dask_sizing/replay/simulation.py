"""A simulation of how Dask's scheduler runs the tasks of a graph on some number of workers.

It follows the rules of Dask that decide on the time: a task is assigned as soon as it can run, to
the worker that is expected to start it first; tasks of large groups with few dependencies wait in
the scheduler until a worker has a slot; a worker runs its tasks in the order of their priorities;
idle workers take tasks from others every tenth of a second. It is deterministic.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

import attrs

from flyte_dask_records import TaskGraph
from flyte_dask_sizing.replay.structure import Structure

__all__ = ["Outcome", "simulate"]

_SATURATION = 1.1  # assigned tasks per thread, up to which a worker gets tasks of large groups
_BALANCING = 0.1  # seconds between two times at which idle workers take tasks from others
_TOO_SHORT = 0.005  # seconds; shorter tasks are not taken
# Bytes per second, where nothing was transferred.
_BANDWIDTH = 500e6
_EXPECTED_BANDWIDTH = 100e6  # by which the scheduler of Dask decides until it knows better

_ARRIVES, _REPORTED, _ENDS, _FREE, _HAS_DATA, _BALANCES = range(6)  # in this order at one time


@attrs.frozen(kw_only=True)
class Outcome:
    """What a simulated run took."""

    wall: float
    """Seconds of the function, without the startup of the cluster."""
    busy: float
    """Thread seconds of tasks."""
    transferred: float
    """Bytes between workers."""
    peak: float
    """The most bytes of results that one worker held at a time."""


def simulate(graph: TaskGraph, workers: int, threads: int) -> Outcome:
    """Run the tasks of *graph* on *workers* workers of *threads* threads each.

    Raises:
        ValueError: if there is no worker, or none has a thread.
    """
    if workers < 1 or threads < 1:
        raise ValueError(f"at least one worker and one thread are needed: {workers}, {threads}")
    return _Simulation(graph, workers, threads).run()


class _Worker:
    """A worker: its threads, and the tasks that are assigned to it."""

    def __init__(self, number: int, threads: int) -> None:
        self.number = number
        self.free = threads
        self.runnable: list[int] = []  # tasks whose data is here, by priority
        self.assigned = 0  # tasks that it runs or will run
        self.occupancy = 0.0  # thread seconds expected for those
        self.link_free_at = 0.0
        self.nbytes = 0.0
        self.peak = 0.0

    def keep(self, nbytes: float) -> None:
        self.nbytes += nbytes
        self.peak = max(self.peak, self.nbytes)


class _Simulation:
    def __init__(self, graph: TaskGraph, workers: int, threads: int) -> None:
        self.graph, self.tasks, self.threads = graph, graph.tasks, threads
        self.known = Structure(graph)
        self.workers = [_Worker(number, threads) for number in range(workers)]
        self.slots = max(1, math.ceil(_SATURATION * threads))
        self.is_queued = self.known.queued(workers * threads)
        self.bandwidth = graph.bandwidth or _BANDWIDTH
        self.expected_bandwidth = graph.bandwidth or _EXPECTED_BANDWIDTH
        self.events: list[tuple[float, int, int, int]] = []  # when, kind, task or so, worker
        self.queue: list[int] = []  # in the scheduler
        self.missing = [len(each.dependencies) for each in self.tasks]
        self.arrived = [False] * len(self.tasks)
        self.needed = [len(each) for each in self.known.dependents]
        self.holders: list[dict[int, float]] = [{} for _ in self.tasks]  # since when, by worker
        self.left = [len(each) for each in self.known.batches]  # unfinished tasks by batch
        self.unfinished = 0  # of the batches that arrived
        self.next_batch = 0
        self.scheduler_free_at = 0.0
        self.ended_at = 0.0
        self.transferred = 0.0
        self.is_balancing = False
        self.turn = 1  # of the next balancing

    def run(self) -> Outcome:
        self._expect_batch(0.0)
        handlers = {
            _ARRIVES: self._arrive,
            _REPORTED: self._report,
            _ENDS: self._end,
            _FREE: self._free,
            _HAS_DATA: self._has_data,
            _BALANCES: self._balance,
        }
        while self.events:
            now, kind, what, worker = heappop(self.events)
            handlers[kind](now, what, worker)
        return Outcome(
            wall=self.ended_at + self.graph.tail,
            busy=sum(each.seconds for each in self.tasks),
            transferred=self.transferred,
            peak=max(each.peak for each in self.workers),
        )

    def _expect_batch(self, now: float) -> None:
        """Let the next batch arrive, if the client sends it now."""
        if self.next_batch < len(self.graph.batches):
            batch = self.graph.batches[self.next_batch]
            if not (batch.waits and self.unfinished):
                number, self.next_batch = self.next_batch, self.next_batch + 1
                tasks = self.known.batches[number]
                self.unfinished += len(tasks)
                for at, task in enumerate(tasks):
                    delay = batch.delay + batch.spread * at / max(1, len(tasks) - 1)
                    heappush(self.events, (now + delay, _ARRIVES, task, number))
                if not tasks:
                    heappush(self.events, (now + batch.delay, _ARRIVES, -1, number))

    def _arrive(self, now: float, task: int, batch: int) -> None:
        """A task arrives at the scheduler; with the first one of a batch, the client goes on."""
        is_first = task < 0 or task == self.known.batches[batch][0]
        if is_first:
            self.ended_at = max(self.ended_at, now)
        if task >= 0:
            self.arrived[task] = True
            if not self.missing[task]:
                self._ready(task, now)
                self._fill_slots(now)
        if is_first:
            self._expect_batch(now)

    def _ready(self, task: int, now: float) -> None:
        """Assign a task whose dependencies are finished, or let it wait in the scheduler."""
        if self.is_queued[task]:
            heappush(self.queue, task)
        else:
            self._assign(task, self._chosen(task), now)

    def _chosen(self, task: int) -> _Worker:
        """The worker that should start a task first, of those that have some of its data."""
        dependencies = self.tasks[task].dependencies
        numbers = sorted({number for each in dependencies for number in self.holders[each]})
        if not numbers:
            start = task % len(self.workers)  # the next of those that have nothing to do
            around = self.workers[start:] + self.workers[:start]
            return min(around, key=lambda worker: worker.occupancy)
        candidates = [self.workers[number] for number in numbers]
        if len(candidates) == 1:
            return candidates[0]
        return min(
            candidates,
            key=lambda worker: (
                worker.occupancy / self.threads + self._cost(task, worker),
                worker.nbytes,
                worker.number,
            ),
        )

    def _cost(self, task: int, worker: _Worker) -> float:
        """Seconds of the transfers that a task would need on *worker*."""
        nbytes = sum(
            self.known.sizes[each]
            for each in self.tasks[task].dependencies
            if worker.number not in self.holders[each]
        )
        return nbytes / self.expected_bandwidth

    def _assign(self, task: int, worker: _Worker, now: float) -> None:
        worker.assigned += 1
        worker.occupancy += self.known.expected[task]
        has_data_at = now
        for each in self.tasks[task].dependencies:
            holders = self.holders[each]
            if worker.number not in holders:
                size = self.known.sizes[each]
                self.transferred += size
                worker.keep(size)
                worker.link_free_at = max(worker.link_free_at, now) + size / self.bandwidth
                holders[worker.number] = worker.link_free_at + self.graph.latency
            has_data_at = max(has_data_at, holders[worker.number])
        if has_data_at > now:
            heappush(self.events, (has_data_at, _HAS_DATA, task, worker.number))
        else:
            self._has_data(now, task, worker.number)

    def _has_data(self, now: float, task: int, number: int) -> None:
        worker = self.workers[number]
        heappush(worker.runnable, task)
        self._start(worker, now)

    def _start(self, worker: _Worker, now: float) -> None:
        """Start what a worker can run now."""
        while worker.free and worker.runnable:
            task = heappop(worker.runnable)
            worker.free -= 1
            each = self.tasks[task]
            seconds = each.seconds + (each.number - 1) * self.known.gap
            heappush(self.events, (now + seconds, _ENDS, task, worker.number))
        if worker.runnable and not self.is_balancing and len(self.workers) > 1:
            self.is_balancing = True
            while self.turn * _BALANCING <= now:
                self.turn += 1
            heappush(self.events, (self.turn * _BALANCING, _BALANCES, 0, 0))

    def _end(self, now: float, task: int, number: int) -> None:
        """A task ends on its worker, which reports that to the scheduler."""
        worker = self.workers[number]
        each = self.tasks[task]
        worker.keep(each.nbytes)
        self.holders[task][number] = now
        heappush(self.events, (now + self.graph.overhead, _FREE, task, number))
        # the scheduler handles one report at a time
        busy_until = max(now, self.scheduler_free_at) + each.number * self.graph.dispatch
        self.scheduler_free_at = busy_until
        heappush(self.events, (max(busy_until, now + self.known.gap), _REPORTED, task, number))
        self.ended_at = max(self.ended_at, now)

    def _free(self, now: float, _: int, number: int) -> None:
        """A thread of a worker can run the next task."""
        self.workers[number].free += 1
        self._start(self.workers[number], now)

    def _report(self, now: float, task: int, number: int) -> None:
        """The scheduler takes in that a task ended, and assigns what can run now."""
        worker = self.workers[number]
        worker.assigned -= 1
        worker.occupancy = max(0.0, worker.occupancy - self.known.expected[task])
        for each in self.tasks[task].dependencies:
            self._release(each)
        for each in self.known.dependents[task]:
            self.missing[each] -= 1
            if not self.missing[each] and self.arrived[each]:
                self._ready(each, now)
        self._fill_slots(now)
        self._finish(task, now)

    def _finish(self, task: int, now: float) -> None:
        """Count a finished task, and let the client go on if it waited for it."""
        batch = self.tasks[task].batch
        self.left[batch] -= 1
        self.unfinished -= 1
        if not self.unfinished:
            # the delay of the next batch counts from the end of the task, not of its report
            self._expect_batch(min(now, self.ended_at))

    def _release(self, task: int) -> None:
        """Free a result that no other task needs."""
        self.needed[task] -= 1
        if not self.needed[task]:
            for number in self.holders[task]:
                self.workers[number].nbytes -= self.known.sizes[task]

    def _fill_slots(self, now: float) -> None:
        """Assign tasks of large groups to workers that have a slot."""
        while self.queue:
            worker = min(self.workers, key=lambda each: (each.assigned, each.number))
            if worker.assigned >= self.slots:
                return
            self._assign(heappop(self.queue), worker, now)

    def _balance(self, now: float, _: int, __: int) -> None:
        """Let idle workers take tasks from those that have most to do."""
        self.is_balancing = False
        for thief in self.workers:
            if thief.assigned < self.threads:
                self._take(thief, now)
        for worker in self.workers:
            self._start(worker, now)

    def _take(self, thief: _Worker, now: float) -> None:
        for victim in sorted(self.workers, key=lambda each: (-each.occupancy, each.number)):
            if victim is thief or not victim.runnable:
                continue
            for task in sorted(victim.runnable):
                expected = self.known.expected[task]
                cost = self._cost(task, thief) + self.graph.latency
                if expected < _TOO_SHORT or thief.occupancy + cost + expected > (
                    victim.occupancy - expected / 2
                ):
                    continue
                victim.runnable.remove(task)
                victim.runnable.sort()
                victim.assigned -= 1
                victim.occupancy -= expected
                self._assign(task, thief, now)
                if thief.assigned >= self.threads:
                    return
