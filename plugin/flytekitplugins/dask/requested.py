"""The resources and other properties of a flytekit task, from which its roles inherit."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any

import attrs
from flytekit import ImageSpec
from flytekit.configuration import SerializationSettings
from flytekit.core.python_auto_container import (
    PythonAutoContainerTask,
    get_registerable_container_image,
)
from flytekit.core.python_function_task import PythonFunctionTask
from flytekit.core.resources import Resources, ResourceSpec

from flyte_dask.inheritance.parent import Parent
from flyte_dask.roles.base import with_values
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_engine.registration.packages import OTHERS, named, named_in
from flyte_dask_engine.registration.pod_template import (
    POD_TEMPLATE,
    fields_of_parent,
    names_of_environment,
    primary_amounts,
    primary_container,
)
from flyte_dask_engine.registration.requested import (
    DEFAULT_RESOURCES,
    Amounts,
    RequestedResources,
)

__all__ = ["declared_image", "described", "description_key", "packages_of", "requested_by"]


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
        by, requests, limits = POD_TEMPLATE, *primary_amounts(task.pod_template)
    return RequestedResources(by, _written(requests), _written(limits))


def described(
    parent: Parent, task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> Parent:
    """*parent* with all else that is known of *task*; of its environment only the names."""
    of_task = with_values(
        parent,
        image=_image(task, settings),
        packages=packages_of(declared_image(task)),
        interruptible=task.metadata.interruptible,
        accelerator=_accelerator(task),
        is_dynamic=_is_dynamic(task),
    )
    environment, others = {*_environment(task, settings)}, {}
    if task.pod_template is not None:
        environment.update(names_of_environment(task.pod_template))
        requested = requested_by(task, settings)
        has_gpu = "gpu" in {**requested.requests, **requested.limits}
        sets_gpu = has_gpu and requested.by == POD_TEMPLATE
        others = fields_of_parent(task.pod_template, sets_gpu=sets_gpu)
    if not (environment or others or task.metadata.pod_template_name):
        return of_task  # valid already: the usual case
    return attrs.evolve(
        of_task,
        environment=environment,
        pod_template=task.metadata.pod_template_name,
        **others,
    )


def description_key(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> tuple[Hashable, ...] | None:
    """The cache key of what `described` adds; None for a task with a pod template."""
    if task.pod_template is not None:
        return None
    metadata, environment = task.metadata, tuple(_environment(task, settings))
    others = (
        *(metadata.pod_template_name, metadata.interruptible),
        *(_accelerator(task), _is_dynamic(task)),
    )
    packages = packages_of(declared_image(task))
    return _image(task, settings), packages, environment, *others


def _accelerator(task: PythonAutoContainerTask[Any]) -> str | None:
    """The type of GPU that it requires; None if any will do."""
    return (task.accelerator and task.accelerator.to_flyte_idl().device) or None


def _is_dynamic(task: PythonAutoContainerTask[Any]) -> bool:
    mode = getattr(task, "execution_mode", None)
    return mode == PythonFunctionTask.ExecutionBehavior.DYNAMIC


def _environment(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings
) -> Iterator[str]:
    """The names of the environment variables that flytekit sets in its container."""
    yield from settings.env or ()
    yield from task.environment or ()


def declared_image(task: PythonAutoContainerTask[Any]) -> str | ImageSpec | None:
    """The image of its pod: the pod template's if it sets one, as in flytekit."""
    primary = primary_container(task.pod_template)
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


def packages_of(image: object) -> tuple[str, ...]:
    """The names of packages that *image* installs, if it is a specification."""
    if not isinstance(image, ImageSpec):
        return ()
    lists = (image.packages, image.conda_packages, image.runtime_packages)
    found = {"flytekit", *named(*(name for each in lists for name in each or ()))}
    if image.requirements:
        found.update(named_in(image.requirements))
    if isinstance(image.base_image, ImageSpec):
        found.update(packages_of(image.base_image))
    elif image.base_image or image.commands:
        found.add(OTHERS)
    return tuple(sorted(found))


@lru_cache(maxsize=64)
def _is_reference(text: str) -> bool:
    return not any(image_problems("image", text, required=True))


def _of_spec(spec: ResourceSpec) -> tuple[Amounts, Amounts]:
    """The requests and limits of flytekit's resources."""
    return _of_side(spec.requests), _of_side(spec.limits)


def _of_side(side: Resources) -> Amounts:
    return {name: value for name in DIMENSIONS if (value := getattr(side, name)) is not None}


def _written(amounts: Amounts) -> Amounts:
    """*amounts* without the numbers that flytekit leaves out: those that are zero."""
    return {name: amount for name, amount in amounts.items() if amount != 0 or name == "gpu"}
