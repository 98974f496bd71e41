"""What can go wrong between a task and its cluster: the kinds of failure.

An SDK retries by the class of an error. So the engine raises the classes of its `Host`, each of
which is a subclass of one of these.
"""

from __future__ import annotations

from flyte_dask.errors import FlyteDaskError

__all__ = [
    "ClusterFailure",
    "ClusterUnavailable",
    "MissingBokeh",
    "NoCluster",
    "SchedulerLost",
    "WorkersKilled",
    "WorkersLost",
    "WrongEnvironment",
]


class ClusterFailure(FlyteDaskError):
    """The cluster failed, not the task's code; Flyte retries, and the next attempt may succeed."""


class ClusterUnavailable(ClusterFailure):
    """The cluster did not come up in time."""


class SchedulerLost(ClusterFailure):
    """The scheduler is gone, or does not answer."""


class WorkersLost(ClusterFailure):
    """There is work, and for too long there was no worker that could do it."""


class WorkersKilled(ClusterFailure):
    """Workers died again and again over the same work."""


class NoCluster(FlyteDaskError, RuntimeError):
    """The task runs on Flyte, and Flyte started no Dask cluster for it."""


class WrongEnvironment(FlyteDaskError, RuntimeError):
    """The images of a task and of its cluster cannot work together."""


class MissingBokeh(FlyteDaskError, ModuleNotFoundError):
    """The dashboard is enabled, and bokeh, which draws it, is not installed."""
