"""The resources and other properties of a Flyte 2 task, from which its roles inherit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeAlias

import attrs
import flyte
from flyte.models import SerializationContext

from flyte_dask.inheritance.parent import Parent
from flyte_dask.roles.base import with_values
from flyte_dask.roles.image import image_problems
from flyte_dask_engine.registration.pod_template import (
    POD_TEMPLATE,
    fields_of_parent,
    names_of_environment,
    primary_amounts,
    primary_container,
)
from flyte_dask_engine.registration.requested import Amounts, RequestedResources
from flyteplugins.flyte_dask.flyte_internals import accelerator_of
from flyteplugins.flyte_dask.packages import packages_of

__all__ = ["Task", "described", "description_key", "requested_by"]

Task: TypeAlias = flyte.AsyncFunctionTaskTemplate[Any, Any, Any]

_BY = "@env.task"


def requested_by(task: Task) -> RequestedResources:
    """The resources that *task*'s container will request.

    These are those of its environment or override, per resource, and those of the primary container
    in its pod template.
    """
    requests, limits = amounts_of(task.resources)
    template = _pod_template(task)
    if template is None:
        return RequestedResources(_BY, requests, limits)
    of_pod = primary_amounts(template)
    by = _BY if requests or limits else POD_TEMPLATE
    return RequestedResources(by, {**of_pod[0], **requests}, {**of_pod[1], **limits})


def amounts_of(resources: flyte.Resources | None) -> tuple[Amounts, Amounts]:
    """The requests and limits of the SDK's resources: a scalar is a request only, a pair both."""
    requests, limits = Amounts(), Amounts()
    if resources is None:
        return requests, limits
    device = resources.get_device()
    values = {
        "cpu": resources.cpu,
        "mem": resources.memory,
        "gpu": None if device is None else device.quantity,
        "ephemeral_storage": resources.disk,
    }
    for name, value in values.items():
        if isinstance(value, tuple):
            requests[name], limits[name] = value
        elif value is not None:
            requests[name] = value
    return requests, limits


def described(parent: Parent, task: Task, settings: SerializationContext | None) -> Parent:
    """*parent* with all else that is known of *task*; of its environment only the names."""
    of_task = with_values(
        parent,
        image=image_of(task, settings),
        packages=packages_of(task.image),
        interruptible=task.interruptible,
        accelerator=_accelerator(task),
        sdk="flyte",
    )
    environment = dict.fromkeys(task.env_vars or ())
    others: dict[str, Any] = {}
    template, name = _pod_template(task), task.pod_template
    if template is not None:
        environment.update(dict.fromkeys(names_of_environment(template)))
        of_pod, own = (
            _dimensions(primary_amounts(template)),
            _dimensions(amounts_of(task.resources)),
        )
        others = fields_of_parent(template, sets_gpu="gpu" in of_pod - own)
    if not (environment or others or isinstance(name, str)):
        return of_task  # valid already: the usual case
    return attrs.evolve(
        of_task,
        environment=environment,
        pod_template=name if isinstance(name, str) else None,
        **others,
    )


def description_key(
    task: Task, settings: SerializationContext | None
) -> tuple[Hashable, ...] | None:
    """The cache key of what `described` adds; None for a task with a pod template."""
    name = task.pod_template
    if name is not None and not isinstance(name, str):
        return None
    others = name, task.interruptible, _accelerator(task)
    # advice is in the words of the SDK
    packages = packages_of(task.image)
    return "flyte", image_of(task, settings), packages, tuple(task.env_vars or ()), *others


def image_of(task: Task, settings: SerializationContext | None) -> str | None:
    """The reference of its image; None if unknown, such as for one that is not built yet."""
    of_pod = getattr(primary_container(_pod_template(task)), "image", None)
    if isinstance(of_pod, str):
        return of_pod
    cache = settings.image_cache if settings else None
    found = cache.image_lookup.get(task.parent_env_name or "") if cache else None
    is_reference = isinstance(found, str) and not any(image_problems("image", found, required=True))
    return found if is_reference else None


def _dimensions(sides: tuple[Amounts, Amounts]) -> set[str]:
    requests, limits = sides
    return {*requests, *limits}


def _pod_template(task: Task) -> flyte.PodTemplate | None:
    return None if isinstance(task.pod_template, str) else task.pod_template


def _accelerator(task: Task) -> str | None:
    """The type of GPU that it requires, as the backend names it; None if any will do."""
    device = task.resources.get_device() if task.resources else None
    if task.resources is None or device is None or device.device is None:
        return None
    return accelerator_of(task.resources)
