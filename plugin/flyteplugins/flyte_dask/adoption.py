"""Configs of the official plugin, ``flyteplugins-dask``, for tasks of this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flyteplugins import dask as official

from flyte_dask.config.dask import Dask
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyteplugins.flyte_dask.flyte_internals import task_plugins
from flyteplugins.flyte_dask.task import DaskTask

__all__ = ["adopt"]


def adopt() -> None:
    """Run tasks with a config of ``flyteplugins.dask`` like those of this package.

    Their code stays as it is, but for this call, which comes before the tasks are decorated: their
    configs are checked, and their functions run in a session, as those of
    ``flyteplugins.flyte_dask.Dask`` do.
    """
    task_plugins.register(official.Dask, _AdoptedTask)


@dataclass(kw_only=True)
class _AdoptedTask(DaskTask):
    """A task with a config of the official plugin."""

    @classmethod
    def as_dask(cls, config: Any) -> Dask:
        """The same config as one of ours.

        Raises:
            InvalidConfig: if it is none.
        """
        if not isinstance(config, official.Dask):
            return super().as_dask(config)
        return Dask(_scheduler(config.scheduler), _workers(config.workers))


def _scheduler(theirs: Any) -> Any:
    if isinstance(theirs, official.Scheduler):
        return Scheduler(theirs.image, resources=theirs.resources)
    return theirs


def _workers(theirs: Any) -> Any:
    if isinstance(theirs, official.WorkerGroup):
        return WorkerGroup(theirs.number_of_workers, theirs.image, resources=theirs.resources)
    return theirs
