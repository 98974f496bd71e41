"""The resources that a scheduler and a worker need."""

from __future__ import annotations

from math import ceil, floor

from flyte_dask.advice.job import Job
from flyte_dask.quantities.quantity import Quantity

__all__ = [
    "CPU_OF_SCHEDULER",
    "GIB",
    "MIB",
    "WITHOUT_SIDECARS",
    "bytes_for_scheduler",
    "needed_by_scheduler",
    "threads_within",
    "whole_cpus",
]

WITHOUT_SIDECARS = "run what needs the sidecar in a separate task without a cluster"
"""The remedy for sidecars, which Flyte cannot restrict to some pods of a cluster."""

MIB, GIB = 2**20, 2**30
CPU_OF_SCHEDULER = Quantity("1")
"""All that a scheduler can use, which has one thread."""
_FEW_THREADS = 16  # for which a fraction of a CPU is enough

# Measured with distributed 2026.8: a scheduler with its dashboard uses 80Mi, 175Mi after receiving
# a graph of dataframes, and 2.7 kB per task. A graph has about a thousand tasks per worker thread.
_SCHEDULER_ITSELF = 256 * MIB
_SCHEDULER_FOR_THREAD = 3 * MIB
_MOST_SENSIBLE = 64 * GIB  # above which the scheduler is not the problem


def bytes_for_scheduler(job: Job) -> int:
    """The bytes of memory that the scheduler and its graphs need."""
    return _SCHEDULER_ITSELF + _SCHEDULER_FOR_THREAD * job.all_threads


def threads_within(memory: Quantity) -> int:
    """The number of worker threads that a scheduler with *memory* can serve."""
    return max(int(memory.value - _SCHEDULER_ITSELF) // _SCHEDULER_FOR_THREAD, 0)


def needed_by_scheduler(job: Job) -> dict[str, Quantity]:
    """The minimum of a scheduler, for the dimensions where raising it would help."""
    needed, most = {}, job.platform.allowed
    if job.all_threads > _FEW_THREADS and most.get("cpu", CPU_OF_SCHEDULER) >= CPU_OF_SCHEDULER:
        needed["cpu"] = CPU_OF_SCHEDULER
    if (memory := bytes_for_scheduler(job)) <= _MOST_SENSIBLE:
        needed["mem"] = Quantity(f"{ceil(memory / GIB)}Gi")
    return needed


def whole_cpus(job: Job, amount: Quantity) -> Quantity | None:
    """*amount* rounded up, within the platform's limit; None if that is below one CPU."""
    most = job.platform.allowed.get("cpu")
    whole = ceil(amount.value)
    if most is not None:
        whole = min(whole, floor(most.value))
    return Quantity(str(whole)) if whole else None
