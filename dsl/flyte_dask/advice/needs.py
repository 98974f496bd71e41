"""How much a scheduler and a worker need, to work well."""

from __future__ import annotations

from math import ceil, floor

from flyte_dask.advice.job import Job
from flyte_dask.quantities.quantity import Quantity

__all__ = [
    "GIB",
    "MIB",
    "bytes_for_scheduler",
    "needed_by_scheduler",
    "threads_within",
    "whole_cpus",
]

MIB, GIB = 2**20, 2**30
_ONE = Quantity("1")
_FEW_THREADS = 16  # for which part of a CPU is enough

# Measured with distributed 2026.8: a scheduler with its dashboard takes 80Mi, 175Mi once it has
# read a graph of dataframes, and 2.7 kB for each task that it knows. A graph has some thousand
# tasks for each thread that works at it.
_SCHEDULER_ITSELF = 256 * MIB
_SCHEDULER_FOR_THREAD = 3 * MIB
_MOST_SENSIBLE = 64 * GIB  # beyond which it is not the scheduler that is wrong


def bytes_for_scheduler(job: Job) -> int:
    """The memory that it and its graphs take."""
    return _SCHEDULER_ITSELF + _SCHEDULER_FOR_THREAD * job.all_threads


def threads_within(memory: Quantity) -> int:
    """For how many threads of workers a scheduler with that much memory is enough."""
    return max(int(memory.value - _SCHEDULER_ITSELF) // _SCHEDULER_FOR_THREAD, 0)


def needed_by_scheduler(job: Job) -> dict[str, Quantity]:
    """What a scheduler needs at least, as far as it would help to give it that."""
    needed, most = {}, job.platform.allowed
    if job.all_threads > _FEW_THREADS and most.get("cpu", _ONE) >= _ONE:
        needed["cpu"] = _ONE
    if (memory := bytes_for_scheduler(job)) <= _MOST_SENSIBLE:
        needed["mem"] = Quantity(f"{ceil(memory / GIB)}Gi")
    return needed


def whole_cpus(job: Job, amount: Quantity) -> Quantity | None:
    """*amount* rounded up; or down, if the platform allows no more; None if not even one."""
    most = job.platform.allowed.get("cpu")
    whole = ceil(amount.value)
    if most is not None:
        whole = min(whole, floor(most.value))
    return Quantity(str(whole)) if whole else None
