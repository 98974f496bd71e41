"""Dask clusters for Flyte tasks: ``@task(task_config=presets.medium(workers=5))``."""

from flyte_dask import presets
from flyte_dask.config import Dask, Scheduler, WorkerGroup
from flytekitplugins.dask.task import DaskTask

__all__ = ["Dask", "DaskTask", "Scheduler", "WorkerGroup", "presets"]
