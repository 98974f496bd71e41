"""Typed, validated configuration for Dask clusters on Flyte; needs neither flytekit nor dask."""

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
from flyte_dask.startup import start

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

start()
