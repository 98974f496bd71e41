"""The resources and other properties of a flytekit task, from which its roles inherit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any

import attrs
from flytekit import ImageSpec
from flytekit.configuration import SerializationSettings
from flytekit.core.pod_template import PodTemplate
from flytekit.core.python_auto_container import (
    PythonAutoContainerTask,
    get_registerable_container_image,
)
from flytekit.core.resources import ResourceSpec

from flyte_dask.errors import InvalidConfig
from flyte_dask.inheritance.parent import Parent, Sidecar
from flyte_dask.roles.base import with_values
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, resources_like
from flyte_dask_engine.registration.requested import (
    DEFAULT_RESOURCES,
    Amounts,
    RequestedResources,
    without_zeros,
    zeros_of,
)

__all__ = ["declared_image", "described", "description_key", "requested_by"]

_DIMENSION_OF = {name: dimension for dimension, name in KUBERNETES_NAMES.items()}
_POD_TEMPLATE = "pod template"


def requested_by(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> RequestedResources:
    """The resources that *task*'s container will request.

    These are the task's own; if it sets none, the default resources of the settings; if there are
    none, those of the primary container in its pod template.
    """
    default = settings.default_resources
    by, requests, limits = "@task", *_of_spec(task.resources)
    if isinstance(default, ResourceSpec) and (
        task.resources is default or not (requests or limits)
    ):
        # flytekit may have put them into the task already
        by, requests, limits = DEFAULT_RESOURCES, *_of_spec(default)
    if task.pod_template is not None and not any((*requests.values(), *limits.values())):
        by, requests, limits = _POD_TEMPLATE, *_of_pod(task.pod_template)
    return RequestedResources(by, _written(requests), _written(limits))


def described(
    parent: Parent, task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> Parent:
    """*parent* with all else that is known of *task*; of its environment only the names."""
    of_task = with_values(
        parent,
        image=_image(task, settings),
        interruptible=task.metadata.interruptible,
        accelerator=_accelerator(task),
    )
    environment, others = {*_environment(task, settings)}, {}
    if task.pod_template is not None:
        primary, _ = _containers(task.pod_template)
        environment.update(_field(each, "name") for each in _field(primary, "env") or [])
        others = _of_template(task.pod_template, requested_by(task, settings))
    if not (environment or others or task.metadata.pod_template_name):
        return of_task  # valid already: the usual case
    return attrs.evolve(
        of_task,
        environment=[name for name in environment if name],
        pod_template=task.metadata.pod_template_name,
        **others,
    )


def _of_template(template: PodTemplate, requested: RequestedResources) -> dict[str, Any]:
    """The fields of a task with a pod template in code, which gets the resources *requested*."""
    _, others = _containers(template)
    tolerations = _listed(template, "tolerations")
    has_gpu = "gpu" in {**requested.requests, **requested.limits}
    return {
        "sidecars": [_sidecar(each) for each in others],
        "init_containers": [_sidecar(each) for each in _listed(template, "init_containers")],
        "tolerations": [_field(each, "key") or "" for each in tolerations],
        "has_own_pod_template": True,
        "gpu_from_pod_template": has_gpu and requested.by == _POD_TEMPLATE,
    }


def description_key(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> tuple[Hashable, ...] | None:
    """The cache key of what `described` adds; None for a task with a pod template."""
    if task.pod_template is not None:
        return None
    metadata, environment = task.metadata, tuple(_environment(task, settings))
    others = metadata.pod_template_name, metadata.interruptible, _accelerator(task)
    return _image(task, settings), environment, *others


def _accelerator(task: PythonAutoContainerTask[Any]) -> str | None:
    """The type of GPU that it requires; None if any will do."""
    return (task.accelerator and task.accelerator.to_flyte_idl().device) or None


def _environment(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> Iterator[str]:
    """The names of the environment variables that flytekit sets in its container."""
    yield from settings.env or ()
    yield from task.environment or ()


def declared_image(task: PythonAutoContainerTask[Any]) -> str | ImageSpec | None:
    """The image of its pod: the pod template's if it sets one, as in flytekit."""
    primary, _ = _containers(task.pod_template)
    of_pod: str | ImageSpec | None = getattr(primary, "image", None)
    return task.container_image if of_pod is None else of_pod


def _image(task: PythonAutoContainerTask[Any], settings: SerializationSettings) -> str | None:
    """The reference of its image; None if unknown, such as for a spec that is not built yet."""
    image = declared_image(task)
    if isinstance(image, ImageSpec):
        return getattr(task, "built_image", None)
    try:
        reference: str = get_registerable_container_image(image, settings.image_config)
    except (AssertionError, ValueError):
        return None  # flytekit reports it
    return reference if _is_reference(reference) else None


@lru_cache(maxsize=64)
def _is_reference(text: str) -> bool:
    return not any(image_problems("image", text, required=True))


def _containers(template: PodTemplate | None) -> tuple[Any, list[Any]]:
    """The primary container, if there is one, and the others."""
    if template is None or template.pod_spec is None:
        return None, []
    containers = template.pod_spec.containers
    primary = [each for each in containers if each.name == template.primary_container_name]
    return (primary[0] if primary else None), [each for each in containers if each not in primary]


def _listed(template: PodTemplate, name: str) -> list[Any]:
    """The list called *name* in the specification of the pod."""
    return _field(template.pod_spec, name) or []


def _sidecar(container: Any) -> Sidecar:
    """A container as a sidecar; without resources if those are invalid."""
    name = _field(container, "name") or "?"
    sides = _of_container(container, "requests"), _of_container(container, "limits")
    requests, limits = (resources_like(without_zeros(each)) for each in sides)
    try:
        return Sidecar(name, requests, limits, zeros=zeros_of(*sides))
    except InvalidConfig:
        return Sidecar(name)


def _of_spec(spec: ResourceSpec) -> tuple[Amounts, Amounts]:
    """The requests and limits of flytekit's resources."""
    requests, limits = (
        {name: value for name in DIMENSIONS if (value := getattr(side, name)) is not None}
        for side in (spec.requests, spec.limits)
    )
    return requests, limits


def _written(amounts: Amounts) -> Amounts:
    """*amounts* without the numbers that flytekit leaves out: those that are zero."""
    return {name: amount for name, amount in amounts.items() if amount != 0 or name == "gpu"}


def _of_pod(template: PodTemplate) -> tuple[Amounts, Amounts]:
    """The requests and limits of a pod's primary container."""
    primary, _ = _containers(template)
    return _of_container(primary, "requests"), _of_container(primary, "limits")


def _of_container(container: Any, side: str) -> Amounts:
    """A container's amounts, by dimension."""
    amounts = _field(_field(container, "resources"), side) or {}
    # as text, because JSON may have numbers for any dimension
    return {
        _DIMENSION_OF[key]: str(amount) for key, amount in amounts.items() if key in _DIMENSION_OF
    }


def _field(owner: Any, name: str) -> Any:
    """The value called *name* of a part of a pod; None if it has none.

    Parts are objects of the Kubernetes client or dicts, both of which that accepts.
    """
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)
