# Written by `python -m codegen` (`just codegen`). Do not edit.
# Versions: flyteidl 1.16.8, betterproto 2.0.0b7
# Descriptors: sha256 6b4f7c8783d6909b309dbcd70d100f9d6e2faa4f0f1971534667c47e6aab29e3
"""Flyte's messages for a Dask job, as betterproto classes."""

from .core import Resources, ResourcesResourceEntry, ResourcesResourceName
from .plugins import DaskJob, DaskScheduler, DaskWorkerGroup

__all__ = [
    "DaskJob",
    "DaskScheduler",
    "DaskWorkerGroup",
    "Resources",
    "ResourcesResourceEntry",
    "ResourcesResourceName",
]
