"""Attributes the errors of a function: to itself, to its cluster, or to something else."""

from flyte_dask_engine.attribution.error_mapping import mapping_errors
from flyte_dask_engine.attribution.hints import hinting

__all__ = ["hinting", "mapping_errors"]
