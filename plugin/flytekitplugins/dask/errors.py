"""What can go wrong between a task and its cluster, and what it means for a retry by flytekit."""

from __future__ import annotations

from flytekit.exceptions.user import FlyteRecoverableException

from flyte_dask_engine import errors as kinds

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

MissingBokeh = kinds.MissingBokeh
NoCluster = kinds.NoCluster
WrongEnvironment = kinds.WrongEnvironment


class ClusterFailure(kinds.ClusterFailure, FlyteRecoverableException):
    """The cluster failed, not the task's code; Flyte retries, and the next attempt may succeed."""

    def __str__(self) -> str:
        """Without what flytekit puts around it, which names the cause a second time."""
        return str(self.args[0])


class ClusterUnavailable(kinds.ClusterUnavailable, ClusterFailure):
    """The cluster did not come up in time."""


class SchedulerLost(kinds.SchedulerLost, ClusterFailure):
    """The scheduler is gone, or does not answer."""


class WorkersLost(kinds.WorkersLost, ClusterFailure):
    """There is work, and for too long there was no worker that could do it."""


class WorkersKilled(kinds.WorkersKilled, ClusterFailure):
    """Workers died again and again over the same work."""
