"""Dask clusters for Flyte tasks: ``@task(task_config=presets.medium(workers=5))``."""

from flyte_dask import presets
from flyte_dask.runtime import Runtime
from flytekitplugins.dask.task import Dask, Scheduler, WorkerGroup

__all__ = ["Dask", "Runtime", "Scheduler", "WorkerGroup", "presets"]
