"""The kinds of failure between a task and its cluster.

An SDK decides by an error's class whether to retry, so the engine raises the classes of its `Host`,
which are subclasses of these.
"""

from __future__ import annotations

from flyte_dask.errors import FlyteDaskError

__all__ = [
    "ClusterFailure",
    "ClusterShutDown",
    "ClusterUnavailable",
    "InvalidInput",
    "InvalidOutput",
    "MissingBokeh",
    "NoCluster",
    "NoValidWorker",
    "SchedulerLost",
    "TooFewWorkers",
    "WorkersKilled",
    "WorkersLost",
    "WrongEnvironment",
]


class ClusterFailure(FlyteDaskError):
    """The cluster failed, not the task's code; Flyte retries it while attempts are left."""


class ClusterUnavailable(ClusterFailure):
    """The cluster did not come up in time."""


class SchedulerLost(ClusterFailure):
    """The scheduler is gone or does not respond."""


class WorkersLost(ClusterFailure):
    """Tasks waited too long without a worker that could run them."""


class WorkersKilled(ClusterFailure):
    """A Dask task killed several workers."""


class NoCluster(FlyteDaskError, RuntimeError):
    """The task runs on Flyte, but Flyte started no Dask cluster for it."""


class NoValidWorker(FlyteDaskError, RuntimeError):
    """No worker meets the restrictions of a Dask task, so that it can never run."""


class TooFewWorkers(FlyteDaskError, ValueError):
    """The function waits for more workers than its config has."""


class ClusterShutDown(FlyteDaskError, RuntimeError):
    """The function waits for its cluster, which it has shut down itself."""


class WrongEnvironment(FlyteDaskError, RuntimeError):
    """The images of the task and its cluster cannot work together."""


class InvalidInput(FlyteDaskError, ValueError):
    """An input cannot be read as the Dask collection that its type says."""


class InvalidOutput(FlyteDaskError, ValueError):
    """An output refers to what is in the cluster, which ends with it, or cannot be written."""


class MissingBokeh(FlyteDaskError, ModuleNotFoundError):
    """The dashboard is enabled, but bokeh is not installed."""
