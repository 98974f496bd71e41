"""The images of a config's roles, resolved to references that the cluster can pull."""

from __future__ import annotations

import copy
from typing import TypeVar

from flytekit import ImageSpec
from flytekit.configuration import Image, SerializationSettings
from flytekit.core.context_manager import FlyteContextManager, FlyteEntities
from flytekit.core.python_auto_container import (
    get_registerable_container_image,
    update_image_spec_copy_handling,
)
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask.config.dask import Dask
from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.roles.base import with_values
from flyte_dask.roles.image import Image as RoleImage
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["is_on_flyte", "with_real_images"]

R = TypeVar("R", Scheduler, WorkerGroup)


def with_real_images(
    config: Dask, settings: SerializationSettings, by: str, call_site: CallSite | None
) -> Dask:
    """*config* with image templates rendered from *settings*, and specs built, as for a task.

    Raises:
        InvalidConfig: with every image that has no reference; *by* is the error's subject.
    """
    if config.scheduler.image is None and config.workers.image is None:
        return config
    problems: list[Problem] = []
    scheduler = _real("scheduler.image", config.scheduler, settings, problems)
    workers = _real("workers.image", config.workers, settings, problems)
    if problems:
        raise InvalidConfig(by, problems, call_site)
    return with_values(config, scheduler=scheduler, workers=workers)


def _real(path: str, role: R, settings: SerializationSettings, problems: list[Problem]) -> R:
    """*role* with the reference of its image; without one, a problem is added."""
    if role.image is None:
        return role
    try:
        reference = _reference(role.image, settings)
    except _NoReference as error:
        problems.append(Problem(path, role.image, *error.args))
        return role
    origin = role.origins["image"]._replace(value=reference)
    return with_values(role, image=reference, _origins={**role.origins, "image": origin})


def _reference(image: RoleImage, settings: SerializationSettings) -> str:
    if isinstance(image, ImageSpec):
        return _built(image, settings)
    if isinstance(image, str):
        return _rendered(image, settings)
    raise _NoReference("is not a flytekit ImageSpec", "use one, or an image reference")


class _NoReference(Exception):
    """Why an image has no reference: a rule and its remedy."""


def _rendered(template: str, settings: SerializationSettings) -> str:
    try:
        reference: str = get_registerable_container_image(template, settings.image_config)
    except AssertionError as error:
        remedy = "register with --image name=reference, or use a reference"
        raise _NoReference(f"cannot be rendered ({error})", remedy) from error
    if "{{" in reference:
        remedy = "use '{{.image.name.fqn}}:{{.image.name.version}}' or '{{.image.name}}'"
        raise _NoReference("is not a template that flytekit renders", remedy)
    return reference


def _built(image: ImageSpec, settings: SerializationSettings) -> str:
    spec = copy.copy(image)  # flytekit modifies it, and must not modify the config's own
    for cached in ("id", "tag"):  # values that flytekit caches, and that would be stale
        vars(spec).pop(cached, None)
    update_image_spec_copy_handling(spec, settings)
    if is_on_flyte() and settings.image_config.find_image(spec.id) is None:
        remedy = "define its task above the dynamic one, or use a reference"
        raise _NoReference("was not built when the dynamic task was registered", remedy)
    reference: str = get_registerable_container_image(spec, settings.image_config)
    if any(_is_dynamic(task) for task in FlyteEntities.entities):
        _remember(spec, reference, settings)
    return reference


def is_on_flyte() -> bool:
    """Whether a task is running, such as a dynamic one, in which flytekit builds no images."""
    state = FlyteContextManager.current_context().execution_state
    return state is not None and state.mode is not None


def _is_dynamic(task: object) -> bool:
    dynamic = PythonFunctionTask.ExecutionBehavior.DYNAMIC
    return isinstance(task, PythonFunctionTask) and task.execution_mode == dynamic


def _remember(spec: ImageSpec, reference: str, settings: SerializationSettings) -> None:
    """Add the image to *settings*, which flytekit passes to dynamic tasks."""
    known = Image.look_up_image_info(spec.id, reference, allow_no_tag_or_digest=True)
    images = settings.image_config.images
    if images is not None and known not in images and known.full == reference:
        images.append(known)
