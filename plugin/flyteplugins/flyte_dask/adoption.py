"""Configs of the official plugin, ``flyteplugins-dask``, for tasks of this one."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from flyte_dask.config.dask import Dask
from flyte_dask.errors import MissingExtra
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyteplugins.flyte_dask.flyte_internals import TaskPluginRegistry
from flyteplugins.flyte_dask.task import ADOPTED, DaskTask

__all__ = ["adopt"]


def adopt() -> None:
    """Run tasks with a config of ``flyteplugins.dask`` like those of this package.

    Their code stays as it is, but for this call, which comes before the tasks are decorated: their
    configs are checked, and their functions run in a session, as those of
    ``flyteplugins.flyte_dask.Dask`` do.

    Raises:
        MissingExtra: if ``flyteplugins-dask`` is not installed.
    """
    official = _official()
    ADOPTED[official.Dask] = _as_dask
    TaskPluginRegistry.register(official.Dask, DaskTask)


def _as_dask(config: Any) -> Dask:
    """The official *config* as one of ours.

    Raises:
        InvalidConfig: if it is none.
    """
    official = _official()
    scheduler, workers = config.scheduler, config.workers
    if isinstance(scheduler, official.Scheduler):
        scheduler = Scheduler(scheduler.image, resources=scheduler.resources)
    if isinstance(workers, official.WorkerGroup):
        number, resources = workers.number_of_workers, workers.resources
        workers = WorkerGroup(number, workers.image, resources=resources)
    return Dask(scheduler, workers)


def _official() -> Any:
    """The official plugin."""
    try:
        return import_module("flyteplugins.dask")
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "flyteplugins.dask is not installed, whose configs are to be adopted: pip install "
            "flyteplugins-dask, or use those of flyteplugins.flyte_dask"
        ) from error
