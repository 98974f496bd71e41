"""A config on the wire: a task template's ``custom``, through the generated ``DaskJob`` classes.

betterproto drops a submessage that was not passed, and checks nothing: so every field is passed,
and what comes in is a config, which was checked when it was made.
"""

from __future__ import annotations

from typing import Any

from flyte_dask.config import Dask
from flyte_dask.resources import Resources, amounts
from flyte_dask.roles import Scheduler, WorkerGroup
from flyte_dask_idl import (
    DaskJob,
    DaskScheduler,
    DaskWorkerGroup,
    ResourcesResourceEntry,
    ResourcesResourceName,
)
from flyte_dask_idl import Resources as WireResources

__all__ = ["custom", "dask_job"]

_NAMES = {
    "cpu": "CPU",
    "mem": "MEMORY",
    "gpu": "GPU",
    "ephemeral_storage": "EPHEMERAL_STORAGE",
}


def custom(config: Dask) -> dict[str, Any]:
    """The JSON form of *config*'s message, a new one with each call."""
    return dask_job(config).to_dict()


def dask_job(config: Dask) -> DaskJob:
    """The message that says what *config* says."""
    scheduler, workers = config.scheduler, config.workers
    return DaskJob(
        scheduler=DaskScheduler(image=scheduler.image or "", resources=_resources(scheduler)),
        workers=DaskWorkerGroup(
            number_of_workers=workers.number_of_workers,
            image=workers.image or "",
            resources=_resources(workers),
        ),
    )


def _resources(role: Scheduler | WorkerGroup) -> WireResources:
    return WireResources(requests=_entries(role.requests), limits=_entries(role.limits))


def _entries(side: Resources | None) -> list[ResourcesResourceEntry]:
    return [
        ResourcesResourceEntry(
            name=ResourcesResourceName.from_string(_NAMES[dimension]), value=amount.text
        )
        for dimension, amount in amounts(side).items()
    ]
