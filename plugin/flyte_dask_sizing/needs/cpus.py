"""The CPUs that each worker needs, by the CPU time of its tasks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple, final

from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.usual import usual_cpus
from flyte_dask.roles.origin import Pair
from flyte_dask_records import Record
from flyte_dask_sizing.size import cpu_of, same, work_of

__all__ = ["HEADROOM", "Cpus", "worker_cpus"]

HEADROOM = 1.25
"""The factor from the average use of CPUs to a request."""

_WAITS = 0.5  # CPUs per busy thread, below which a request of fewer CPUs than threads is enough
_SEVERAL = 1.25  # CPUs per busy thread, above which tasks use several
_MOST = 2.0  # factor to the present number of CPUs, for one step
_START, _IDLE = 2.0, 0.05  # CPU seconds of a worker for its start, and per second without tasks
_MIN_COMPUTED = 1.0  # thread seconds, below which the CPU time says nothing of tasks


@final
class Cpus(NamedTuple):
    """Request and limit of CPUs, and why."""

    pair: Pair
    why: str


def _cpu_share(runs: Sequence[Record], *, of_tasks: bool = False) -> float | None:
    """The CPUs that each busy thread used, in the median of *runs*; None if it is unknown.

    Args:
        runs: the runs that count.
        of_tasks: whether to leave out what a worker needs itself, as far as that can be told.
    """
    shares = []
    for run in runs:
        own = sum(_START + _IDLE * each.uptime for each in run.workers) if of_tasks else 0.0
        if work_of(run) >= _MIN_COMPUTED:
            shares.append(max(cpu_of(run) - own, 0.0) / work_of(run))
    return median(shares) if shares else None


def worker_cpus(runs: Sequence[Record], present: Pair) -> Cpus:
    """The CPUs of each worker, which are its threads too, starting from the *present* ones."""
    _, limit = present
    share, of_tasks = _cpu_share(runs), _cpu_share(runs, of_tasks=True)
    if limit is None or share is None or of_tasks is None:
        return Cpus(present, "kept, since the CPU time of tasks is not known")
    threads = max(math.ceil(limit.value), 1)
    used = f"a busy thread used {share:.2g} CPUs"
    if of_tasks > _SEVERAL:
        more = usual_cpus(min(threads * of_tasks, _MOST * threads))
        return Cpus(same(more), f"{used}: tasks use several CPUs each")
    whole = usual_cpus(threads)
    request = Quantity(usual_cpus(threads * share * HEADROOM))
    if share < _WAITS and request < Quantity(whole):
        why = (
            f"{used}: tasks wait, or run Python code one at a time, so that {threads} threads "
            f"need {request} CPUs"
        )
        return Cpus((request, Quantity(whole)), why)
    return Cpus(same(whole), used)
