"""Dask clusters for Flyte tasks: ``@task(task_config=presets.medium(workers=5))``."""

from typing import TYPE_CHECKING

from flyte_dask import presets
from flytekitplugins.dask.task import Dask, Scheduler, WorkerGroup

if TYPE_CHECKING:
    from flyte_dask.runtime import Runtime
else:

    def __getattr__(name):
        """`Runtime`, when it is first asked for: whoever imports flytekit loads all the others."""
        if name != "Runtime":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from flyte_dask.runtime import Runtime  # noqa: PLC0415

        return Runtime


__all__ = ["Dask", "Runtime", "Scheduler", "WorkerGroup", "presets"]
