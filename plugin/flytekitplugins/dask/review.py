"""What is said of a task when it is registered: its team's policy, and advice.

None of this happens where the task runs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import attrs
from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask import files
from flyte_dask.advice import Advice, Job, unsilenced, wanted
from flyte_dask.callsite import CallSite
from flyte_dask.errors import AdviceIsFatal, InvalidConfig, PolicyViolation, Problem
from flyte_dask.files import TeamFile
from flyte_dask.platform import Platform
from flyte_dask.policy import Policy, violations
from flytekitplugins.dask.audible import make_audible
from flytekitplugins.dask.parent import described
from flytekitplugins.dask.template import TaskCluster
from flytekitplugins.dask.travel import left_behind

__all__ = ["VARIABLE", "Review"]

VARIABLE = "FLYTE_DASK_FILE"
"""The variable of the environment that says the path of the team file."""

logger = logging.getLogger("flytekit.dask.advice")


@attrs.frozen(slots=False)
class Review:
    """What there is to say of a task's cluster."""

    name: str
    """The task's."""
    call_site: CallSite | None
    job: Job
    """Its config, resolved in the task, and what Flyte will make of it."""
    left_behind: tuple[Problem, ...]
    """Files that its module reads, and that would not come along."""
    team: TeamFile | None

    @classmethod
    def of(
        cls,
        task: PythonFunctionTask[Any],
        cluster: TaskCluster,
        call_site: CallSite | None,
        settings: SerializationSettings,
        site: Callable[[Platform], Platform] | None = None,
    ) -> Review:
        """That of *task*, with the team file that is meant for it, on what *site* makes of its.

        Raises:
            InvalidConfig: with every problem of the team file.
        """
        parent = described(cluster.parent, task, settings)
        team = team_of(task.task_function)
        platform = team.platform if team else Platform()
        job = Job.of(cluster.config, parent, site(platform) if site else platform, cluster.resolved)
        return cls(task.name, call_site, job, tuple(left_behind(settings)), team)

    @cached_property
    def unsilenced(self) -> tuple[Advice, ...]:
        """All advice, wanted or not."""
        return unsilenced(self.job)

    @property
    def advice(self) -> tuple[Advice, ...]:
        """All that is not silenced."""
        return wanted(self.unsilenced, self.job.config, self.team.silence if self.team else ())

    @property
    def forbidden(self) -> tuple[Problem, ...]:
        """All that is above the team's policy."""
        policy = self.team.policy if self.team else Policy()
        return tuple(violations(policy, self.job.config, self.job.parent, self.job.platform))

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
        """Let be an error what cannot work, and what the team does not want.

        Raises:
            InvalidConfig: with all files that would not come along.
            PolicyViolation: with all that is above its policy.
            AdviceIsFatal: with all advice that it wants to be an error.
        """
        by = f"@task of {self.name}"
        if self.left_behind:
            raise InvalidConfig(by, self.left_behind, self.call_site)
        if forbidden := self.forbidden:
            raise PolicyViolation(by, forbidden, self.call_site)
        if fatal := self.fatal:
            raise AdviceIsFatal(by, fatal, self.call_site)

    def log(self) -> None:
        """Tell all advice: hints to those who ask for more than warnings."""
        make_audible(logger, logging.WARNING)
        for each in self.advice:
            level = logging.INFO if each.severity == "hint" else logging.WARNING
            logger.log(level, "%s: %s", self.name, each)


def team_of(function: Callable[..., Any]) -> TeamFile | None:
    """The team file whose path the environment says, or else that of the module of *function*."""
    said = os.environ.get(VARIABLE)
    if said:
        return files.read(Path(said).absolute())
    file = getattr(sys.modules.get(function.__module__), "__file__", None)
    path = files.find_beside(Path(file)) if file else None
    return files.read(path) if path else None
