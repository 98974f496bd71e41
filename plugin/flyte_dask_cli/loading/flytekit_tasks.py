"""Tasks of flytekit: their review and their template."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, final

from flytekit.configuration import (
    DEFAULT_RUNTIME_PYTHON_INTERPRETER,
    ImageConfig,
    SerializationSettings,
)
from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpec, ImageSpecBuilder
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict

from flyte_dask.explanation.summary import Json
from flyte_dask.inheritance.parent import NodeOverrides, Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.loading.client import Request
from flyte_dask_engine.registration.requested import parent_with
from flyte_dask_engine.registration.review import Review
from flytekitplugins.dask.requested import declared_image, requested_by
from flytekitplugins.dask.task import DaskTask

__all__ = ["FlytekitTasks"]


@final
class FlytekitTasks:
    """How tasks of flytekit are registered with the options of one request.

    Raises:
        ValueError: if the request's images are invalid.
    """

    def __init__(self, request: Request) -> None:
        self._settings = SerializationSettings(
            _images(request), python_interpreter=DEFAULT_RUNTIME_PYTHON_INTERPRETER
        )
        logging.getLogger("flytekit.dask.advice").disabled = True  # the command reports it
        _build_no_images()

    def function(self, task: DaskTask) -> str:
        """The name of its function."""
        return str(task.task_function.__name__)

    def review(
        self,
        task: DaskTask,
        with_options: Callable[[Platform], Platform],
        node: NodeOverrides | None = None,
    ) -> Review:
        """The review of *task*, or of a node with these overrides."""
        self._resolve_image(task)
        return task.review(self._settings, with_options=with_options, node=node)

    def parent(self, task: DaskTask) -> Parent:
        """What the roles of *task* inherit from."""
        requested = requested_by(task, self._settings)
        return parent_with(requested, task.name, task.call_site)

    def template(self, task: DaskTask) -> Json:
        """Its template."""
        spec: Any = get_serializable(OrderedDict(), self._settings, task)
        template: Json = MessageToDict(spec.to_flyte_idl().template)
        return template

    def _resolve_image(self, task: DaskTask) -> None:
        """Let *task* compute the reference of its image, if that is an `ImageSpec`."""
        image = declared_image(task)
        if isinstance(image, ImageSpec):
            is_own = image is task.container_image
            (task.get_image if is_own else task.get_k8s_pod)(self._settings)


def _images(request: Request) -> ImageConfig:
    """The images of the request; without a default one, except in templates, which need one."""
    images: ImageConfig
    try:
        images = ImageConfig.validate_image(None, "--image", request.images)
    except (AssertionError, ValueError) as error:
        raise ValueError(f"--image: {error}") from None
    has_default = any("=" not in each or each.startswith("default=") for each in request.images)
    if has_default or request.form == "template":
        return images
    return ImageConfig(default_image=None, images=images.images)


class _NameOnly(ImageSpecBuilder):
    """A builder that builds nothing: the name of an image is computed without."""

    def should_build(self, image_spec: ImageSpec) -> bool:  # noqa: ARG002
        return False

    def build_image(self, image_spec: ImageSpec) -> None:
        """Never called."""


def _build_no_images() -> None:
    for name, (_, priority) in list(ImageBuildEngine.get_registry().items()):
        if name != "noop":  # it builds nothing either, and computes another name
            ImageBuildEngine.register(name, _NameOnly(), priority)
