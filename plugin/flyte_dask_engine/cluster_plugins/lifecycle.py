"""What is seen of a cluster from within: what it does, and how its workers die."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from typing import Any

from distributed import Nanny, Scheduler, Worker
from distributed.diagnostics.plugin import NannyPlugin, SchedulerPlugin, WorkerPlugin

from flyte_dask_engine.cluster_plugins.sums import spilled
from flyte_dask_engine.distributed_internals import on_worker_exit

__all__ = ["NannyObserver", "Restarts", "SchedulerObserver", "WorkerObserver"]

_MOST = 40  # deaths and words that are kept, each
_LONGEST = 500  # characters of a word


class Restarts:
    """Which workers somebody has restarted, for these go unexpectedly as well."""

    def __init__(self) -> None:
        self.wished: set[str] = set()  # their addresses
        self.frozen: set[str] = set()  # of those that the scheduler has, without a heartbeat

    def hear(self, topic: str, msg: Any) -> None:
        """Take in an event."""
        if topic not in {"all", "scheduler"} or not isinstance(msg, dict):
            return
        action = msg.get("action")
        if action == "worker-ttl-timed-out":
            self.frozen |= {*msg["workers"]}
        elif action == "restart-workers":
            self.wished |= {*msg["workers"]} - self.frozen


class SchedulerObserver(SchedulerPlugin):
    """Counts what the cluster does, and keeps what is said of the deaths of its workers.

    The scheduler answers calls of its name, by `answer`.
    """

    idempotent = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: dict[str, str] = {}  # of all workers that ever were, by address
        self.last_states: dict[str, Any] = {}  # of those that are there, or are just going
        self.joined: deque[tuple[str, Any]] = deque()  # names and versions, as far as untold
        self.told = 0  # how many joined before those
        self.finished: Counter[str] = Counter()
        self.failed = 0
        self.spilled_before = 0.0
        self.deaths: deque[tuple[dict[str, Any], set[str]]] = deque(maxlen=_MOST)
        self.restarts = Restarts()
        self.words: deque[dict[str, Any]] = deque(maxlen=_MOST)

    async def start(self, scheduler: Scheduler) -> None:
        """Note who is there, and what was spilled before."""
        self.scheduler: Any = scheduler
        for address in scheduler.workers:
            self.add_worker(scheduler, address)
        self.spilled_before = spilled(scheduler.cumulative_worker_metrics)
        scheduler.handlers[self.name] = self.answer

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """Note it; called whenever one joins."""
        state = scheduler.workers[worker]
        self.names[worker] = str(state.name)
        self.joined.append((self.names[worker], state.versions))
        self.finished[self.names[worker]] += 0
        self.last_states[worker] = state

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        """Forget its state; called whenever one has gone."""
        self.last_states.pop(worker, None)

    def transition(self, key: Any, start: Any, finish: Any, *_: Any, **details: Any) -> None:  # noqa: ARG002
        """Count; called whenever a task goes from one state to another."""
        if start == "processing":
            if finish == "memory":
                self.finished[self.names[details["worker"]]] += 1
            elif finish == "erred":
                self.failed += 1

    def log_event(self, topic: str, msg: Any) -> None:
        """Note what tells of deaths; called whenever anybody logs an event."""
        self.restarts.hear(topic, msg)
        if not isinstance(msg, dict):
            return  # whoever logs may log anything
        action = msg.get("action") if topic in {"all", "scheduler"} else None
        if action == "remove-worker" and not msg["expected"]:
            tasks = {str(key) for key in msg["processing-tasks"]}
            self.deaths.append((self._death(msg["worker"]), tasks))
        elif topic == "worker-restart-memory":
            self.words.append({"worker": msg["worker"], "memory": msg["rss"]})
        elif topic == self.name:
            self.words.append(dict(msg))

    def _death(self, worker: str) -> dict[str, Any]:
        state = self.last_states.get(worker)
        return {
            "worker": worker,
            "name": self.names.get(worker, worker),
            # as it was in its last heartbeat
            "memory": state.metrics.get("memory", 0) if state else 0,
            "limit": state.memory_limit if state else 0,
        }

    def answer(self, what: str, **arguments: Any) -> dict[str, Any]:
        """The *activity* or the *snapshot*, by that name; *leave* ends it."""
        answers: dict[str, Callable[..., dict[str, Any]]] = {
            "activity": self.activity,
            "leave": self.leave,
            "snapshot": self.snapshot,
        }
        return answers[what](**arguments)

    def leave(self) -> dict[str, Any]:
        """Let the scheduler go on without it."""
        del self.scheduler.handlers[self.name]
        self.scheduler.remove_plugin(self.name)
        return {}

    def snapshot(self, joined: int, task: str = "") -> dict[str, Any]:
        """How the cluster does, as plain values.

        Args:
            joined: how many that have joined the asker knows; they are told no more.
            task: of whose part in the deaths the asker wants to know.
        """
        while self.told < joined and self.joined:
            self.joined.popleft()
            self.told += 1
        workers = self.scheduler.workers.values()
        return {
            "memory": self.scheduler.monitor.recent().get("memory", 0),
            "workers": len(workers),
            "able": sum(map(_is_able, workers)),
            "waiting": len(self.scheduler.unrunnable)
            + len(self.scheduler.queued)
            + sum(len(each.processing) for each in workers),
            "deaths": [
                {**death, "is_of_task": task in tasks}
                for death, tasks in self.deaths
                if death["worker"] not in self.restarts.wished
            ],
            "words": list(self.words),
            "joined": list(self.joined),
        }

    def activity(self) -> dict[str, Any]:
        """What the cluster has done.

        Workers tell what they spilled with their heartbeats, so the last half of a second of it
        may be missing.
        """
        return {
            "finished": dict(self.finished),
            "failed": self.failed,
            "spilled": int(spilled(self.scheduler.cumulative_worker_metrics) - self.spilled_before),
        }


def _is_able(worker: Any) -> bool:
    """Whether it goes on: it takes tasks, or has some that it runs."""
    return bool(worker.status.name == "running" or worker.executing or worker.long_running)


class WorkerObserver(WorkerPlugin):
    """Tells the scheduler what goes wrong in a worker itself, not in the tasks that it runs."""

    idempotent = True

    def __init__(self, topic: str) -> None:
        self.name = f"{topic}-worker"
        self.topic = topic
        self.told = 0

    def setup(self, worker: Worker) -> None:
        """Listen to distributed's log."""
        self.worker = worker
        self.untold: deque[dict[str, Any]] = deque()
        self.telling = asyncio.Lock()
        self.handler = _Listener(self)
        logging.getLogger("distributed").addHandler(self.handler)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Tell what could not be told before."""
        logging.getLogger("distributed").removeHandler(self.handler)
        await self.tell()

    def hear(self, record: logging.LogRecord) -> None:
        """Note an error, and tell it as soon as may be."""
        if record.getMessage().startswith("Compute Failed"):
            return  # which reaches the user by itself
        error = record.exc_info[1] if record.exc_info else None
        what = f"{type(error).__name__}: {error}" if error else record.getMessage()
        word = {"worker": self.worker.address, "error": what[:_LONGEST]}
        is_of_messages = record.name.startswith("distributed.protocol")
        if is_of_messages and error is not None and _is_of_environment(error):
            word["lacks"] = str(self.worker.name)
        elif self.told >= _MOST:
            return
        self.told += 1
        self.untold.append(word)
        self.worker.loop.add_callback(self.tell)

    async def tell(self) -> None:
        """By a connection of its own, for that from the scheduler may be what is broken."""
        async with self.telling:
            while self.untold:
                await self.worker.scheduler.log_event(topic=self.topic, msg=self.untold[0])
                self.untold.popleft()


def _is_of_environment(error: BaseException) -> bool:
    """Whether a module is not there, or an older one."""
    is_older = isinstance(error, AttributeError) and str(error).startswith("Can't get attribute")
    return is_older or isinstance(error, ImportError)


class _Listener(logging.Handler):
    """Lets a witness hear each error."""

    def __init__(self, witness: WorkerObserver) -> None:
        super().__init__(logging.ERROR)
        self.witness = witness

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on."""
        try:
            self.witness.hear(record)
        except Exception:  # whoever logs goes first
            self.handleError(record)


class NannyObserver(NannyPlugin):
    """Tells the scheduler with which status a worker's process ended."""

    idempotent = True

    def __init__(self, topic: str) -> None:
        self.name = f"{topic}-nanny"
        self.topic = topic

    def setup(self, nanny: Nanny) -> None:
        """Listen to the end of the process; can be called twice."""
        if self.topic not in vars(nanny):
            vars(nanny)[self.topic] = True
            on_worker_exit(nanny, partial(self._tell, nanny))

    def teardown(self, nanny: Nanny) -> None:
        """Tell nothing any more."""
        vars(nanny)[self.topic] = False

    def _tell(self, nanny: Nanny, status: int) -> None:
        if status != 0 and vars(nanny)[self.topic]:
            nanny.log_event(self.topic, {"worker": nanny.worker_address, "exit": status})
