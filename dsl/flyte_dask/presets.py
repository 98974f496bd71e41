"""Named configurations of sensible sizes: ``@task(task_config=presets.medium(workers=5))``.

What holds for all of them:

- Whole CPUs, because Flyte makes a worker's CPU limit, rounded up, its number of threads.
- Request equals limit, so that a pod keeps what it was given and its memory limit is real.
- 4 GiB of memory for each CPU of a worker, the shape of the clouds' general-purpose machines;
  6 GiB beside a GPU, whose data passes through it.
- A worker takes at most half of the CPUs of the node that it is meant for, since no pod can have
  all of them.
- A scheduler that can serve the workers: a CPU for its one thread, and memory for the graph.
- GPUs on workers only: the scheduler never computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, final

import attrs

from flyte_dask.arguments import ConfigType, checked_call
from flyte_dask.config import Dask, Scheduler, WorkerGroup, role_problems
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.images import image_problems
from flyte_dask.resources import Resources

__all__ = ["Preset", "gpu_heavy", "large", "medium", "small"]


@final
@attrs.frozen
class Preset(metaclass=ConfigType):
    """A configuration with a name; call it to get a `Dask` config, with changes if you like.

    Args:
        name: what people call it.
        config: what a call without arguments returns.
        doc: what it is for, and why its numbers.

    Raises:
        InvalidConfig: if *name* is empty, or *config* is no `Dask`.
    """

    name: str
    config: Dask
    doc: str = ""

    def __attrs_post_init__(self) -> None:
        raise_if_any("Preset(...)", _problems(self.name, self.config, self.doc))

    @checked_call("{self.name}(...)")
    def __call__(
        self,
        workers: int | WorkerGroup | None = None,
        *,
        scheduler: Scheduler | None = None,
        image: str | None = None,
    ) -> Dask:
        """The preset's config, with all that is said here in its place.

        Args:
            workers: how many, or a group whose said values replace the preset's.
            scheduler: a scheduler whose said values replace the preset's.
            image: image reference for both roles; an image of the role itself goes first.

        Raises:
            InvalidConfig: with every problem of the call.
        """
        problems = [*role_problems(scheduler, workers), *image_problems("image", image)]
        raise_if_any(f"{self.name}(...)", problems)
        config = self.config
        if image is not None:
            config |= Dask(Scheduler(image), WorkerGroup(image=image))
        return config | Dask(scheduler, workers)


def _problems(name: object, config: object, doc: object) -> Iterator[Problem]:
    if not isinstance(name, str) or not name.strip():
        yield Problem("name", name, "is no name", "write a text such as 'acme.etl'")
    if not isinstance(config, Dask):
        yield Problem("config", config, "is no Dask", "write Dask(...), or call a preset")
    if not isinstance(doc, str):
        yield Problem("doc", doc, "is no text", "say what the preset is for, or leave it out")


def _config(workers: int, worker: Resources, scheduler: Resources) -> Dask:
    return Dask(Scheduler(None, scheduler, scheduler), WorkerGroup(workers, None, worker, worker))


small: Final = Preset(
    "small",
    _config(2, worker=Resources(cpu=1, mem="4Gi"), scheduler=Resources(cpu=1, mem="2Gi")),
    "For trying out, and data of a few GB. 2 workers of 1 CPU and 4Gi: three such pods fit on a "
    "node of 4 CPUs. In all 3 CPUs and 10Gi.",
)
"""2 workers of 1 CPU and 4Gi; scheduler of 1 CPU and 2Gi. For trying out, and data of a few GB."""

medium: Final = Preset(
    "medium",
    _config(4, worker=Resources(cpu=2, mem="8Gi"), scheduler=Resources(cpu=1, mem="4Gi")),
    "For daily work on tens of GB. 4 workers of 2 CPUs and 8Gi: three such pods fit on a node of 8 "
    "CPUs. In all 9 CPUs and 36Gi.",
)
"""4 workers of 2 CPUs and 8Gi; scheduler of 1 CPU and 4Gi. For daily work on tens of GB."""

large: Final = Preset(
    "large",
    _config(8, worker=Resources(cpu=4, mem="16Gi"), scheduler=Resources(cpu=2, mem="8Gi")),
    "For hundreds of GB. 8 workers of 4 CPUs and 16Gi: three such pods fit on a node of 16 CPUs. "
    "The scheduler has memory for graphs of some hundred thousand tasks. In all 34 CPUs and 136Gi.",
)
"""8 workers of 4 CPUs and 16Gi; scheduler of 2 CPUs and 8Gi. For hundreds of GB."""

gpu_heavy: Final = Preset(
    "gpu_heavy",
    _config(2, worker=Resources(cpu=4, mem="24Gi", gpu=1), scheduler=Resources(2, "8Gi")),
    "For computing on GPUs. 2 workers of 1 GPU, 4 CPUs and 24Gi: one process for each GPU, and "
    "room beside it on a node of 8 CPUs and 32Gi. In all 10 CPUs, 56Gi and 2 GPUs. Flyte 1 takes "
    "node selectors and tolerations for GPUs from the task's own resources only: where GPU nodes "
    "are tainted, a pod template has to tolerate that. Flyte 2 asks for a resource named gpu, "
    "which Kubernetes should refuse: there ask for the GPU on the task, not on the workers.",
)
"""2 workers of 1 GPU, 4 CPUs and 24Gi; scheduler of 2 CPUs and 8Gi. For computing on GPUs."""
