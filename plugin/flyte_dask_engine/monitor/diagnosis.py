"""The errors for failures of a cluster: what happened, the evidence, and the remedy."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TypeVar

import attrs
from dask.utils import format_bytes

from flyte_dask.errors import FlyteDaskError
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterShutDown,
    ClusterUnavailable,
    NoValidWorker,
    SchedulerLost,
    TooFewWorkers,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.foreign_errors import describe, text_of
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.monitor.remedies import Remedies, table_of
from flyte_dask_engine.monitor.snapshot import Death, Snapshot, Unmet

__all__ = ["Subject"]

_Kind = TypeVar("_Kind", bound=ClusterFailure)


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
    is_in_threads: bool = False
    """Whether the workers are threads of this process, which have no nannies."""

    @property
    def logger(self) -> logging.Logger:
        """The logger of its session."""
        return self.host.runtime_logger

    @property
    def _remedies(self) -> Remedies:
        return Remedies(self.resolved, self.is_local, self.host, self.is_in_threads)

    def unreachable(self, seconds: float | None) -> ClusterUnavailable:
        """The error for a scheduler that did not come up."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: the scheduler at {self.address} did not respond within {seconds} s.",
            self._remedies.look("why its pod does not start"),
            "If it only needs more time, raise Runtime(connect_timeout=...).",
        )

    def incomplete(self, joined: int, number: int, seconds: float | None) -> ClusterUnavailable:
        """The error for too few workers."""
        return self._failure(
            ClusterUnavailable,
            f"{self.task}: only {joined} of {number} workers joined within {seconds} s.",
            self._remedies.look(
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
            f"{self.task}: timed out waiting for workers: {text_of(error)}.",
            self._remedies.look("why they do not start"),
        )

    def unresponsive(self, seconds: float, last: Snapshot | None) -> SchedulerLost:
        """The error for a scheduler that stopped responding."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: the scheduler at {self.address} did not respond for {seconds:g} s.",
            self._remedies.of_scheduler(last),
            self._remedies.look("whether its pod is running"),
            "If it was only busy, raise Runtime(scheduler_timeout=...).",
        )

    def disconnected(self, last: Snapshot | None) -> SchedulerLost:
        """The error for a lost connection to the scheduler, and with it all results."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: lost the scheduler at {self.address}: its process exited, or the "
            "connection was closed.",
            self._remedies.of_scheduler(last),
            self._remedies.look("why its pod ended"),
        )

    def replaced(self, last: Snapshot | None) -> SchedulerLost:
        """The error for a scheduler that was restarted, and lost all state."""
        return self._failure(
            SchedulerLost,
            f"{self.task}: lost the scheduler at {self.address}: it was restarted, without the "
            "work so far.",
            self._remedies.of_scheduler(last),
            self._remedies.look("why the first one ended"),
        )

    def shut_down(self) -> ClusterShutDown:
        """The error for a function that needs its cluster after it shut that down."""
        return self.host.error(ClusterShutDown)(
            f"{self.task}: the function shut the cluster down, so it cannot be used any more. Omit "
            f"shutdown(): the cluster ends with the task. {self._remedies.restart()}"
        )

    def retired(self) -> str:
        """What to do about workers that the function retired."""
        return (
            "Workers were retired: retire_workers() ends them for good. Omit it. "
            f"{self._remedies.restart()}"
        )

    def stalled(self, seconds: float, now: Snapshot) -> WorkersLost:
        """The error for tasks that no worker was able to run."""
        waiting = f"while {counted(now.waiting, 'Dask task')} waited"
        if now.disks:
            text = f"no worker (of {now.workers}) accepted tasks for {seconds:g} s {waiting}."
            remedy = self._remedies.more_disk(now.disks)
        elif now.workers:
            text = (
                f"no worker (of {now.workers}) accepted tasks for {seconds:g} s {waiting}, as "
                "happens when their memory is full."
            )
            remedy = self._remedies.more_memory()
        else:
            text = f"there was no worker for {seconds:g} s {waiting}."
            remedy = self._remedies.look("why no worker came back")
        return self._failure(
            WorkersLost,
            f"{self.task}: {text}",
            remedy,
            "If they only need more time, raise Runtime(stall_timeout=...).",
            deaths=now.deaths,
        )

    def unrunnable(self, unmet: Unmet, seconds: float, now: Snapshot) -> FlyteDaskError:
        """The error for a task that no worker may run; retried only if such a worker was lost."""
        what = f"{self.task}: no worker ran Dask task {unmet.key} for {seconds:g} s."
        if unmet.gone:
            lost = f"It is restricted to {', '.join(unmet.gone)}, which was lost."
            return self._failure(WorkersLost, what, lost, deaths=now.deaths)
        if unmet.fitting:
            who = f"The only workers that may run it ({unmet.fitting} of {now.workers})"
            lost = f"{who} accept no tasks, as happens when their memory is full."
            found = self._remedies
            remedy = found.more_disk(now.disks) if now.disks else found.more_memory()
            return self._failure(WorkersLost, what, lost, remedy, deaths=now.deaths)
        remedy = self._remedies.of_restrictions(unmet, now.offers, now.workers)
        more = "If such a worker comes later, raise Runtime(stall_timeout=...)."
        return self.host.error(NoValidWorker)(f"{what} {remedy} {more}")

    def invalid(self, error: BaseException) -> NoValidWorker:
        """The error for a scheduler that itself gave up waiting for a worker that fits."""
        return self.host.error(NoValidWorker)(f"{self.task}: {text_of(error)}")

    def excessive(self, number: int, most: int) -> TooFewWorkers:
        """The error for a function that waits for more workers than its config has."""
        return self.host.error(TooFewWorkers)(
            f"{self.task}: wait_for_workers({number}) would never return: the config has "
            f"{counted(most, 'worker')}. Set with_workers({number}), or wait for at most {most}."
        )

    def stopped_receiving(self, error: BaseException | None) -> ClusterFailure:
        """The error for a client that no longer receives what its scheduler sends."""
        why = "" if error is None else f": {describe(error)}"
        return self._failure(
            ClusterFailure,
            f"{self.task}: a client of the cluster stopped receiving messages{why}.",
        )

    def unable(self, error: BaseException) -> WorkersLost:
        """The error for a scheduler that itself gave up waiting for a worker."""
        return self._failure(WorkersLost, f"{self.task}: {text_of(error)}")

    def killed(self, task: str, number: int, now: Snapshot | None) -> WorkersKilled:
        """The error for a Dask task that killed *number* workers."""
        what = f"{self.task}: Dask task {task} killed {counted(number, 'worker')}."
        deaths = tuple(death for death in (now.deaths if now else ()) if death.is_of_task)
        remedy = self._remedies.of_deaths(deaths, now.disks if now else ())
        return self._failure(WorkersKilled, what, remedy, deaths=deaths)

    def lack_of_memory(self, worker: str, limit: int) -> str:
        """What to do about a task that had too little memory on a *worker* with this *limit*."""
        of = f", whose memory limit is {format_bytes(limit)}" if limit else ""
        return f"It was raised on worker {worker}{of}. {self._remedies.more_memory()}"

    def lack_of_disk(self, worker: str) -> str:
        """What to do about a task that could not write to the disk of a *worker*."""
        return f"It was raised on worker {worker}. {self._remedies.more_disk(())}"

    def cut(self, error: BaseException) -> ClusterFailure:
        """The error for a connection that broke, to the cluster or within it."""
        return self._failure(
            ClusterFailure,
            f"{self.task}: a connection to or within its cluster broke: {text_of(error)}",
        )

    def unreadable(self, role: str, who: str, why: str) -> WrongEnvironment:
        """The error for a scheduler or worker that cannot unpickle what the runner sends."""
        return self._wrong(role, who, "cannot unpickle what", "sends", why)

    def unimportable(self, error: ModuleNotFoundError) -> WrongEnvironment:
        """The error for a module that a worker lacks, and the runner has."""
        return self._wrong("workers", "a worker", "lacks a module that", "has", describe(error))

    def _wrong(self, role: str, who: str, cannot: str, does: str, why: str) -> WrongEnvironment:
        runner = f"the runner{self._in_image('runner')}"
        return self.host.error(WrongEnvironment)(
            f"{self.task}: {who}{self._in_image(role)} {cannot} {runner} {does}: {why}\n"
            "Install it in that image. Roles without an image have the task's; the code of a fast "
            "registration is uploaded to all pods, unless Runtime(ship_code=False)"
        )

    def _failure(self, kind: type[_Kind], *sentences: str, deaths: Sequence[Death] = ()) -> _Kind:
        text = " ".join(each for each in (*sentences, self._retry()) if each)
        return self.host.error(kind)(text + table_of(deaths))

    def _retry(self) -> str:
        retries, attempt = self.retries, self.attempt
        if retries is None or self.is_local:  # nothing retries a local run
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

    def _in_image(self, role: str) -> str:
        image = self.images.get(role)
        return f" (image {image})" if image else ""
