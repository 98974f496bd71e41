"""Dask clusters for Flyte tasks: ``@task(task_config=presets.medium(workers=5))``."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_dask import presets
    from flyte_dask.config.runtime import Runtime
    from flytekitplugins.dask.task import Dask, Scheduler, WorkerGroup
else:
    _HOMES = {"Runtime": "flyte_dask.config.runtime", "presets": "flyte_dask"}

    def __getattr__(name):
        """What is loaded when it is first asked for: flytekit imports this package in any case."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        task = import_module(f"{__name__}.task")  # with which flytekit knows our tasks
        return getattr(import_module(_HOMES[name]) if name in _HOMES else task, name)


__all__ = ["Dask", "Runtime", "Scheduler", "WorkerGroup", "presets"]

# Before any module of ours: flytekit imports some, and could not use one that is half there.
import_module("flytekit")
