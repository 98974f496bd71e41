"""The observer in the scheduler: what a cluster does, and which of its workers die."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from distributed import Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode
from flyte_dask_engine.cluster_plugins.dashboard import dashboard_prefix
from flyte_dask_engine.cluster_plugins.restrictions import is_able, offers, unmet_restrictions
from flyte_dask_engine.cluster_plugins.sums import spilled
from flyte_dask_engine.cluster_plugins.task_errors import pass_all_errors
from flyte_dask_engine.cluster_plugins.unfinished import UnfinishedTasks

__all__ = ["Observer", "SchedulerObserver"]

_MAX_KEPT = 40  # deaths, and reports from workers and nannies
_MAX_TEXT = 500  # characters of an error in a report
_MAX_ERRED = 100_000  # keys of erred tasks that are not acknowledged
_MAX_SENT = 1000  # items of a kind in one snapshot
_NOTED = frozenset({"memory", "erred", "released"})  # states


class Unacknowledged:
    """Items that the runner may not know yet."""

    def __init__(self, maximum: int | None = None) -> None:
        self.items: deque[Any] = deque(maxlen=maximum)
        self.number = 0  # of all items that were ever added

    def add(self, item: Any) -> None:
        """Add an item; beyond the maximum the first one is dropped."""
        self.items.append(item)
        self.number += 1

    def after(self, known: int) -> tuple[list[Any], int]:
        """The items after the first *known* ones, and then the number of known ones."""
        while self.items and self.number - len(self.items) < known:
            self.items.popleft()
        sent = list(islice(self.items, _MAX_SENT))
        return sent, self.number - len(self.items) + len(sent)


class Observer(ByCode, SchedulerPlugin):
    """Base of the scheduler's plugins; its handler with the plugin's name is `answer`."""

    idempotent = True
    answer: Callable[..., Any]

    def __init__(self, name: str) -> None:
        self.name = name
        # addresses of workers whose restart was requested; distributed calls these unexpected too
        self.restarted: set[str] = set()
        self.frozen: set[str] = set()  # restarted by the scheduler itself for missing heartbeats

    def begin(self, scheduler: Scheduler) -> None:
        """Add the handler to *scheduler*."""
        self.scheduler: Any = scheduler
        scheduler.handlers[self.name] = self.answer

    def leave(self) -> dict[str, Any]:
        """Remove this plugin and its handler from the scheduler."""
        del self.scheduler.handlers[self.name]
        self.scheduler.remove_plugin(self.name)
        return {}

    def note_restarts(self, topic: str, msg: Any) -> None:
        """Note an event of the scheduler, if it is about restarts."""
        if topic not in {"all", "scheduler"} or not isinstance(msg, dict):
            return
        action = msg.get("action")
        if action == "worker-ttl-timed-out":
            self.frozen |= {*msg["workers"]}
        elif action == "restart-workers":
            self.restarted |= {*msg["workers"]} - self.frozen


class SchedulerObserver(Observer):
    """Counts what the cluster does, and keeps what is known of the deaths of its workers."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.names: dict[str, str] = {}  # of all workers that ever joined, by address
        self.last_states: dict[str, Any] = {}  # of workers that are present or just leaving
        self.joined = Unacknowledged()  # names and versions of workers
        self.erred = Unacknowledged(_MAX_ERRED)  # keys of tasks
        self.finished: Counter[str] = Counter()
        self.failed = 0
        self.failures: deque[tuple[str, str, int]] = deque(maxlen=_MAX_KEPT)
        self.spilled_before = 0.0
        self.deaths: deque[tuple[dict[str, Any], set[str]]] = deque(maxlen=_MAX_KEPT)
        self.reports: deque[dict[str, Any]] = deque(maxlen=_MAX_KEPT)
        self.unfinished_tasks = UnfinishedTasks()

    async def start(self, scheduler: Scheduler) -> None:
        """Note the workers that are present, and the bytes spilled before."""
        self.begin(scheduler)
        pass_all_errors()
        self.unfinished_tasks.begin(scheduler, self.name)
        for address in scheduler.workers:
            self.add_worker(scheduler, address)
        self.spilled_before = spilled(scheduler.cumulative_worker_metrics)

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """Note a worker that joins."""
        state = scheduler.workers[worker]
        self.names[worker] = str(state.name)
        self.joined.add((self.names[worker], state.versions))
        self.finished[self.names[worker]] += 0
        self.last_states[worker] = state

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        """Forget the state of a worker that left."""
        self.last_states.pop(worker, None)

    def transition(self, key: Any, start: Any, finish: Any, *_: Any, **details: Any) -> None:
        """Count tasks that finish or fail, and note those that are released before."""
        if finish not in _NOTED:  # most transitions are not
            return
        if finish == "erred":
            self.erred.add(key)
        if finish == "released":
            self.unfinished_tasks.note(start, details.get("stimulus_id"))
        elif start == "processing":
            if finish == "memory":
                self.finished[self.names[details["worker"]]] += 1
            elif finish == "erred":
                self.failed += 1
                self._note_failure(key, details.get("worker"))

    def _note_failure(self, key: Any, worker: str | None) -> None:
        """Keep the error of a task, with the name and the memory limit of its worker."""
        task, state = self.scheduler.tasks.get(key), self.scheduler.workers.get(worker)
        if task is not None and state is not None:
            text = (task.exception_text or "")[:_MAX_TEXT]
            self.failures.append((text, self.names[state.address], state.memory_limit))

    def log_event(self, topic: str, msg: Any) -> None:
        """Note logged events about deaths of workers."""
        self.note_restarts(topic, msg)
        if not isinstance(msg, dict):
            return  # users may log anything
        action = msg.get("action") if topic in {"all", "scheduler"} else None
        if action == "remove-worker" and not msg["expected"]:
            tasks = {str(key) for key in msg["processing-tasks"]}
            self.deaths.append((self._death(msg["worker"]), tasks))
        elif topic == "worker-restart-memory":
            self.reports.append({"worker": msg["worker"], "memory": msg["rss"]})
        elif topic == self.name:
            self.reports.append(dict(msg))

    def _death(self, worker: str) -> dict[str, Any]:
        state = self.last_states.get(worker)
        return {
            "worker": worker,
            "name": self.names.get(worker, worker),
            # as of its last heartbeat
            "memory": state.metrics.get("memory", 0) if state else 0,
            "limit": state.memory_limit if state else 0,
        }

    def answer(self, what: str, **arguments: Any) -> Any:
        """The result of the method named *what*, such as *snapshot*."""
        return getattr(self, what)(**arguments)

    def leave(self) -> dict[str, Any]:
        """Remove this plugin and its handlers from the scheduler."""
        self.unfinished_tasks.leave()
        return super().leave()

    async def unfinished(self, **arguments: Any) -> dict[str, Any]:
        """What `UnfinishedTasks.count` returns, and the number of tasks that failed."""
        return {**await self.unfinished_tasks.count(**arguments), "failed": self.failed}

    def snapshot(self, joined: int = 0, erred: int = 0, task: str = "") -> dict[str, Any]:
        """The state of the cluster, as plain values.

        Args:
            joined: how many joined workers the caller knows; these are not returned again.
            erred: how many erred tasks it knows, likewise.
            task: key of the task for which deaths say whether it was processed there.
        """
        workers = self.scheduler.workers.values()
        unmet = unmet_restrictions(self.scheduler, self.names)
        return {
            "memory": self.scheduler.monitor.recent().get("memory", 0),
            "workers": len(workers),
            "able": sum(map(is_able, workers)),
            "waiting": len(self.scheduler.unrunnable)
            + len(self.scheduler.queued)
            + sum(len(each.processing) for each in workers),
            "deaths": [
                {**death, "is_of_task": task in tasks}
                for death, tasks in self.deaths
                if death["worker"] not in self.restarted
            ],
            "reports": list(self.reports),
            "joined": self.joined.after(joined),
            "erred": self.erred.after(erred),
            "unmet": unmet,
            "offers": offers(self.scheduler) if unmet else [],
        }

    def worker_of(self, text: str) -> dict[str, Any]:
        """The worker on which a task last failed with an error of this *text*, if there is one."""
        for known, name, limit in reversed(self.failures):
            if known == text[:_MAX_TEXT]:
                return {"name": name, "limit": limit}
        return {}

    def error(self, key: Any) -> dict[str, Any]:
        """The error of the task with *key*, as distributed sends it; empty if it has none."""
        task = self.scheduler.tasks.get(key)
        failed = None if task is None else task.exception_blame
        if failed is None:
            return {}
        return {"exception": failed.exception, "text": failed.exception_text}

    def dashboard_prefix(self) -> str:
        """The start of the paths of the dashboard."""
        return dashboard_prefix()

    def activity(self) -> dict[str, Any]:
        """Finished tasks by worker, failed tasks, and bytes spilled, as plain values.

        Spilled bytes come with heartbeats, so those of the last half second may be missing.
        """
        return {
            "finished": dict(self.finished),
            "failed": self.failed,
            "spilled": int(spilled(self.scheduler.cumulative_worker_metrics) - self.spilled_before),
        }
