"""Dask clusters for tasks of Flyte 2: ``TaskEnvironment(plugin_config=presets.medium(workers=5))``.

Importing it registers the configs of `flyte_dask` with the ``flyte`` SDK.
"""

from typing import TYPE_CHECKING

from flyte_dask import presets
from flyte_dask.config.dask import Dask
from flyte_dask.lazy import lazy
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyteplugins.flyte_dask.plugin import register

if TYPE_CHECKING:
    from flyte_dask.config.runtime import Runtime
    from flyte_dask_engine.collections.options import ReadOptions
    from flyteplugins.flyte_dask.adoption import adopt
else:
    __getattr__ = lazy(
        __name__,
        {
            "ReadOptions": "flyte_dask_engine.collections.options",
            "Runtime": "flyte_dask.config.runtime",
            "adopt": f"{__name__}.adoption",
        },
    )

__all__ = ["Dask", "ReadOptions", "Runtime", "Scheduler", "WorkerGroup", "adopt", "presets"]

register()
