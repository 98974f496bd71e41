"""The kinds of failure between a task and its cluster, as errors that Flyte 2 retries or not.

It retries whatever a task raises, except for a ``NonRecoverableError``.
"""

from __future__ import annotations

from flyte.errors import NonRecoverableError

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

ClusterFailure = kinds.ClusterFailure
ClusterUnavailable = kinds.ClusterUnavailable
SchedulerLost = kinds.SchedulerLost
WorkersKilled = kinds.WorkersKilled
WorkersLost = kinds.WorkersLost


class _NotRetried(NonRecoverableError):
    """The base of errors that another attempt would end in too."""

    def __init__(self, message: str) -> None:
        super().__init__(message, type(self).__name__)


class ClusterShutDown(_NotRetried, kinds.ClusterShutDown):
    """The function waits for its cluster, which it has shut down itself."""


class InvalidInput(_NotRetried, kinds.InvalidInput):
    """An input cannot be read as the Dask collection that its type says."""


class InvalidOutput(_NotRetried, kinds.InvalidOutput):
    """An output refers to what is in the cluster, which ends with it, or cannot be written."""


class MissingBokeh(_NotRetried, kinds.MissingBokeh):
    """The dashboard is enabled, but bokeh is not installed."""


class NoCluster(_NotRetried, kinds.NoCluster):
    """The task runs on Flyte, but Flyte started no Dask cluster for it."""


class NoValidWorker(_NotRetried, kinds.NoValidWorker):
    """No worker meets the restrictions of a Dask task, so that it can never run."""


class TooFewWorkers(_NotRetried, kinds.TooFewWorkers):
    """The function waits for more workers than its config has."""


class WrongEnvironment(_NotRetried, kinds.WrongEnvironment):
    """The images of the task and its cluster cannot work together."""


NOT_RETRIED: dict[type, type] = {
    kind: each for each in _NotRetried.__subclasses__() for kind in each.__bases__[1:]
}
"""The classes of this module for the engine's kinds of failure that are not retried."""
