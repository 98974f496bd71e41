"""Dask clusters for Flyte tasks: ``@task(task_config=presets.medium(workers=5))``."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flyte_dask import presets
    from flyte_dask.config.runtime import Runtime
    from flyte_dask_engine.collections.options import ReadOptions
    from flytekitplugins.dask.task import Dask, Scheduler, WorkerGroup
else:
    _MODULES = {
        "ReadOptions": "flyte_dask_engine.collections.options",
        "Runtime": "flyte_dask.config.runtime",
        "presets": "flyte_dask",
    }

    def __getattr__(name):
        """Load *name* on first access, since every import of flytekit imports this package."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        task = import_module(f"{__name__}.task")  # registers the task type
        return getattr(import_module(_MODULES[name]) if name in _MODULES else task, name)


__all__ = ["Dask", "ReadOptions", "Runtime", "Scheduler", "WorkerGroup", "presets"]

# Before any module of ours: flytekit imports some, and would get partially initialized ones.
import_module("flytekit")
