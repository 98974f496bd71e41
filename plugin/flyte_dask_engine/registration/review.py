"""The review of a task at registration: its team's policy, and advice.

It is not repeated where the task runs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from flyte_dask.advice import SEVERITIES, Advice, Job, Severity, by_rule, unsilenced, wanted
from flyte_dask.errors import AdviceIsFatal, CallSite, InvalidConfig, PolicyViolation, Problem
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.discovery import VARIABLE, find_for_module
from flyte_dask_engine.host import Host, make_visible
from flyte_dask_engine.registration.advice_log import LEVELS, registrations
from flyte_dask_engine.registration.assessment import Assessment, shared_assessment
from flyte_dask_engine.registration.cache import Latest, cached, other_key, platform_key
from flyte_dask_engine.registration.cluster import TaskCluster

if TYPE_CHECKING:  # needed only with a team file
    from flyte_dask.team_files import TeamFile

__all__ = ["Review", "team_of"]

_advice: dict[Hashable, tuple[Advice, ...]] = {}
_team_paths: Latest[Path | None] = Latest()


@attrs.frozen(slots=False)
class Review:
    """The review of a task's cluster."""

    cluster: TaskCluster
    host: Host
    team: TeamFile | None
    platform: Platform
    """The platform on which the task will run."""
    described: Callable[[Parent], Parent]
    """Adds all else that the SDK knows of the task; of its environment only the names."""
    description_key: Callable[[], Hashable | None]
    """Returns the cache key of what `described` adds; None if it is too slow to compute."""
    left_behind: Callable[[], tuple[Problem, ...]]
    """Returns the files that the task's module reads but that are not uploaded with it."""

    @property
    def name(self) -> str:
        """The task's name."""
        return self.cluster.task

    @property
    def call_site(self) -> CallSite | None:
        """Where the task was decorated."""
        return self.cluster.call_site

    @cached_property
    def job(self) -> Job:
        """Its resolved config, and the pods that Flyte will create."""
        parent = self.described(self.cluster.parent)
        return Job.of(self.cluster.config, parent, self.platform, self.cluster.resolved)

    @cached_property
    def unsilenced(self) -> tuple[Advice, ...]:
        """All advice, silenced or not."""
        task = self.description_key()
        if task is None:
            return unsilenced(self.job)
        other = other_key(self.cluster.config, self.platform)
        cluster = self.cluster.shape, self.cluster.number
        key = *cluster, other, task, platform_key(self.platform)
        return cached(_advice, key, lambda: unsilenced(self.job))

    @property
    def advice(self) -> tuple[Advice, ...]:
        """The advice that is not silenced."""
        silence = self.team.silence if self.team else ()
        return wanted(self.unsilenced, self.cluster.config, silence)

    def codes(self, severities: tuple[Severity, ...] = SEVERITIES) -> list[str]:
        """The rules with these *severities* that apply, silenced or not, the most severe first."""
        return self._assessment.codes(self.cluster.config, severities)

    @cached_property
    def _assessment(self) -> Assessment:
        task = self.description_key()
        if task is None:
            return Assessment(self.job)
        return shared_assessment(self.cluster, self.platform, task, self.described)

    @property
    def violations(self) -> tuple[Problem, ...]:
        """All violations of the team's policy."""
        if self.team is None:
            return ()
        from flyte_dask.policy import violations  # noqa: PLC0415  # needed only with a team file

        job = self.job
        return tuple(violations(self.team.policy, job.config, job.parent, job.platform))

    @property
    def fatal(self) -> tuple[Problem, ...]:
        """All advice that the team made fatal, even if the task silences it."""
        if self.team is None or not self.team.fatal:
            return ()
        rule = f"is an error by {self.team.path.name}"
        return tuple(
            Problem(each.path, each.code, f"{rule}: {each.consequence}", each.remedy)
            for code in self.codes()
            if code in self.team.fatal
            for each in by_rule(code, self.job)
        )

    def enforce(self, by: str | None = None, call_site: CallSite | None = None) -> None:
        """Raise an error if the task must not be registered.

        Args:
            by: the subject of the error; by default the task.
            call_site: its line; by default that of the task.

        Raises:
            InvalidConfig: with all files that are not uploaded with the code.
            PolicyViolation: with all violations of the team's policy.
            AdviceIsFatal: with all advice that the team made fatal.
        """
        by = by or f"{self.host.decorator} of {self.name}"
        call_site = call_site or self.call_site
        if left := self.left_behind():
            raise InvalidConfig(by, left, call_site)
        if violations := self.violations:
            raise PolicyViolation(by, violations, call_site)
        if fatal := self.fatal:
            raise AdviceIsFatal(by, fatal, call_site)

    def log(self, registration: object) -> None:
        """Log the advice that is not silenced, with severity info at level INFO.

        Of each rule the log has the advice on the first task of the *registration*, and when that
        ends the number of further tasks.

        Args:
            registration: the SDK's settings of it; None if the task is the only one.
        """
        logger = self.host.logger.getChild("advice")
        make_visible(logger, logging.WARNING, self.host.level_variable)
        registrations.enter(registration, logger)
        silenced = {*self.cluster.config.silence, *(self.team.silence if self.team else ())}
        logged: tuple[Severity, ...] = tuple(
            each for each in SEVERITIES if logger.isEnabledFor(LEVELS[each])
        )
        for code in self.codes(logged):
            if code not in silenced and registrations.is_first(code):
                for each in by_rule(code, self.job):
                    logger.log(LEVELS[each.severity], "%s: %s", self.name, each)


def team_of(function: Callable[..., Any], registration: object) -> TeamFile | None:
    """The team file that an environment variable names, else the one for *function*'s module.

    The latter is searched once per *registration*, since most tasks have none. A file that is added
    or moved later is found by a new registration object.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    path = os.environ.get(VARIABLE)
    if path:
        return _read(Path(path).absolute())
    module = getattr(sys.modules.get(function.__module__), "__file__", None)
    if not module:
        return None
    cache = _team_paths.of(registration)
    found = cached(cache, module, lambda: _find(Path(module), cache))
    return _read(found) if found else None


def _read(path: Path) -> TeamFile:
    from flyte_dask.team_files.team_file import read  # noqa: PLC0415  # needed only with one

    return read(path)


def _find(module: Path, cache: dict[Hashable, Path | None]) -> Path | None:
    """The team file of *module*, searched once for all modules of its folder."""
    return cached(cache, module.parent, lambda: find_for_module(module))
