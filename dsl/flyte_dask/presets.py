"""Named configurations of sensible sizes: ``@task(task_config=presets.medium(workers=5))``.

What holds for all of them:

- Whole CPUs, because Flyte makes a worker's CPU limit, rounded up, its number of threads.
- Request equals limit, so that a pod keeps what it was given and its memory limit is real.
- For each CPU of a worker the memory that the clouds' machines have for one: 4 GiB on those for
  general purposes, 8 on those for memory, 2 on those for computing. 6 GiB beside a GPU, whose data
  passes through it.
- A worker takes at most half of the CPUs of the node that it is meant for, since no pod can have
  all of them.
- A scheduler that can serve the workers: a CPU for its one thread, a second where workers are many
  or large, and memory for the graph.
- GPUs on workers only: the scheduler never computes.

Presets of one's own are made with `define`; those that installed packages publish are found with
`get`, and listed with `packs`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Final

from flyte_dask.config import Dask
from flyte_dask.config_class import checked_function
from flyte_dask.resources import Resources
from flyte_dask.roles import Scheduler, WorkerGroup

if TYPE_CHECKING:  # loaded when they are asked for: importing us must stay almost free
    from flyte_dask.packs import Pack
    from flyte_dask.preset import Preset, define

__all__ = [
    "Preset",
    "cpu_heavy",
    "define",
    "get",
    "gpu_heavy",
    "large",
    "medium",
    "memory_heavy",
    "packs",
    "small",
]

small: Preset
"""2 workers of 1 CPU and 4Gi; scheduler of 1 CPU and 2Gi. For trying out, and data of a few GB."""

medium: Preset
"""4 workers of 2 CPUs and 8Gi; scheduler of 1 CPU and 4Gi. For daily work on tens of GB."""

large: Preset
"""8 workers of 4 CPUs and 16Gi; scheduler of 2 CPUs and 8Gi. For hundreds of GB."""

memory_heavy: Preset
"""4 workers of 4 CPUs and 32Gi; scheduler of 2 CPUs and 8Gi. For joins, shuffles and sorts."""

cpu_heavy: Preset
"""16 workers of 2 CPUs and 4Gi; scheduler of 2 CPUs and 8Gi. For much computing on little data."""

gpu_heavy: Preset
"""2 workers of 1 GPU, 4 CPUs and 24Gi; scheduler of 2 CPUs and 8Gi. For computing on GPUs."""


def _sized(workers: int, *, worker: Resources, scheduler: Resources, doc: str) -> tuple[Dask, str]:
    group = WorkerGroup(workers, None, worker, worker)
    return Dask(Scheduler(None, scheduler, scheduler), group), doc


# Each is made when it is first asked for, because importing us must stay almost free.
_BUILT_IN: Final[dict[str, Callable[[], tuple[Dask, str]]]] = {
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
        "for a resource named gpu, which Kubernetes should refuse: there ask for the GPU on the"
        " task, not on the workers.",
    ),
}


@cache
def _built_in(name: str) -> Preset:
    from flyte_dask.preset import define  # noqa: PLC0415  # as above

    config, doc = _BUILT_IN[name]()
    return define(name, config, doc=doc)


def packs() -> tuple[Pack, ...]:
    """All presets that are known here, by where they come from: the built-in ones first."""
    from flyte_dask.packs import Pack, installed_packs  # noqa: PLC0415  # as above

    built_in = tuple(map(_built_in, _BUILT_IN))
    others = (pack.without(built_in) for pack in installed_packs())
    return (Pack("flyte-dask", presets=built_in), *others)


@checked_function("presets.get(...)")
def get(name: str, *, source: str | None = None) -> Preset:
    """The preset *name*, built in or published by an installed package.

    Args:
        name: as in ``medium`` or ``acme.etl``.
        source: the package whose preset is meant, such as ``acme-presets``; needed only where
            several have one of this name, so that none shadows another by accident.

    Raises:
        UnknownPreset: if there is none, with the nearest name that there is.
        ShadowedPreset: if there are several, and *source* does not say which.
    """
    from flyte_dask.packs import find  # noqa: PLC0415  # as above

    return find(name, packs(), source)


if not TYPE_CHECKING:  # type checkers shall know which names there are

    def __getattr__(name: str) -> object:
        if name in _BUILT_IN:
            return _built_in(name)
        if name in {"Preset", "define"}:
            from flyte_dask import preset  # noqa: PLC0415  # as above

            return getattr(preset, name)
        if name.startswith("__"):  # Python looks for such, at each import from here
            raise AttributeError(name)
        from flyte_dask.misuse import refuse_preset  # noqa: PLC0415  # for errors only

        return refuse_preset(name, __all__)

    def __dir__() -> list[str]:
        return __all__
