"""What flyte-dask raises, the user's line that it names, and what it suggests."""

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
    clipped,
    raise_if_any,
    short,
)
from flyte_dask.errors.rejected_changes import reject_change

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
    "clipped",
    "raise_if_any",
    "reject_change",
    "short",
]
