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
)

__all__ = ["declared_image", "described", "description_key", "requested_by"]

_DIMENSION_OF = {name: dimension for dimension, name in KUBERNETES_NAMES.items()}


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
    if not (requests or limits) and task.pod_template is not None:
        by, requests, limits = "pod template", *_of_pod(task.pod_template)
    return RequestedResources(by, requests, limits)


def described(
    parent: Parent, task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> Parent:
    """*parent* with all else that is known of *task*; of its environment only the names."""
    template = task.pod_template
    primary, others = _containers(template)
    names = {*_environment(task, settings)}
    names.update(each.name for each in getattr(primary, "env", None) or [])
    tolerations = getattr(template and template.pod_spec, "tolerations", None) or []
    with_image = with_values(parent, image=_image(task, settings))
    if not (template or names or task.metadata.pod_template_name):
        return with_image  # valid already: the usual case
    return attrs.evolve(
        with_image,
        environment=[name for name in names if name],
        sidecars=[_sidecar(each) for each in others],
        tolerations=[each.key or "" for each in tolerations],
        pod_template=task.metadata.pod_template_name,
    )


def description_key(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> tuple[Hashable, ...] | None:
    """The cache key of what `described` adds; None for a task with a pod template."""
    if task.pod_template is not None:
        return None
    environment = tuple(_environment(task, settings))
    return _image(task, settings), environment, task.metadata.pod_template_name


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


def _sidecar(container: Any) -> Sidecar:
    """A container as a sidecar; without resources if those are invalid."""
    requests, limits = (
        resources_like(without_zeros(_of_container(container, side)))
        for side in ("requests", "limits")
    )
    try:
        return Sidecar(container.name or "?", requests, limits)
    except InvalidConfig:
        return Sidecar(container.name or "?")


def _of_spec(spec: ResourceSpec) -> tuple[Amounts, Amounts]:
    """The requests and limits of flytekit's resources."""
    requests, limits = (
        {name: value for name in DIMENSIONS if (value := getattr(side, name)) is not None}
        for side in (spec.requests, spec.limits)
    )
    return requests, limits


def _of_pod(template: PodTemplate) -> tuple[Amounts, Amounts]:
    """The requests and limits of a pod's primary container."""
    primary, _ = _containers(template)
    return _of_container(primary, "requests"), _of_container(primary, "limits")


def _of_container(container: Any, side: str) -> Amounts:
    """A container's amounts, by dimension.

    Its resources are an object of the Kubernetes client or a dict, both of which that accepts.
    """
    resources = getattr(container, "resources", None)
    amounts = resources.get(side) if isinstance(resources, dict) else getattr(resources, side, None)
    # as text, because JSON may have numbers for any dimension
    return {
        _DIMENSION_OF[key]: str(amount)
        for key, amount in (amounts or {}).items()
        if key in _DIMENSION_OF
    }
