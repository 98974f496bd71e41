"""What a failure means: the error that says what happened, with evidence, and what to do."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TypeVar

import attrs
from dask.utils import format_bytes

from flyte_dask.inheritance.resolution import Resolved
from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterUnavailable,
    SchedulerLost,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.log_levels import runtime_logger
from flyte_dask_engine.monitor.snapshot import NEARLY, Death, Snapshot

__all__ = ["Subject"]

_Kind = TypeVar("_Kind", bound=ClusterFailure)

_MOST = 8  # deaths of which each is told


@attrs.frozen
class Subject:
    """A task and its cluster, of which errors tell."""

    task: str
    address: str
    """Of the scheduler."""
    images: Mapping[str, str]
    """Of runner, scheduler and workers; empty where it is not known."""
    resolved: Resolved
    retries: int | None = None
    """How often Flyte tries again; None is unknown."""
    is_local: bool = False
    host: Host = NO_SDK

    @property
    def logger(self) -> logging.Logger:
        """The logger of all that a session says of it."""
        return runtime_logger(self.host)

    def unreachable(self, seconds: float | None) -> ClusterUnavailable:
        """The scheduler did not answer at first."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: the scheduler at {self.address} did not answer within {seconds} s.",
            self._look("what keeps its pod from starting"),
            "If it only needs longer, raise Runtime(connect_timeout=...).",
        )

    def incomplete(self, there: int, number: int, seconds: float | None) -> ClusterUnavailable:
        """Too few workers came."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: {there} of {number} workers were there after {seconds} s.",
            self._look(
                "what keeps the others: an image that cannot be pulled, no node with room for "
                "their requests, or a process that ends"
            ),
            "If they only need longer, raise Runtime(worker_timeout=...); if fewer will do, lower "
            "min_workers.",
        )

    def ended(self, there: int, number: int, statuses: Sequence[int]) -> ClusterUnavailable:
        """Processes of workers ended with *statuses*, and nobody starts them again."""
        how = ", ".join(
            f"signal {-each}" if each < 0 else f"exit status {each}" for each in statuses
        )
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: {there} of {number} workers were there when processes of workers ended, "
            f"with {how}.",
            "What they wrote to the standard error says why.",
        )

    def unavailable(self, error: BaseException) -> ClusterUnavailable:
        """The function itself has waited for workers."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task} waited for workers in vain: {error}.",
            self._look("what keeps them"),
        )

    def silent(self, seconds: float, last: Snapshot | None) -> SchedulerLost:
        """The scheduler did not answer for so long."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: the scheduler at {self.address} did not answer for {seconds:g} s.",
            self._scheduler_before(last),
            self._look("whether its pod still runs"),
            "If it is only busy for so long, raise Runtime(scheduler_timeout=...).",
        )

    def disconnected(self, last: Snapshot | None) -> SchedulerLost:
        """The connection to the scheduler broke, and with it all that was computed."""
        return self._failure(
            SchedulerLost,
            f"{self.task} lost its scheduler at {self.address}: its process has ended, or the "
            "connection broke.",
            self._scheduler_before(last),
            self._look("why its pod ended"),
        )

    def replaced(self, last: Snapshot | None) -> SchedulerLost:
        """Another scheduler answers there."""
        return self._failure(
            SchedulerLost,
            f"{self.task} lost its scheduler at {self.address}: another one answers there now, "
            "which knows nothing of the work.",
            self._scheduler_before(last),
            self._look("why the first one ended"),
        )

    def stalled(self, seconds: float, now: Snapshot) -> WorkersLost:
        """There was work for so long, and no worker that could do it."""
        if now.workers:
            who = f"no worker (of {now.workers}) took work, as happens when their memory is full"
            remedy = self._more_memory()
        else:
            who, remedy = "there was no worker", self._look("what keeps workers from coming back")
        return self._failure(
            WorkersLost,
            f"{self.task}: for {seconds:g} s {who}, while work waits (Dask tasks: {now.waiting}).",
            remedy,
            "If they only need longer, raise Runtime(stall_timeout=...).",
            deaths=now.deaths,
        )

    def unable(self, error: BaseException) -> WorkersLost:
        """The scheduler itself gave up waiting for a worker."""
        return self._failure(WorkersLost, f"{self.task}: {error}")

    def killed(self, task: str, number: int | None, now: Snapshot | None) -> WorkersKilled:
        """A Dask task that no worker survived; without a number if neither is known."""
        deaths = now.deaths if now else ()
        if number is None:
            what = f"{self.task}: workers died again and again over the same work."
        else:
            what = f"{self.task}: workers died {number} times over the same work, {task}."
            deaths = tuple(death for death in deaths if death.is_of_task)
        return self._failure(WorkersKilled, what, self._remedy_for(deaths), deaths=deaths)

    def cut(self, error: BaseException) -> ClusterFailure:
        """A connection within the cluster broke."""
        return self._failure(
            ClusterFailure, f"{self.task}: a connection to its cluster, or within, broke: {error}"
        )

    def unreadable(self, role: str, who: str, why: str) -> WrongEnvironment:
        """Scheduler or workers lack what the runner sends them."""
        return self._wrong(role, who, "cannot read what", "sends", why)

    def unimportable(self, error: ModuleNotFoundError) -> WrongEnvironment | None:
        """A worker lacks a module that is here; None if it is not here either."""
        with suppress(Exception):  # whatever its packages do when they are imported
            if error.name and find_spec(error.name) is not None:
                why = f"{type(error).__name__}: {error}"
                return self._wrong("workers", "a worker", "lacks what", "has", why)
        return None

    def _wrong(self, role: str, who: str, cannot: str, does: str, why: str) -> WrongEnvironment:
        runner = f"the runner{self._in_image('runner')}"
        return self.host.error(WrongEnvironment)(
            f"{self.task}: {who}{self._in_image(role)} {cannot} {runner} {does}: {why}\n"
            "Install it in that image. Roles without an image of their own have the task's; the "
            "code of a fast registration is shipped to all, unless Runtime(ship_code=False)"
        )

    def _failure(self, kind: type[_Kind], *sentences: str, deaths: Sequence[Death] = ()) -> _Kind:
        text = " ".join(each for each in (*sentences, self._again()) if each)
        return self.host.error(kind)(text + _table(deaths))

    def _again(self) -> str:
        if self.retries is None:
            return ""
        if self.retries == 0:
            remedy = f"{self.host.decorator}(retries=2)"
            return f"The task has retries=0, so nothing tries again; {remedy} would."
        return f"Flyte tries again, if any of its retries={self.retries} are left."

    def _look(self, for_what: str) -> str:
        if self.is_local:
            return ""
        return f"Flyte's console and `kubectl describe pod` show {for_what}."

    def _in_image(self, role: str) -> str:
        image = self.images.get(role)
        return f" (image {image})" if image else ""

    def _scheduler_before(self, last: Snapshot | None) -> str:
        """How the scheduler was when it last answered."""
        if last is None or not last.memory:
            return ""
        limit = self.resolved.scheduler.mem.limit.effective
        of_limit = f" of its limit of {limit}" if limit else ""
        used = f"When it last answered it used {format_bytes(last.memory)} of memory{of_limit}."
        if limit and last.memory > NEARLY * limit.value:
            return f"{used} Raise scheduler.limits.mem: with_scheduler(mem=...)."
        return used

    def _remedy_for(self, deaths: Sequence[Death]) -> str:
        if any(death.is_by_memory for death in deaths):
            return self._more_memory()
        if any(death.is_crash for death in deaths):
            return "Native code crashed: compare the versions of what is in the images."
        if any(death.is_exit for death in deaths):
            return "A process was ended from within: look in the code for what exits."
        if any(death.error for death in deaths):
            return "The last words of a worker tell why."
        return (
            "Nobody told why. Memory is what most often does it; then `kubectl describe pod` says "
            f"OOMKilled. If so: {self._more_memory()}"
        )

    def _more_memory(self) -> str:
        limit = self.resolved.workers.mem.limit.effective
        now = f" from {limit}" if limit else ""
        return (
            f"Raise workers.limits.mem{now}: with_workers(mem=...); or give a worker less to hold "
            "at once: smaller partitions, fewer CPUs."
        )


def _table(deaths: Sequence[Death]) -> str:
    """A line for each of the latest."""
    if not deaths:
        return ""
    which = f", the last {_MOST} of {len(deaths)}" if len(deaths) > _MOST else " that were seen"
    return f"\nDeaths of workers{which}:\n" + "\n".join(f"  {each}" for each in deaths[-_MOST:])
