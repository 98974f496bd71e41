"""Typed, checked configuration for Dask clusters on Flyte; needs neither flytekit nor dask."""

from flyte_dask import presets
from flyte_dask.callsite import CallSite
from flyte_dask.config import Dask, merge
from flyte_dask.errors import (
    ConfigError,
    FlyteDaskError,
    FrozenConfig,
    InvalidConfig,
    MergeConflict,
    Problem,
    ShadowedPreset,
    UnknownPreset,
)
from flyte_dask.origin import Origin
from flyte_dask.preset import Preset
from flyte_dask.quantity import Quantity
from flyte_dask.resources import Resources
from flyte_dask.roles import Scheduler, WorkerGroup

__all__ = [
    "CallSite",
    "ConfigError",
    "Dask",
    "FlyteDaskError",
    "FrozenConfig",
    "InvalidConfig",
    "MergeConflict",
    "Origin",
    "Preset",
    "Problem",
    "Quantity",
    "Resources",
    "Scheduler",
    "ShadowedPreset",
    "UnknownPreset",
    "WorkerGroup",
    "merge",
    "presets",
]
