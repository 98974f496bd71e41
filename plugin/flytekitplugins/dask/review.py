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
from typing import TYPE_CHECKING, Any

import attrs
from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask.advice import Advice, Job, unsilenced, wanted
from flyte_dask.callsite import CallSite
from flyte_dask.errors import AdviceIsFatal, InvalidConfig, PolicyViolation, Problem
from flyte_dask.files.finding import VARIABLE, find_beside
from flyte_dask.platform import Platform
from flyte_dask.wording import rest_wording, site_wording
from flytekitplugins.dask.audible import make_audible
from flytekitplugins.dask.parent import described, surroundings
from flytekitplugins.dask.remembered import Latest, remembered
from flytekitplugins.dask.template import TaskCluster
from flytekitplugins.dask.travel import left_behind

if TYPE_CHECKING:  # most have no team file, for which it is loaded
    from flyte_dask.files import TeamFile

__all__ = ["Review"]

logger = logging.getLogger("flytekit.dask.advice")

_ANYWHERE = Platform()
_advice: dict[Hashable, tuple[Advice, ...]] = {}
_beside: Latest[Path | None] = Latest()


@attrs.frozen(slots=False)
class Review:
    """What there is to say of a task's cluster."""

    task: PythonFunctionTask[Any]
    cluster: TaskCluster
    call_site: CallSite | None
    """Where the task was decorated."""
    settings: SerializationSettings
    """Those of the registration."""
    team: TeamFile | None
    platform: Platform
    """The task's site."""

    @classmethod
    def of(
        cls,
        task: PythonFunctionTask[Any],
        cluster: TaskCluster,
        call_site: CallSite | None,
        settings: SerializationSettings,
        site: Callable[[Platform], Platform] | None = None,
    ) -> Review:
        """The review of *task* with its team file; *site*, if given, changes that file's platform.

        Raises:
            InvalidConfig: with every problem of the team file.
        """
        team = team_of(task.task_function, settings)
        platform = team.platform if team else _ANYWHERE
        if site:
            platform = site(platform)
        return cls(task, cluster, call_site, settings, team, platform)

    @cached_property
    def job(self) -> Job:
        """Its config, resolved in the task, and what Flyte will make of it."""
        parent = described(self.cluster.parent, self.task, self.settings)
        return Job.of(self.cluster.config, parent, self.platform, self.cluster.resolved)

    @property
    def left_behind(self) -> tuple[Problem, ...]:
        """Files that its module reads, and that would not come along."""
        return left_behind(self.settings)

    @cached_property
    def unsilenced(self) -> tuple[Advice, ...]:
        """All advice, wanted or not."""
        others = surroundings(self.task, self.settings)
        if others is None:
            return unsilenced(self.job)
        rest = rest_wording(self.cluster.config, self.platform)
        key = self.cluster.wording, rest, others, site_wording(self.platform)
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
        by = f"@task of {self.task.name}"
        if left := self.left_behind:
            raise InvalidConfig(by, left, self.call_site)
        if forbidden := self.forbidden:
            raise PolicyViolation(by, forbidden, self.call_site)
        if fatal := self.fatal:
            raise AdviceIsFatal(by, fatal, self.call_site)

    def log(self) -> None:
        """Tell all advice: hints to those who ask for more than warnings."""
        if advice := self.advice:
            make_audible(logger, logging.WARNING)
        for each in advice:
            level = logging.INFO if each.severity == "hint" else logging.WARNING
            logger.log(level, "%s: %s", self.task.name, each)


def team_of(function: Callable[..., Any], settings: SerializationSettings) -> TeamFile | None:
    """The team file whose path the environment says, or else that of the module of *function*.

    That is looked for once in a registration, the one with *settings*, for to look again for each
    task costs most where there is none. Who registers again with the same settings, and has added
    or moved a file, is not heard: take new ones.
    """
    said = os.environ.get(VARIABLE)
    if said:
        return _read(Path(said).absolute())
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    if not file:
        return None
    found = _beside.of(settings)
    path = remembered(found, file, lambda: _path_beside(Path(file), found))
    return _read(path) if path else None


def _read(path: Path) -> TeamFile:
    from flyte_dask.files.team import read  # noqa: PLC0415  # most have no team file

    return read(path)  # for us, and not for a module that would need it in the runner


def _path_beside(module: Path, found: dict[Hashable, Path | None]) -> Path | None:
    """The team file of *module*, looked for once for all modules of its folder."""
    return remembered(found, module.parent, lambda: find_beside(module))
