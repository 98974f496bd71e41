"""What the adapter uses of ``flyte`` that is not public.

``flyte.extend`` exports some of it, but imports the builders of images too, which takes longer than
``flyte`` itself. The contract tests fail where a release of the SDK changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flyte._task_plugins import TaskPluginRegistry

if TYPE_CHECKING:
    from flyte import Image
    from flyte.models import SerializationContext

__all__ = [
    "SYS_PATH",
    "TaskPluginRegistry",
    "accelerator_of",
    "default_resolver",
    "images",
    "layers_of",
    "template_of",
]

SYS_PATH = "_F_SYS_PATH"
"""The environment variable with what the runner adds to its import path, relative to the code."""


def default_resolver() -> Any:
    """What loads a task by its module and its function."""
    from flyte._internal.resolvers.default import DefaultTaskResolver  # noqa: PLC0415  # slow

    return DefaultTaskResolver()


def images(references: Mapping[str, str]) -> Any:
    """The cache of images with these *references* for the names of environments."""
    try:
        module = import_module("flyte._internal.image_cache")
    except ModuleNotFoundError:  # of older releases
        module = import_module("flyte._internal.imagebuild.image_builder")
    return module.ImageCache(image_lookup={**references})


def layers_of(image: Image) -> tuple[Any, ...]:
    """What *image* adds to its base, in the order of the calls."""
    return image._layers


def accelerator_of(resources: Any) -> str:
    """The backend's name of the type of device that *resources* have."""
    from flyte._internal.runtime.resources_serde import (  # noqa: PLC0415  # seldom needed
        get_proto_extended_resources,
    )

    found: Any = get_proto_extended_resources(resources)
    return str(found.gpu_accelerator.device)


def template_of(task: Any, settings: SerializationContext) -> Any:
    """The template of *task*, as it is registered with these *settings*."""
    from flyte._internal.runtime.task_serde import get_proto_task  # noqa: PLC0415  # slow

    return get_proto_task(task, settings)
