"""What is said of a task when it is registered: its team's policy, and advice.

None of this happens where the task runs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from flyte_dask.advice import Advice, Job, unsilenced, wanted
from flyte_dask.errors import AdviceIsFatal, CallSite, InvalidConfig, PolicyViolation, Problem
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.discovery import VARIABLE, find_for_module
from flyte_dask_engine.host import Host
from flyte_dask_engine.log_levels import make_visible
from flyte_dask_engine.registration.cache import Latest, remembered
from flyte_dask_engine.registration.cache_key import other_key, platform_key
from flyte_dask_engine.registration.cluster import TaskCluster

if TYPE_CHECKING:  # most have no team file, for which it is loaded
    from flyte_dask.team_files import TeamFile

__all__ = ["RegisteredTask", "Review", "team_of"]

_ANYWHERE = Platform()
_advice: dict[Hashable, tuple[Advice, ...]] = {}
_beside: Latest[Path | None] = Latest()


class RegisteredTask(Protocol):
    """A task that is being registered, as its SDK knows it."""

    def described(self, parent: Parent) -> Parent:
        """*parent* with all else that is known of the task: of its environment the names only."""
        ...

    def surroundings(self) -> Hashable | None:
        """What `described` adds, as far as it is cheap to compare; None if it is not."""
        ...

    def left_behind(self) -> tuple[Problem, ...]:
        """Files that its module reads, and that would not come along."""
        ...


@attrs.frozen(slots=False)
class Review:
    """What there is to say of a task's cluster."""

    task: RegisteredTask
    cluster: TaskCluster
    host: Host
    team: TeamFile | None
    platform: Platform
    """The task's site."""

    @property
    def name(self) -> str:
        """That of the task."""
        return self.cluster.task

    @property
    def call_site(self) -> CallSite | None:
        """Where the task was decorated."""
        return self.cluster.call_site

    @classmethod
    def of(
        cls,
        task: RegisteredTask,
        cluster: TaskCluster,
        host: Host,
        team: TeamFile | None,
        site: Callable[[Platform], Platform] | None = None,
    ) -> Review:
        """The review of *task* with its team's file; *site*, if given, changes its platform."""
        platform = team.platform if team else _ANYWHERE
        return cls(task, cluster, host, team, site(platform) if site else platform)

    @cached_property
    def job(self) -> Job:
        """Its config, resolved in the task, and what Flyte will make of it."""
        parent = self.task.described(self.cluster.parent)
        return Job.of(self.cluster.config, parent, self.platform, self.cluster.resolved)

    @cached_property
    def unsilenced(self) -> tuple[Advice, ...]:
        """All advice, wanted or not."""
        others = self.task.surroundings()
        if others is None:
            return unsilenced(self.job)
        rest = other_key(self.cluster.config, self.platform)
        key = self.cluster.wording, rest, others, platform_key(self.platform)
        return remembered(_advice, key, lambda: unsilenced(self.job))

    @property
    def advice(self) -> tuple[Advice, ...]:
        """All that is not silenced."""
        silence = self.team.silence if self.team else ()
        return wanted(self.unsilenced, self.cluster.config, silence)

    @property
    def forbidden(self) -> tuple[Problem, ...]:
        """All that is above the team's policy."""
        if self.team is None:
            return ()
        from flyte_dask.policy import violations  # noqa: PLC0415  # as the team file

        job = self.job
        return tuple(violations(self.team.policy, job.config, job.parent, job.platform))

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """All advice that the team wants to be an error, whatever the task silences."""
        if self.team is None or not self.team.fatal:
            return ()
        rule = f"is an error by {self.team.path.name}"
        return tuple(
            Problem(each.path, each.code, f"{rule}: {each.consequence}", each.remedy)
            for each in self.unsilenced
            if each.code in self.team.fatal
        )

    def enforce(self) -> None:
        """Raise for what cannot work, and for what the team forbids.

        Raises:
            InvalidConfig: with all files that would not come along.
            PolicyViolation: with all that is above its policy.
            AdviceIsFatal: with all advice that it wants to be an error.
        """
        by = f"{self.host.decorator} of {self.name}"
        if left := self.task.left_behind():
            raise InvalidConfig(by, left, self.call_site)
        if forbidden := self.forbidden:
            raise PolicyViolation(by, forbidden, self.call_site)
        if fatal := self.fatal:
            raise AdviceIsFatal(by, fatal, self.call_site)

    def log(self) -> None:
        """Tell all advice: hints to those who ask for more than warnings."""
        logger = self.host.logger.getChild("advice")
        if advice := self.advice:
            make_visible(logger, logging.WARNING, self.host.level_variable)
        for each in advice:
            level = logging.INFO if each.severity == "info" else logging.WARNING
            logger.log(level, "%s: %s", self.name, each)


def team_of(function: Callable[..., Any], registration: object) -> TeamFile | None:
    """The team file whose path the environment says, or else that of the module of *function*.

    That is looked for once in a *registration*, for to look again for each task costs most where
    there is none. Who registers again with the same object, and has added or moved a file, is not
    heard: take a new one.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    said = os.environ.get(VARIABLE)
    if said:
        return _read(Path(said).absolute())
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    if not file:
        return None
    found = _beside.of(registration)
    path = remembered(found, file, lambda: _path_beside(Path(file), found))
    return _read(path) if path else None


def _read(path: Path) -> TeamFile:
    from flyte_dask.team_files.team_file import read  # noqa: PLC0415  # most have no team file

    return read(path)  # for us, and not for a module that would need it in the runner


def _path_beside(module: Path, found: dict[Hashable, Path | None]) -> Path | None:
    """The team file of *module*, looked for once for all modules of its folder."""
    return remembered(found, module.parent, lambda: find_for_module(module))
