"""The job as flytekit models, like those of ``flytekitplugins-dask``, for code that uses them.

This plugin itself serializes with the generated classes.

(flytekit's base class has no annotations, so pyright infers that it returns None.)
"""

from __future__ import annotations

from typing import final

import attrs
from flyteidl.core import tasks_pb2
from flyteidl.plugins import dask_pb2
from flytekit.models.common import FlyteIdlEntity
from flytekit.models.task import Resources

__all__ = ["DaskJob", "Scheduler", "WorkerGroup"]


@final
@attrs.frozen(eq=False, repr=False, slots=False)
class Scheduler(FlyteIdlEntity):
    """The scheduler pod.

    Args:
        image: image reference; None is unset.
        resources: its requests and limits; None is unset.
    """

    image: str | None = None
    resources: Resources | None = None

    def to_flyte_idl(self) -> dask_pb2.DaskScheduler:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The official message."""
        return dask_pb2.DaskScheduler(image=self.image, resources=_message(self.resources))


@final
@attrs.frozen(eq=False, repr=False, slots=False)
class WorkerGroup(FlyteIdlEntity):
    """The worker pods, all alike.

    Args:
        number_of_workers: the number of workers, at least 1.
        image: image reference; None is unset.
        resources: requests and limits of each; None is unset.

    Raises:
        ValueError: if *number_of_workers* is below 1.
    """

    number_of_workers: int
    image: str | None = None
    resources: Resources | None = None

    def __attrs_post_init__(self) -> None:
        if self.number_of_workers < 1:
            raise ValueError(
                "Each worker group needs to have at least one worker, "
                f"but number_of_workers is {self.number_of_workers}: use 1 or more"
            )

    def to_flyte_idl(self) -> dask_pb2.DaskWorkerGroup:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The official message."""
        return dask_pb2.DaskWorkerGroup(
            number_of_workers=self.number_of_workers,
            image=self.image,
            resources=_message(self.resources),
        )


@final
@attrs.frozen(eq=False, repr=False, slots=False)
class DaskJob(FlyteIdlEntity):
    """The whole cluster.

    Args:
        scheduler: its scheduler.
        workers: its workers.
    """

    scheduler: Scheduler
    workers: WorkerGroup

    def to_flyte_idl(self) -> dask_pb2.DaskJob:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The official message."""
        return dask_pb2.DaskJob(
            scheduler=self.scheduler.to_flyte_idl(), workers=self.workers.to_flyte_idl()
        )


def _message(resources: Resources | None) -> tasks_pb2.Resources | None:
    return None if resources is None else resources.to_flyte_idl()
