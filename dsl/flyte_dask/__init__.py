"""Typed, checked configuration for Dask clusters on Flyte; needs neither flytekit nor dask."""

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from flyte_dask import presets
from flyte_dask.callsite import CallSite
from flyte_dask.config import Dask
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
from flyte_dask.origin import Origin
from flyte_dask.quantity import Quantity
from flyte_dask.resources import Resources
from flyte_dask.roles import Scheduler, WorkerGroup

if TYPE_CHECKING:
    from flyte_dask.merging import merge
    from flyte_dask.parent import Parent
    from flyte_dask.preset import Preset
    from flyte_dask.runtime import Runtime
else:
    _LAZY = {
        "Parent": "flyte_dask.parent",
        "Preset": "flyte_dask.preset",
        "Runtime": "flyte_dask.runtime",
        "merge": "flyte_dask.merging",
    }

    def __getattr__(name):
        """What is loaded when it is first asked for: importing us must stay almost free."""
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(_LAZY[name]), name)


# Whether the incumbent is installed beside us, by what the import system knows of the folders that
# it has looked into: to list them again would be I/O at each import. Other threads may import too.
for _finder in tuple(sys.path_importer_cache.values()):
    if "flytekitplugins_dask-" in (_names := "/".join(getattr(_finder, "_path_cache", ()))):
        from flyte_dask import incumbent

        incumbent.warn(_names)

# flytekit loads its plugins when it is imported: ours waits there until somebody may have a config.
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
