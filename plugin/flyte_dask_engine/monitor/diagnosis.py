"""The errors for failures of a cluster: what happened, the evidence, and the remedy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TypeVar

import attrs
from dask.utils import format_bytes

from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterUnavailable,
    SchedulerLost,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.monitor.snapshot import NEARLY, Death, Snapshot

__all__ = ["Subject"]

_Kind = TypeVar("_Kind", bound=ClusterFailure)

_MOST = 8  # deaths that are listed


@attrs.frozen
class Subject:
    """A task and its cluster, for logs and errors."""

    task: str
    address: str
    """The scheduler's address."""
    images: Mapping[str, str]
    """The images of runner, scheduler and workers; empty where unknown."""
    resolved: Resolved
    retries: int | None = None
    """How often Flyte retries the task; None if unknown."""
    attempt: int | None = None
    """The number of this attempt, counted from 1; None if unknown."""
    is_local: bool = False
    host: Host = NO_SDK

    @property
    def logger(self) -> logging.Logger:
        """The logger of its session."""
        return self.host.runtime_logger

    def unreachable(self, seconds: float | None) -> ClusterUnavailable:
        """The error for a scheduler that did not come up."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: the scheduler at {self.address} did not respond within {seconds} s.",
            self._look("why its pod does not start"),
            "If it only needs more time, raise Runtime(connect_timeout=...).",
        )

    def incomplete(self, joined: int, number: int, seconds: float | None) -> ClusterUnavailable:
        """The error for too few workers."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: only {joined} of {number} workers joined within {seconds} s.",
            self._look(
                "why the others do not start: an image that cannot be pulled, no node with enough "
                "free resources, or a container that exits"
            ),
            "If they only need more time, raise Runtime(worker_timeout=...); if fewer are enough, "
            "lower min_workers.",
        )

    def exited(self, joined: int, number: int, statuses: Sequence[int]) -> ClusterUnavailable:
        """The error for worker processes that exited and are not restarted."""
        how = ", ".join(
            f"signal {-each}" if each < 0 else f"exit status {each}" for each in statuses
        )
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: worker processes exited ({how}) when {joined} of {number} workers had "
            "joined.",
            "See their standard error for the cause.",
        )

    def unavailable(self, error: BaseException) -> ClusterUnavailable:
        """The error for a function that itself waited for workers, and timed out."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: timed out waiting for workers: {error}.",
            self._look("why they do not start"),
        )

    def unresponsive(self, seconds: float, last: Snapshot | None) -> SchedulerLost:
        """The error for a scheduler that stopped responding."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: the scheduler at {self.address} did not respond for {seconds:g} s.",
            self._last_memory(last),
            self._look("whether its pod is running"),
            "If it was only busy, raise Runtime(scheduler_timeout=...).",
        )

    def disconnected(self, last: Snapshot | None) -> SchedulerLost:
        """The error for a lost connection to the scheduler, and with it all results."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: lost the scheduler at {self.address}: its process exited, or the "
            "connection was closed.",
            self._last_memory(last),
            self._look("why its pod ended"),
        )

    def replaced(self, last: Snapshot | None) -> SchedulerLost:
        """The error for a scheduler that was restarted, and lost all state."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: lost the scheduler at {self.address}: it was restarted, without the "
            "work so far.",
            self._last_memory(last),
            self._look("why the first one ended"),
        )

    def stalled(self, seconds: float, now: Snapshot) -> WorkersLost:
        """The error for tasks that no worker was able to run."""
        waiting = f"while {counted(now.waiting, 'Dask task')} waited"
        if now.workers:
            text = (
                f"no worker (of {now.workers}) accepted tasks for {seconds:g} s {waiting}, as "
                "happens when their memory is full."
            )
            remedy = self._more_memory()
        else:
            text = f"there was no worker for {seconds:g} s {waiting}."
            remedy = self._look("why no worker came back")
        return self._failure(
            WorkersLost,
            f"{self.task}: {text}",
            remedy,
            "If they only need more time, raise Runtime(stall_timeout=...).",
            deaths=now.deaths,
        )

    def unable(self, error: BaseException) -> WorkersLost:
        """The error for a scheduler that itself gave up waiting for a worker."""
        return self._failure(WorkersLost, f"{self.task}: {error}")

    def killed(self, task: str, number: int | None, now: Snapshot | None) -> WorkersKilled:
        """The error for a Dask task that killed *number* workers; None if both are unknown."""
        deaths = now.deaths if now else ()
        if number is None:
            what = f"{self.task}: a Dask task killed several workers."
        else:
            what = f"{self.task}: Dask task {task} killed {number} workers."
            deaths = tuple(death for death in deaths if death.is_of_task)
        return self._failure(WorkersKilled, what, self._remedy_for(deaths), deaths=deaths)

    def cut(self, error: BaseException) -> ClusterFailure:
        """The error for a connection that broke, to the cluster or within it."""
        return self._failure(
            ClusterFailure, f"{self.task}: a connection to or within its cluster broke: {error}"
        )

    def unreadable(self, role: str, who: str, why: str) -> WrongEnvironment:
        """The error for a scheduler or worker that cannot unpickle what the runner sends."""
        return self._wrong(role, who, "cannot unpickle what", "sends", why)

    def unimportable(self, error: ModuleNotFoundError) -> WrongEnvironment | None:
        """The error for a module that is missing on a worker; None if it is missing here too."""
        with suppress(Exception):  # raised by packages that are imported on the way
            if error.name and find_spec(error.name) is not None:
                why = f"{type(error).__name__}: {error}"
                return self._wrong("workers", "a worker", "lacks a module that", "has", why)
        return None

    def _wrong(self, role: str, who: str, cannot: str, does: str, why: str) -> WrongEnvironment:
        runner = f"the runner{self._in_image('runner')}"
        return self.host.error(WrongEnvironment)(
            f"{self.task}: {who}{self._in_image(role)} {cannot} {runner} {does}: {why}\n"
            "Install it in that image. Roles without an image have the task's; the code of a fast "
            "registration is uploaded to all pods, unless Runtime(ship_code=False)"
        )

    def _failure(self, kind: type[_Kind], *sentences: str, deaths: Sequence[Death] = ()) -> _Kind:
        text = " ".join(each for each in (*sentences, self._retry()) if each)
        return self.host.error(kind)(text + _table(deaths))

    def _retry(self) -> str:
        retries, attempt = self.retries, self.attempt
        if retries is None:
            return ""
        if attempt is not None and attempt > retries + 1:
            return (
                f"This was attempt {attempt} of a task with retries={retries}: either the platform "
                "ended earlier ones, which do not count, or a node sets more retries, so Flyte may "
                "retry it."
            )
        more = f"{self.host.decorator}(retries={retries + 2})"
        if retries == 0:
            return f"The task has retries=0, so it is not retried: set {more}."
        if attempt is None:
            return f"Flyte retries the task, if any of its retries={retries} are left."
        which = f"This was attempt {attempt} of {retries + 1}"
        if attempt > retries:
            return f"{which}, so the task is not retried again: for more attempts set {more}."
        return f"{which}: Flyte retries the task."

    def _look(self, for_what: str) -> str:
        if self.is_local:
            return ""
        return f"See Flyte's console or `kubectl describe pod` for {for_what}."

    def _in_image(self, role: str) -> str:
        image = self.images.get(role)
        return f" (image {image})" if image else ""

    def _last_memory(self, last: Snapshot | None) -> str:
        """The memory that the scheduler used when it last responded."""
        if last is None or not last.memory:
            return ""
        limit = self.resolved.scheduler.mem.limit.effective
        of_limit = f" of its limit of {limit}" if limit else ""
        used = f"When it last responded it used {format_bytes(last.memory)} of memory{of_limit}."
        if limit and last.memory > NEARLY * limit.value:
            return f"{used} Raise scheduler.limits.mem: with_scheduler(mem=...)."
        return used

    def _remedy_for(self, deaths: Sequence[Death]) -> str:
        if any(death.is_by_memory for death in deaths):
            return self._more_memory()
        if any(death.is_crash for death in deaths):
            return "Native code crashed: compare the package versions in the images."
        if any(death.is_exit for death in deaths):
            return "A worker process exited by itself: look for calls of exit in the code."
        if any(death.error for death in deaths):
            return "See the last error that a worker logged."
        return (
            "Cause unknown; most often it is memory, and `kubectl describe pod` then shows "
            f"OOMKilled. If so: {self._more_memory()}"
        )

    def _more_memory(self) -> str:
        limit = self.resolved.workers.mem.limit.effective
        now = f" from {limit}" if limit else ""
        return (
            f"Raise workers.limits.mem{now}: with_workers(mem=...); or let each worker hold less "
            "at a time: smaller partitions, fewer CPUs."
        )


def _table(deaths: Sequence[Death]) -> str:
    """A line for each of the latest *deaths*."""
    if not deaths:
        return ""
    which = f" (the last {_MOST} of {len(deaths)})" if len(deaths) > _MOST else ""
    return f"\nWorker deaths{which}:\n" + "\n".join(f"  {each}" for each in deaths[-_MOST:])
