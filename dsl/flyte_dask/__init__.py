"""Typed, validated configuration for Dask clusters on Flyte; needs neither flytekit nor dask."""

import sys
from typing import TYPE_CHECKING

from flyte_dask import presets
from flyte_dask.config.dask import Dask
from flyte_dask.errors import (
    AdviceIsFatal,
    ConfigError,
    FlyteDaskError,
    FrozenConfig,
    InvalidConfig,
    MergeConflict,
    MissingExtra,
    PolicyViolation,
    Problem,
    ShadowedPreset,
    UnknownPreset,
)
from flyte_dask.errors.call_site import CallSite
from flyte_dask.lazy import lazy
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup

if TYPE_CHECKING:
    from flyte_dask.catalog.preset import Preset
    from flyte_dask.config.merging import merge
    from flyte_dask.config.runtime import Runtime
    from flyte_dask.inheritance.parent import Parent
else:
    __getattr__ = lazy(
        __name__,
        {
            "Parent": "flyte_dask.inheritance.parent",
            "Preset": "flyte_dask.catalog.preset",
            "Runtime": "flyte_dask.config.runtime",
            "merge": "flyte_dask.config.merging",
        },
    )


# Warn if the official plugin is installed too, by the names of files that the import system cached:
# listing the folders again would be I/O at each import. Other threads may import meanwhile.
for _finder in tuple(sys.path_importer_cache.values()):
    if "flytekitplugins_dask-" in (_names := "/".join(getattr(_finder, "_path_cache", ()))):
        from flyte_dask import official_plugin

        official_plugin.warn(_names)

# flytekit loads its plugins on import; this one does not register before there can be a config.
if "flytekitplugins.dask.plugin" in sys.modules:
    sys.modules["flytekitplugins.dask.plugin"].register()

__all__ = [
    "AdviceIsFatal",
    "CallSite",
    "ConfigError",
    "Dask",
    "FlyteDaskError",
    "FrozenConfig",
    "InvalidConfig",
    "MergeConflict",
    "MissingExtra",
    "Origin",
    "Parent",
    "PolicyViolation",
    "Preset",
    "Problem",
    "Quantity",
    "Resources",
    "Runtime",
    "Scheduler",
    "ShadowedPreset",
    "UnknownPreset",
    "WorkerGroup",
    "merge",
    "presets",
]
