"""Typed, checked configuration for Dask clusters on Flyte; needs neither flytekit nor dask."""

from flyte_dask import presets
from flyte_dask.config import Dask, Scheduler, WorkerGroup
from flyte_dask.errors import FlyteDaskError, InvalidConfig, Problem
from flyte_dask.presets import Preset
from flyte_dask.quantity import Quantity
from flyte_dask.resources import Resources

__all__ = [
    "Dask",
    "FlyteDaskError",
    "InvalidConfig",
    "Preset",
    "Problem",
    "Quantity",
    "Resources",
    "Scheduler",
    "WorkerGroup",
    "presets",
]
