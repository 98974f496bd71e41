"""The exceptions of flyte-dask, the user's line that they name, and suggestions for typos."""

from flyte_dask.errors.call_site import CallSite
from flyte_dask.errors.errors import (
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
    raise_if_any,
    short,
)

__all__ = [
    "AdviceIsFatal",
    "CallSite",
    "ConfigError",
    "FlyteDaskError",
    "FrozenConfig",
    "InvalidConfig",
    "MergeConflict",
    "MissingExtra",
    "PolicyViolation",
    "Problem",
    "ShadowedPreset",
    "UnknownPreset",
    "raise_if_any",
    "short",
]
