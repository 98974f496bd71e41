"""The kinds of failure between a task and its cluster, as errors that flytekit retries or not."""

from __future__ import annotations

from flytekit.exceptions.user import FlyteRecoverableException

from flyte_dask.errors import clipped
from flyte_dask_engine import errors as kinds

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

ClusterShutDown = kinds.ClusterShutDown
InvalidInput = kinds.InvalidInput
InvalidOutput = kinds.InvalidOutput
MissingBokeh = kinds.MissingBokeh
NoCluster = kinds.NoCluster
NoValidWorker = kinds.NoValidWorker
TooFewWorkers = kinds.TooFewWorkers
WrongEnvironment = kinds.WrongEnvironment


class ClusterFailure(kinds.ClusterFailure, FlyteRecoverableException):
    """The cluster failed, not the task's code; Flyte retries it while attempts are left."""

    def __str__(self) -> str:
        """The message without flytekit's text around it, which repeats the cause."""
        return clipped(str(self.args[0]))


class ClusterUnavailable(kinds.ClusterUnavailable, ClusterFailure):
    """The cluster did not come up in time."""


class SchedulerLost(kinds.SchedulerLost, ClusterFailure):
    """The scheduler is gone or does not respond."""


class WorkersLost(kinds.WorkersLost, ClusterFailure):
    """Tasks waited too long without a worker that could run them."""


class WorkersKilled(kinds.WorkersKilled, ClusterFailure):
    """A Dask task killed several workers."""
