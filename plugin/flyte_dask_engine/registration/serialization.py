"""Serialization of a resolved config as a task template's ``custom``, by the generated classes.

betterproto drops a submessage that was not passed, and validates nothing: so every field is passed,
and configs are validated before. It is slow too: so the JSON form is assembled from cached parts,
with numbers and strings filled in, which are the same in JSON. Messages are never modified.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple, TypeAlias

from flyte_dask.config.dask import Dask
from flyte_dask.config.template_io import RESOURCE_NAMES
from flyte_dask.errors import short
from flyte_dask.inheritance.resolution import Resolved, ResolvedRole
from flyte_dask_idl import (
    DaskJob,
    DaskScheduler,
    DaskWorkerGroup,
    Resources,
    ResourcesResourceEntry,
    ResourcesResourceName,
)

__all__ = ["Custom", "copied", "custom", "dask_job"]

Custom: TypeAlias = dict[str, Any]
"""A template's ``custom``."""

_Amounts: TypeAlias = tuple[tuple[str, str], ...]
"""Dimension and quantity of each amount of a side."""


class _Role(NamedTuple):
    """A role on the wire, as text: equal amounts in two spellings differ."""

    image: str
    requests: _Amounts = ()
    limits: _Amounts = ()


def custom(config: Dask, resolved: Resolved) -> Custom:
    """The JSON form of the message; a new dict with each call."""
    scheduler, (number, workers) = _roles(config, resolved)
    return {
        "scheduler": {**_bare_scheduler_json(scheduler.image), **_resources_json(scheduler)},
        "workers": {
            **_bare_workers_json(workers.image),
            "numberOfWorkers": number,  # never 0, which would be omitted
            **_resources_json(workers),
        },
    }


def copied(custom: Custom, number: int) -> Custom:
    """A deep copy of *custom*, for *number* workers; faster than `copy.deepcopy`."""
    scheduler, workers = _copied(custom["scheduler"]), _copied(custom["workers"])
    workers["numberOfWorkers"] = number
    return {"scheduler": scheduler, "workers": workers}


def _copied(role: dict[str, Any]) -> dict[str, Any]:
    resources = role["resources"]
    copies = {side: [entry.copy() for entry in resources[side]] for side in resources}
    return {**role, "resources": copies}


def dask_job(config: Dask, resolved: Resolved) -> DaskJob:
    """The message: images and number of workers of *config*, resources of *resolved*."""
    scheduler, (number, workers) = _roles(config, resolved)
    return DaskJob(scheduler=_scheduler(scheduler), workers=_workers(number, workers))


def _roles(config: Dask, resolved: Resolved) -> tuple[_Role, tuple[int, _Role]]:
    number = config.workers.number_of_workers
    return (
        _role(config.scheduler.image, resolved.scheduler),
        (number, _role(config.workers.image, resolved.workers)),
    )


def _role(image: object, resolved: ResolvedRole) -> _Role:
    emitted = resolved.emitted.items()
    requests = tuple((name, request.text) for name, (request, _) in emitted if request)
    limits = tuple((name, limit.text) for name, (_, limit) in emitted if limit)
    if not isinstance(image, (str, NoneType)):
        raise TypeError(f"{short(image)} is not built yet and cannot be serialized")
    return _Role(image or "", requests, limits)


def _scheduler(role: _Role) -> DaskScheduler:
    return DaskScheduler(image=role.image, resources=_resources(role))


def _workers(number: int, role: _Role) -> DaskWorkerGroup:
    return DaskWorkerGroup(number_of_workers=number, image=role.image, resources=_resources(role))


def _resources(role: _Role) -> Resources:
    return Resources(
        requests=[_entry(*amount) for amount in role.requests],
        limits=[_entry(*amount) for amount in role.limits],
    )


def _entry(dimension: str, quantity: str) -> ResourcesResourceEntry:
    name = ResourcesResourceName.from_string(RESOURCE_NAMES[dimension])
    return ResourcesResourceEntry(name=name, value=quantity)


def _resources_json(role: _Role) -> dict[str, Any]:
    sides = {"requests": role.requests, "limits": role.limits}
    resources = {
        side: [{**_bare_entry_json(name), "value": quantity} for name, quantity in amounts]
        for side, amounts in sides.items()
        if amounts
    }
    return {"resources": resources}


@lru_cache(maxsize=1024)
def _bare_scheduler_json(image: str) -> Mapping[str, Any]:
    return _scheduler(_Role(image)).to_dict()


@lru_cache(maxsize=1024)
def _bare_workers_json(image: str) -> Mapping[str, Any]:
    return _workers(1, _Role(image)).to_dict()


@lru_cache(maxsize=len(RESOURCE_NAMES))
def _bare_entry_json(dimension: str) -> Mapping[str, Any]:
    return _entry(dimension, "").to_dict()
