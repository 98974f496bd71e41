"""The built-in presets: what they say, and why. What holds for all of them is in `presets`."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from flyte_dask.catalog.preset import Preset, define
from flyte_dask.config.dask import Dask
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["NAMES", "built_in"]


def _sized(workers: int, *, worker: Resources, scheduler: Resources, doc: str) -> tuple[Dask, str]:
    group = WorkerGroup(workers, None, worker, worker)
    return Dask(Scheduler(None, scheduler, scheduler), group), doc


# Each is made when it is first asked for.
_MAKERS: Final[dict[str, Callable[[], tuple[Dask, str]]]] = {
    "small": lambda: _sized(
        2,
        worker=Resources(cpu=1, mem="4Gi"),
        scheduler=Resources(cpu=1, mem="2Gi"),
        doc="For trying out, and data of a few GB. 2 workers of 1 CPU and 4Gi: three such pods fit "
        "on a node of 4 CPUs. In all 3 CPUs and 10Gi.",
    ),
    "medium": lambda: _sized(
        4,
        worker=Resources(cpu=2, mem="8Gi"),
        scheduler=Resources(cpu=1, mem="4Gi"),
        doc="For daily work on tens of GB. 4 workers of 2 CPUs and 8Gi: three such pods fit on a "
        "node of 8 CPUs. In all 9 CPUs and 36Gi.",
    ),
    "large": lambda: _sized(
        8,
        worker=Resources(cpu=4, mem="16Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For hundreds of GB. 8 workers of 4 CPUs and 16Gi: three such pods fit on a node of 16 "
        "CPUs. The scheduler has memory for graphs of some hundred thousand tasks. In all 34 "
        "CPUs and 136Gi.",
    ),
    "memory_heavy": lambda: _sized(
        4,
        worker=Resources(cpu=4, mem="32Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For joins, shuffles and sorts, which hold much of their data at once. 4 workers of 4 "
        "CPUs and 32Gi: few and large, so that less of the data has to move, and three such "
        "pods fit on a node of 16 CPUs and 128Gi. In all 18 CPUs and 136Gi.",
    ),
    "cpu_heavy": lambda: _sized(
        16,
        worker=Resources(cpu=2, mem="4Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For much computing on little data: simulations, searches, scoring. 16 workers of 2 "
        "CPUs and 4Gi: many and small, since a worker is one process, whose threads run Python "
        "code one at a time; six such pods fit on a node of 16 CPUs and 32Gi. In all 34 CPUs "
        "and 72Gi.",
    ),
    "gpu_heavy": lambda: _sized(
        2,
        worker=Resources(4, "24Gi", gpu=1),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For computing on GPUs. 2 workers of 1 GPU, 4 CPUs and 24Gi: one process for each GPU, "
        "and room beside it on a node of 8 CPUs and 32Gi. In all 10 CPUs, 56Gi and 2 GPUs. "
        "Flyte 1 takes node selectors and tolerations for GPUs from the task's own resources "
        "only: where GPU nodes are tainted, a pod template has to tolerate that. Flyte 2 asks "
        "for a resource named gpu, which Kubernetes should refuse: there say all that a worker "
        "needs on the task, and no resources of the workers.",
    ),
}


NAMES = tuple(_MAKERS)
"""Their names."""


@cache
def built_in(name: str) -> Preset:
    """The one of that name."""
    config, doc = _MAKERS[name]()
    return define(name, config, doc=doc)
