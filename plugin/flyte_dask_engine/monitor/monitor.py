"""The monitor over a cluster: it asks the scheduler, again and again, how the cluster does.

What waits for a cluster that is lost would wait for ever. So all waiting is ended with the verdict,
as soon as there is one.
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
from flyte_dask_engine.cluster_plugins.lifecycle import (
    NannyObserver,
    SchedulerObserver,
    WorkerObserver,
)
from flyte_dask_engine.cluster_plugins.recorder import Recorder
from flyte_dask_engine.cluster_plugins.worker_metrics import WorkerRecorder
from flyte_dask_engine.errors import SchedulerLost
from flyte_dask_engine.monitor.abort import end_waiting
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.monitor.snapshot import Snapshot
from flyte_dask_engine.monitor.verdict import Assessment

__all__ = ["Monitor", "monitoring"]

_T = TypeVar("_T")

_LONGEST_BEAT = 1.0  # seconds
_FEWEST_BEATS = 20  # in the shortest timeout
_PATIENCE = 1.0  # seconds for evidence, which is wanted and not needed
_RECORD_PAUSE = 5.0  # seconds between records, at least
_RECORD_SHARE = 0.01  # of the time, at most, that the scheduler needs for them


@contextmanager
def monitoring(
    runtime: Runtime,
    assessment: Assessment,
    client: Client,
    clients: Callable[[], Iterable[Client]],
) -> Iterator[Monitor]:
    """A monitor over a cluster until the block ends.

    Args:
        runtime: sets the pace.
        assessment: gets what is seen.
        client: that of the session.
        clients: tells all whose waiting ends with a verdict.

    Raises:
        Exception: what keeps its thread from starting, as when no file can be opened any more.
    """
    monitor = Monitor(assessment, _beat_of(runtime), client, clients)
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


def _beat_of(runtime: Runtime) -> float:
    """Seconds between questions."""
    timeouts = (runtime.stall_timeout, runtime.scheduler_timeout)
    return min([_LONGEST_BEAT, *(each / _FEWEST_BEATS for each in timeouts if each is not None)])


class Monitor:
    """Asks a scheduler how its cluster does, in a thread and by a connection of its own."""

    def __init__(
        self,
        assessment: Assessment,
        beat: float,
        client: Client,
        clients: Callable[[], Iterable[Client]],
    ) -> None:
        self.assessment = assessment
        self._address = assessment.subject.address
        self._beat = beat
        self._connection = client.connection_args
        self._clients = clients
        self._name = f"flyte-dask-{uuid4().hex}"
        self._joined = 0
        self._has_observer = False
        self._observers: list[tuple[str, str]] = []  # beside that: where they are, and their names
        self._recorder = f"{self._name}-recorder"
        self._has_recorder = False
        self._next_record = 0.0
        self.metrics: ClusterMetrics | None = None
        """The latest of what the cluster did, if that is wanted."""
        self._recorded_at = 0.0

    @property
    def is_silent(self) -> bool:
        """Whether the scheduler has let more than a beat pass without an answer."""
        return self.assessment.silence > self._beat

    @property
    def _is_lost(self) -> bool:
        """Whether the verdict is that the scheduler is."""
        return isinstance(self.assessment.verdict, SchedulerLost)

    def activity(self, seconds: float) -> dict[str, Any] | None:
        """What the cluster has done; None if it does not tell within so long."""
        return self._call(self._ask("activity"), seconds)

    def evidence(self, task: str) -> Snapshot | None:
        """The latest snapshot, with the part that *task* had in deaths.

        Nannies tell of a death a little later than the scheduler knows of it.
        """
        found, end = self.assessment.snapshot, time.monotonic() + _PATIENCE
        while (left := end - time.monotonic()) > 0:
            latest = self._call(self._snapshot(task), left)
            if latest is None:
                break
            found = latest
            if not any(death.is_of_task and death.is_silent for death in found.deaths):
                break
            time.sleep(self._beat / 10)
        return found

    def does_answer(self) -> bool:
        """Whether the scheduler does, and is still the same."""
        return self.activity(_PATIENCE) is not None

    def last_metrics(self, seconds: float) -> ClusterMetrics | None:
        """The record as of now; if that is not told within so long, the latest that was."""
        if self._has_recorder and not self._is_lost:
            self._call(self._note("last"), _PATIENCE if self.is_silent else seconds)
        return self.metrics

    @property
    def metrics_age(self) -> float:
        """How many seconds ago the record was told."""
        return time.monotonic() - self._recorded_at

    def ask(self, operation: str, seconds: float, **arguments: Any) -> Any:
        """What the scheduler answers to one of its own operations.

        Raises:
            Exception: the error that the operation raises.
            concurrent.futures.TimeoutError: if it does not answer within so many *seconds*.
            RuntimeError: if the monitor has ended.
        """
        return self._start(getattr(self._scheduler, operation)(**arguments)).result(seconds)

    def begin(self, *, in_processes: bool, recorded: bool = False) -> None:
        """Let the cluster tell of itself, of its workers too if they are *in_processes*.

        Only once versions are known to fit: what tells is sent as byte code. A busy cluster may
        begin a little later.

        Args:
            in_processes: whether its workers are.
            recorded: whether what it does is to be recorded.
        """
        beginning = self._begin(in_processes=in_processes, recorded=recorded)
        with suppress(concurrent.futures.TimeoutError):
            self._start(beginning).result(_PATIENCE)

    def end(self) -> None:
        """No longer monitor."""
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._ended.set)

    def _call(self, asking: Coroutine[Any, Any, _T], seconds: float) -> _T | None:
        """The answer, for another thread; None if nobody gives one."""
        try:
            return self._start(asking).result(seconds)
        except Exception:  # whatever it is
            return None

    def _start(self, what: Coroutine[Any, Any, _T]) -> concurrent.futures.Future[_T]:
        """Let the thread of the monitor do *what*, for another one."""
        try:
            return asyncio.run_coroutine_threadsafe(what, self._loop)
        except RuntimeError:  # the monitor has ended
            what.close()
            raise

    async def run(self, started: threading.Event) -> None:
        """Monitor until the end."""
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._scheduler: Any = rpc(self._address, connection_args=self._connection)
        started.set()
        asking = asyncio.create_task(self._listen())
        try:
            async for seconds in self._beats():
                is_answered = False
                if asking.done():  # else it is left alone: the answer may be on its way
                    is_answered = asking.result()
                    asking = asyncio.create_task(self._listen())
                self.assessment.passed(seconds, is_answered=is_answered)
                if self.assessment.verdict is not None:
                    end_waiting(self._clients(), self._address, self.assessment.verdict)
        finally:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._leave(), _PATIENCE)

    async def _leave(self) -> None:
        """Let the cluster tell no more; one that is not ours alone goes on."""
        if self._has_observer and not self._is_lost and not self.is_silent:
            await self._ask("leave")
            if self._has_recorder:
                await self._ask("leave", self._recorder)
            # each waits for all workers, of which one may not answer
            await asyncio.gather(
                *(
                    getattr(self._scheduler, f"unregister_{where}_plugin")(name=name)
                    for where, name in self._observers
                ),
                return_exceptions=True,
            )
        await self._scheduler.close_rpc()

    async def _beats(self) -> AsyncIterator[float]:
        """Every so often, the seconds that count: not all if this process was blocked meanwhile."""
        before = time.monotonic()
        while True:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._beat)
                return
            now = time.monotonic()
            yield min(now - before, 2 * self._beat)
            before = now

    async def _begin(self, *, in_processes: bool, recorded: bool) -> None:
        self._has_observer = await self._register("scheduler", SchedulerObserver(self._name))
        if not self._has_observer:
            return
        await self._snapshot()
        others: list[tuple[str, Any]] = []
        if recorded:
            self._has_recorder = await self._register("scheduler", Recorder(self._recorder))
            others += [("worker", WorkerRecorder(self._recorder))]
        if in_processes:
            # for the latter the scheduler first waits until no nanny is just starting
            others += [("worker", WorkerObserver(self._name)), ("nanny", NannyObserver(self._name))]
        for where, plugin in others:
            if await self._register(where, plugin):
                self._observers.append((where, plugin.name))

    async def _register(self, where: str, plugin: Any) -> bool:
        register = getattr(self._scheduler, f"register_{where}_plugin")
        try:
            await register(plugin=dumps(plugin), name=plugin.name, idempotent=True)
        except Exception as error:  # then without
            task = self.assessment.subject.task
            self.assessment.subject.logger.warning(
                "%s: no %s of its cluster tells of itself: %r", task, where, error
            )
            return False
        return True

    async def _listen(self) -> bool:
        """Ask how the cluster does; whether there was an answer."""
        try:
            if self._has_observer:
                await self._snapshot()
                if self._has_recorder and time.monotonic() >= self._next_record:
                    await self._note("metrics")
            else:
                await self._scheduler.ncores()  # any answer is one
        except OSError:
            return False
        except Exception:
            self.assessment.subject.logger.exception(
                "%s: its scheduler answers wrongly", self.assessment.subject.task
            )
        return True

    async def _snapshot(self, task: str = "") -> Snapshot | None:
        """What the scheduler tells, which is taken in; None if it does not know the witness."""
        known = self._joined
        told = await self._ask("snapshot", joined=known, task=task)
        if told is None:
            self.assessment.heard_another()
            return None
        snapshot = Snapshot.of(told)
        self._joined = max(self._joined, known + len(snapshot.joined))
        self.assessment.heard(snapshot)
        return snapshot

    async def _note(self, what: str) -> None:
        """Take in the record, and don't ask again before long."""
        before = time.monotonic()
        told = await self._ask(what, self._recorder)
        now = time.monotonic()
        self._next_record = now + max(_RECORD_PAUSE, (now - before) / _RECORD_SHARE)
        if told is not None:
            self.metrics, self._recorded_at = ClusterMetrics.from_recorder(told), now

    async def _ask(self, what: str, whom: str = "", **arguments: Any) -> dict[str, Any] | None:
        """The answer of the witness, or of *whom*."""
        ask = getattr(self._scheduler, whom or self._name)
        told: dict[str, Any] | None = await ask(what=what, **arguments)
        return told
