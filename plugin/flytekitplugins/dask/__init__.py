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

    # names that the documentation of flytekitplugins-dask showed for years after their removal
    _REMOVED = {
        "DaskCluster": "use WorkerGroup(number_of_workers=...) and Scheduler(), as in "
        "Dask(scheduler=Scheduler(), workers=WorkerGroup(10, limits=...))",
        "JobPodSpec": "set image and resources of the task itself, as in "
        "@task(container_image=..., requests=..., limits=...)",
    }

    def __getattr__(name):
        """Load *name* on first access, since every import of flytekit imports this package."""
        if name not in __all__:
            remedy = _REMOVED.get(name)
            recording = remedy and import_module("flyte_dask.errors.recording")
            stand_in = recording and recording.recorded_removal(__name__, name, remedy)
            if stand_in:
                return stand_in
            raise import_module("flyte_dask.lazy").missing(__name__, name, remedy)
        task = import_module(f"{__name__}.task")  # registers the task type
        return getattr(import_module(_MODULES[name]) if name in _MODULES else task, name)


__all__ = ["Dask", "ReadOptions", "Runtime", "Scheduler", "WorkerGroup", "presets"]

# Before any module of ours: flytekit imports some, and would get partially initialized ones.
import_module("flytekit")
