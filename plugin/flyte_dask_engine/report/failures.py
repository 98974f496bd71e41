"""Why a task failed, in one word: what another size could change, and what it could not."""

from __future__ import annotations

from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterUnavailable,
    NoCluster,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.foreign_errors import chain_of, is_a, is_of_full_disk
from flyte_dask_engine.monitor.snapshot import NEARLY, Death, Snapshot

__all__ = ["reason_of"]

_OF_CLUSTER = (ClusterFailure, NoCluster, WrongEnvironment)
_OF_WORKERS = (WorkersKilled, WorkersLost)


def reason_of(error: BaseException, last: Snapshot | None) -> str:
    """``memory``, ``disk``, ``timeout``, ``cluster`` or ``user``.

    Args:
        error: what the task raised.
        last: the last known state of its cluster.
    """
    chain = [*chain_of(error, with_contexts=True)]
    is_of_workers = is_a(error, _OF_WORKERS)
    if any(map(is_of_full_disk, chain)) or (is_of_workers and last and last.disks):
        return "disk"
    if any(is_a(each, MemoryError) for each in chain) or (is_of_workers and _lacked_memory(last)):
        return "memory"
    if is_a(error, ClusterUnavailable):
        return "timeout"
    return "cluster" if is_a(error, _OF_CLUSTER) else "user"


def _lacked_memory(last: Snapshot | None) -> bool:
    """Whether workers died for lack of memory, or accept no tasks, as paused ones."""
    if last is None:
        return False
    is_paused = last.workers > 0 and last.able == 0
    return is_paused or any(map(_is_by_memory, last.deaths))


def _is_by_memory(death: Death) -> bool:
    """Whether memory is the known or, as where Linux itself ends a process, the probable cause."""
    is_killed = death.is_unexplained or death.signal == "SIGKILL"
    return death.is_by_memory or (is_killed and death.memory > NEARLY * death.limit > 0)
