"""What can go wrong between a task and its cluster, and what it means for a retry."""

from __future__ import annotations

from flytekit.exceptions.user import FlyteRecoverableException

from flyte_dask.errors import FlyteDaskError

__all__ = ["ClusterUnavailable", "MissingBokeh", "NoCluster", "WrongEnvironment"]


class NoCluster(FlyteDaskError, RuntimeError):
    """The task runs on Flyte, and Flyte started no Dask cluster for it."""


class ClusterUnavailable(FlyteDaskError, FlyteRecoverableException):
    """The cluster did not come up in time; Flyte retries, and the next one may."""


class WrongEnvironment(FlyteDaskError, RuntimeError):
    """The images of a task and of its cluster cannot work together."""


class MissingBokeh(FlyteDaskError, ModuleNotFoundError):
    """The dashboard is asked for, and bokeh, which draws it, is not installed."""
