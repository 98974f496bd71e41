"""The monitor of a cluster: it polls the scheduler, and aborts all waiting if the cluster is lost.

Otherwise that waiting would never end.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from uuid import uuid4

from distributed import Client
from distributed.core import rpc
from distributed.protocol.pickle import dumps

from flyte_dask.config.runtime import Runtime
from flyte_dask_engine.cluster_plugins.lifecycle import SchedulerObserver
from flyte_dask_engine.cluster_plugins.recorder import Recorder
from flyte_dask_engine.cluster_plugins.several import SeveralOnScheduler, SeveralOnWorker
from flyte_dask_engine.cluster_plugins.task_errors import TaskErrors
from flyte_dask_engine.cluster_plugins.worker_metrics import WorkerRecorder
from flyte_dask_engine.cluster_plugins.worker_observers import NannyObserver, WorkerObserver
from flyte_dask_engine.errors import SchedulerLost
from flyte_dask_engine.foreign_errors import describe
from flyte_dask_engine.monitor.abort import abort_waiting
from flyte_dask_engine.monitor.delivery import Deliveries
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.monitor.records import Records
from flyte_dask_engine.monitor.shutdown import ShutdownWatch
from flyte_dask_engine.monitor.snapshot import Snapshot
from flyte_dask_engine.monitor.unfinished import Return, Unfinished
from flyte_dask_engine.monitor.verdict import Assessment

__all__ = ["Monitor", "monitoring"]

_T = TypeVar("_T")

_LONGEST_TICK = 1.0  # seconds
_FEWEST_TICKS = 20  # in the shortest timeout
_PATIENCE = 1.0  # seconds for evidence, which is optional


@contextmanager
def monitoring(
    runtime: Runtime,
    assessment: Assessment,
    client: Client,
    clients: Callable[[], Iterable[Client]],
) -> Iterator[Monitor]:
    """Monitor a cluster until the block ends.

    Args:
        runtime: sets the timeouts.
        assessment: takes in what is observed.
        client: the session's client.
        clients: returns all clients whose waiting a verdict aborts.

    Raises:
        Exception: if the thread of the monitor cannot start, such as for too many open files.
    """
    monitor = Monitor(assessment, _tick_of(runtime), client, clients)
    started, failures = threading.Event(), list[Exception]()

    def run() -> None:
        try:
            asyncio.run(monitor.run(started))
        except Exception as error:
            if started.is_set():
                raise
            failures.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=run, name="flyte-dask-monitor", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    try:
        yield monitor
    finally:
        monitor.end()
        thread.join(2 * _PATIENCE)


def _tick_of(runtime: Runtime) -> float:
    """The seconds between two polls."""
    timeouts = (runtime.stall_timeout, runtime.scheduler_timeout)
    return min([_LONGEST_TICK, *(each / _FEWEST_TICKS for each in timeouts if each is not None)])


class Monitor:
    """Polls a scheduler, in a separate thread and over a separate connection."""

    def __init__(
        self,
        assessment: Assessment,
        tick: float,
        client: Client,
        clients: Callable[[], Iterable[Client]],
    ) -> None:
        self.assessment = assessment
        self.subject = assessment.subject
        self._tick = tick
        self._connection = client.connection_args
        self.clients = clients
        """Returns the clients of the cluster."""
        self._name = f"flyte-dask-{uuid4().hex}"
        self.dashboard_prefix = ""
        """The start of the paths of the dashboard, if that is known."""
        self._joined = 0  # number of workers
        self._deliveries = Deliveries(self.subject, self._ask)
        self._has_observer = False
        self._observers: list[tuple[str, str]] = []  # role and name of each plugin
        self._records = Records(f"{self._name}-recorder", self._ask)
        self._return = Return(self._name)
        self._shutdown = ShutdownWatch(self._name, assessment, clients, self._ask)
        self._watch: asyncio.Task[None] | None = None

    @property
    def is_unresponsive(self) -> bool:
        """Whether the scheduler has not responded for more than a tick, or was shut down."""
        return self.assessment.unresponsive > self._tick or self.is_shut_down

    @property
    def is_shut_down(self) -> bool:
        """Whether the function shut the cluster down."""
        return self._shutdown.has_happened

    @property
    def _is_lost(self) -> bool:
        """Whether the verdict is that the scheduler is lost."""
        return isinstance(self.assessment.verdict, SchedulerLost)

    def activity(self, seconds: float) -> dict[str, Any] | None:
        """What the cluster has done; None if it does not respond within *seconds*."""
        if self.is_shut_down:
            return self._shutdown.activity
        return self._call(self._ask("activity"), seconds)

    @property
    def unfinished(self) -> Unfinished | None:
        """What the function left unfinished, once that is counted."""
        return self._return.unfinished

    def mark_begin(self) -> None:
        """Note that the function begins now."""
        self._records.began_at = time.monotonic()

    def mark_return(self) -> None:
        """Mark, in what the clients send, that the function has returned."""
        if self._records.returned_at is None:
            self._records.returned_at = time.monotonic()
        can_count = self._has_observer and self.assessment.verdict is None
        self._return.mark(self.clients() if can_count else ())

    def count_unfinished(self, seconds: float) -> bool:
        """Count what the function left unfinished; whether there is a response within *seconds*."""
        self.mark_return()
        if self._has_observer and self.assessment.verdict is None:
            self._call(self._return.count(self._ask, seconds), seconds)
        return self.unfinished is not None

    def evidence(self, task: str) -> Snapshot | None:
        """The latest snapshot, with the deaths that *task* was part of.

        Nannies report a death a little later than the scheduler notices it.
        """
        found, end = self.assessment.snapshot, time.monotonic() + _PATIENCE
        while (left := end - time.monotonic()) > 0:
            latest = self._call(self._snapshot(task), left)
            if latest is None:
                break
            found = latest
            if not any(death.is_of_task and death.is_unexplained for death in found.deaths):
                break
            time.sleep(self._tick / 10)
        return found

    def worker_of(self, text: str) -> tuple[str, int] | None:
        """The worker on which a task last failed with an error whose repr is *text*, if known.

        Returns:
            its name, and its memory limit in bytes.
        """
        found = self._call(self._ask("worker_of", text=text), _PATIENCE)
        return (found["name"], found["limit"]) if found else None

    def is_responding(self) -> bool:
        """Whether the scheduler responds, and is still the same one."""
        return not self.is_shut_down and self.activity(_PATIENCE) is not None

    def last_metrics(self, seconds: float) -> ClusterMetrics | None:
        """The current metrics; the latest ones if there is no response within *seconds*."""
        if self._records.are_kept and not self._is_lost:
            self._call(self._records.take("last"), _PATIENCE if self.is_unresponsive else seconds)
        return self.metrics

    @property
    def metrics(self) -> ClusterMetrics | None:
        """The latest metrics of the cluster, if they are recorded."""
        return self._records.metrics

    @property
    def metrics_age(self) -> float:
        """The age of the metrics in seconds."""
        return self._records.age

    def ask(self, operation: str, seconds: float, **arguments: Any) -> Any:
        """Call an *operation* of the scheduler's own, and return its result.

        Raises:
            Exception: the error that the operation raises.
            concurrent.futures.TimeoutError: if it does not respond within *seconds*.
            RuntimeError: if the monitor has ended, or the cluster was shut down.
        """
        return self._start(getattr(self._scheduler, operation)(**arguments)).result(seconds)

    @contextmanager
    def beginning(self, *, in_processes: bool, recorded: bool = False) -> Iterator[None]:
        """Install the observers in the cluster while the block runs, and wait for it then.

        Call it only once versions are checked, for observers are sent as byte code. A busy cluster
        may install them a little later.

        Args:
            in_processes: whether its workers are processes; they are observed too.
            recorded: whether metrics are recorded, for a report.
        """
        beginning = self._start(self._begin(in_processes=in_processes, recorded=recorded))
        yield
        with suppress(concurrent.futures.TimeoutError):
            beginning.result(_PATIENCE)

    def end(self) -> None:
        """Stop."""
        with suppress(RuntimeError):  # it has ended already
            self._loop.call_soon_threadsafe(self._ended.set)

    def _call(self, request: Coroutine[Any, Any, _T], seconds: float) -> _T | None:
        """The result of *request*, for another thread; None if there is none within *seconds*."""
        try:
            return self._start(request).result(seconds)
        except Exception:  # whatever it is
            return None

    def _start(self, request: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Start *request* in the thread of the monitor, from another one."""
        try:
            if not self.is_shut_down:
                return asyncio.run_coroutine_threadsafe(request, self._loop)
        except RuntimeError:  # the monitor has ended
            request.close()
            raise
        request.close()
        raise RuntimeError("the cluster was shut down")

    async def run(self, started: threading.Event) -> None:
        """Monitor until `end` is called."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._scheduler: Any = rpc(self.subject.address, connection_args=self._connection)
        started.set()
        poll = asyncio.create_task(self._poll())
        try:
            async for seconds in self._ticks():
                if self._shutdown.is_over:
                    self._shutdown.abort()
                    continue
                has_response = False
                if poll.done():  # otherwise the response may still arrive
                    has_response = poll.result()
                    poll = asyncio.create_task(self._poll())
                self.assessment.tick(seconds, has_response=has_response)
                if self.assessment.verdict is not None and not self.is_shut_down:
                    abort_waiting(self.clients(), self.subject.address, self.assessment.verdict)
        finally:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._leave(), _PATIENCE)

    async def _leave(self) -> None:
        """Remove the observers, for the cluster may live on."""
        if not self._is_lost and not self.is_unresponsive:
            if self._has_observer:
                await self._ask("leave")
                await self._shutdown.leave()
            if self._records.are_kept:
                await self._ask("leave", self._records.name)
            # each waits for all workers, and one may not respond
            await asyncio.gather(
                *(
                    getattr(self._scheduler, f"unregister_{where}_plugin")(name=name)
                    for where, name in self._observers
                ),
                return_exceptions=True,
            )
        await self._scheduler.close_rpc()

    async def _ticks(self) -> AsyncIterator[float]:
        """At each tick, the seconds that count: fewer than passed if this process was blocked."""
        before = time.monotonic()
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._tick)
                return
            now = time.monotonic()
            yield min(now - before, 2 * self._tick)
            before = now

    async def _begin(self, *, in_processes: bool, recorded: bool) -> None:
        name, records = self._name, self._records.name
        # each waits for all workers, and the last until no nanny is starting
        installing = [
            self._observe_scheduler(recorded=recorded),
            self._observe(
                "worker",
                SeveralOnWorker(
                    TaskErrors(name),
                    *([WorkerRecorder(records)] if recorded else []),
                    *([WorkerObserver(name)] if in_processes else []),
                ),
            ),
            *([self._observe("nanny", NannyObserver(name))] if in_processes else []),
        ]
        await asyncio.gather(*installing)

    async def _observe_scheduler(self, *, recorded: bool) -> None:
        recorder = [Recorder(self._records.name)] if recorded else []
        observers = (SchedulerObserver(self._name), self._shutdown.observer, *recorder)
        self._has_observer = await self._observe("scheduler", SeveralOnScheduler(*observers))
        if self._has_observer:
            await self._snapshot()
            if not self.subject.is_local:  # that of a local one would look at this process
                self.dashboard_prefix = str(await self._ask("dashboard_prefix"))
            self._watch = asyncio.create_task(self._shutdown.run(self._last))
            self._records.are_kept = recorded

    async def _observe(self, where: str, plugin: Any) -> bool:
        """Register *plugin*; whether that was possible."""
        register = getattr(self._scheduler, f"register_{where}_plugin")
        try:
            await register(plugin=dumps(plugin), name=plugin.name, idempotent=True)
        except Exception as error:
            line = "%s: the %s cannot be observed: %s"
            self.subject.logger.warning(line, self.subject.task, where, describe(error))
            return False
        self._observers.append((where, plugin.name))
        return True

    async def _last(self) -> dict[str, Any] | None:
        if self._records.are_kept:
            await self._records.take("last")
        found: dict[str, Any] | None = await self._ask("activity")
        return found

    async def _poll(self) -> bool:
        """Ask for the cluster's state; whether there was a response."""
        try:
            if self._has_observer:
                await self._snapshot()
                await self._deliveries.complete(self.clients())
                if self._records.are_due:
                    await self._records.take("metrics")
            else:
                await self._scheduler.ncores()  # any response will do
        except OSError:
            return False
        except Exception:
            line = "%s: unexpected response of the scheduler"
            self.subject.logger.exception(line, self.subject.task)
        return True

    async def _snapshot(self, task: str = "") -> Snapshot | None:
        """Take in the scheduler's report; None if that scheduler does not have the observer."""
        erred = self._deliveries.number_erred
        report = await self._ask("snapshot", joined=self._joined, erred=erred, task=task)
        if report is None:
            self.assessment.observe_replacement()
            return None
        snapshot = Snapshot.of(report)
        self._joined = max(self._joined, snapshot.number_joined)
        self._deliveries.observe(snapshot)
        self.assessment.observe(snapshot)
        return snapshot

    async def _ask(self, what: str, plugin: str = "", **arguments: Any) -> Any:
        """The response of the observer, or of another *plugin*."""
        return await getattr(self._scheduler, plugin or self._name)(what=what, **arguments)
