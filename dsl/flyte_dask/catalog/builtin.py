"""The built-in presets and the reasons for their sizes; `presets` has the common rules."""

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


# Each is created on first use.
_MAKERS: Final[dict[str, Callable[[], tuple[Dask, str]]]] = {
    "small": lambda: _sized(
        2,
        worker=Resources(cpu=1, mem="4Gi"),
        scheduler=Resources(cpu=1, mem="2Gi"),
        doc="For experiments and data of a few GB. 2 workers of 1 CPU and 4Gi: three such pods fit "
        "on a node of 4 CPUs. Total: 3 CPUs and 10Gi.",
    ),
    "medium": lambda: _sized(
        4,
        worker=Resources(cpu=2, mem="8Gi"),
        scheduler=Resources(cpu=1, mem="4Gi"),
        doc="For daily work on tens of GB. 4 workers of 2 CPUs and 8Gi: three such pods fit on a "
        "node of 8 CPUs. Total: 9 CPUs and 36Gi.",
    ),
    "large": lambda: _sized(
        8,
        worker=Resources(cpu=4, mem="16Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For hundreds of GB. 8 workers of 4 CPUs and 16Gi: three such pods fit on a node of 16 "
        "CPUs. The scheduler has memory for graphs of some hundred thousand tasks. Total: 34 "
        "CPUs and 136Gi.",
    ),
    "memory_heavy": lambda: _sized(
        4,
        worker=Resources(cpu=4, mem="32Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For joins, shuffles and sorts, which hold much of their data at once. 4 workers of 4 "
        "CPUs and 32Gi: few and large, so that less of the data has to move, and three such "
        "pods fit on a node of 16 CPUs and 128Gi. Total: 18 CPUs and 136Gi.",
    ),
    "cpu_heavy": lambda: _sized(
        16,
        worker=Resources(cpu=2, mem="4Gi"),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For heavy computing on little data: simulations, searches, scoring. 16 workers of 2 "
        "CPUs and 4Gi: many and small, since a worker is one process, whose threads run Python "
        "code one at a time; six such pods fit on a node of 16 CPUs and 32Gi. Total: 34 CPUs "
        "and 72Gi.",
    ),
    "gpu_heavy": lambda: _sized(
        2,
        worker=Resources(4, "24Gi", gpu=1),
        scheduler=Resources(cpu=2, mem="8Gi"),
        doc="For computing on GPUs. 2 workers of 1 GPU, 4 CPUs and 24Gi: one process for each GPU, "
        "with room for other pods on a node of 8 CPUs and 32Gi. Total: 10 CPUs, 56Gi and 2 GPUs. "
        "Flyte 1 derives node selectors and tolerations for GPUs only from the task's own "
        "resources: if GPU nodes are tainted, the pod template needs the toleration. Flyte 2 "
        "requests a resource named gpu, which Kubernetes should reject: there set the resources "
        "of a worker on the task, and none on the workers.",
    ),
}


NAMES = tuple(_MAKERS)
"""The names of the built-in presets."""


@cache
def built_in(name: str) -> Preset:
    """The built-in preset *name*."""
    config, doc = _MAKERS[name]()
    return define(name, config, doc=doc)
