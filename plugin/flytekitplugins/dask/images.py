"""The images of a config's roles, as the references that the cluster can pull."""

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

from flyte_dask.config.dask import Dask, with_roles
from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.roles.image import Image as RoleImage
from flyte_dask.roles.roles import Scheduler, WorkerGroup, with_origins, with_set

__all__ = ["is_on_flyte", "with_real_images"]

R = TypeVar("R", Scheduler, WorkerGroup)


def with_real_images(
    config: Dask, settings: SerializationSettings, by: str, call_site: CallSite | None
) -> Dask:
    """*config* with templates filled in from *settings* and specs built, like the task's image.

    Raises:
        InvalidConfig: with every image that has no reference; *by* says whose config it is.
    """
    if config.scheduler.image is None and config.workers.image is None:
        return config
    problems: list[Problem] = []
    scheduler = _real("scheduler.image", config.scheduler, settings, problems)
    workers = _real("workers.image", config.workers, settings, problems)
    if problems:
        raise InvalidConfig(by, problems, call_site)
    return with_roles(config, scheduler, workers)


def _real(path: str, role: R, settings: SerializationSettings, problems: list[Problem]) -> R:
    """*role* with the reference of its image, or the reason that there is none."""
    if role.image is None:
        return role
    try:
        reference = _reference(role.image, settings)
    except _NoReference as error:
        problems.append(Problem(path, role.image, *error.args))
        return role
    said = role.origins["image"]._replace(value=reference)  # whoever said the image, said this
    return with_origins(
        with_set(role, {"image": reference}, "@task"), {**role.origins, "image": said}
    )


def _reference(image: RoleImage, settings: SerializationSettings) -> str:
    if isinstance(image, ImageSpec):
        return _built(image, settings)
    if isinstance(image, str):
        return _filled_in(image, settings)
    raise _NoReference("is no ImageSpec of flytekit", "write one, or a reference")


class _NoReference(Exception):
    """The rule that an image breaks, and the remedy."""


def _filled_in(template: str, settings: SerializationSettings) -> str:
    try:
        reference: str = get_registerable_container_image(template, settings.image_config)
    except AssertionError as error:
        remedy = "register with --image name=reference, or write a reference"
        raise _NoReference(f"cannot be filled in ({error})", remedy) from error
    if "{{" in reference:
        remedy = "write '{{.image.name.fqn}}:{{.image.name.version}}' or '{{.image.name}}'"
        raise _NoReference("is no template that flytekit fills in", remedy)
    return reference


def _built(image: ImageSpec, settings: SerializationSettings) -> str:
    spec = copy.copy(image)  # flytekit changes it, and the config's own stays as it is
    for cached in ("id", "tag"):  # by flytekit, and no longer right after the change
        vars(spec).pop(cached, None)
    update_image_spec_copy_handling(spec, settings)
    if is_on_flyte() and settings.image_config.find_image(spec.id) is None:
        remedy = "define its task above the dynamic one, or write a reference"
        raise _NoReference("was not built when the dynamic task was registered", remedy)
    reference: str = get_registerable_container_image(spec, settings.image_config)
    if any(_is_dynamic(task) for task in FlyteEntities.entities):
        _remember(spec, reference, settings)
    return reference


def is_on_flyte() -> bool:
    """Whether a task is running, such as a dynamic one, where flytekit builds no images."""
    state = FlyteContextManager.current_context().execution_state
    return state is not None and state.mode is not None


def _is_dynamic(task: object) -> bool:
    dynamic = PythonFunctionTask.ExecutionBehavior.DYNAMIC
    return isinstance(task, PythonFunctionTask) and task.execution_mode == dynamic


def _remember(spec: ImageSpec, reference: str, settings: SerializationSettings) -> None:
    """Put the image into *settings*, which flytekit hands to dynamic tasks, as it does its own."""
    known = Image.look_up_image_info(spec.id, reference, allow_no_tag_or_digest=True)
    images = settings.image_config.images
    if images is not None and known not in images and known.full == reference:
        images.append(known)
