"""Tasks as JSON, in each form that a request may have."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from flytekit.configuration import (
    DEFAULT_RUNTIME_PYTHON_INTERPRETER,
    ImageConfig,
    SerializationSettings,
)
from flytekit.image_spec.image_spec import ImageBuildEngine, ImageSpec, ImageSpecBuilder
from flytekit.tools.translator import get_serializable
from google.protobuf.json_format import MessageToDict

from flyte_dask.errors import InvalidConfig
from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json, place, summarize
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.loading.client import Request
from flyte_dask_cli.loading.findings import from_advice, from_error, from_problem
from flyte_dask_cli.loading.nodes import OverriddenNode, Subject
from flyte_dask_cli.options import with_options
from flyte_dask_engine.registration import serialization
from flyte_dask_engine.registration.review import Review
from flytekitplugins.dask.requested import declared_image
from flytekitplugins.dask.task import DaskTask

__all__ = ["Serializer"]


class Serializer:
    """Serializes tasks in the form of one request.

    Raises:
        ValueError: if the request's images are invalid.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._settings = SerializationSettings(
            _images(request), python_interpreter=DEFAULT_RUNTIME_PYTHON_INTERPRETER
        )
        logging.getLogger("flytekit.dask.advice").disabled = True  # we report it
        _build_no_images()

    def serialize(self, task: DaskTask) -> Json | list[Json]:
        """*task* with its findings; the findings alone if it cannot be serialized."""
        return self._serialized(task, Subject(task.name, task.call_site))

    def serialize_node(self, node: OverriddenNode) -> Json | list[Json]:
        """*node*, as its task; a node has no template of its own."""
        return self._serialized(node.task, node.subject, node)

    @property
    def has_nodes(self) -> bool:
        """Whether nodes have the form of the request."""
        return self._request.form not in {"custom", "template"}

    def _serialized(
        self, task: DaskTask, subject: Subject, node: OverriddenNode | None = None
    ) -> Json | list[Json]:
        name, call_site = subject
        head = {"name": name, "function": task.task_function.__name__, **place(call_site)}
        overrides, of = (node.overrides, node.as_dict()) if node else (None, None)
        try:
            self._resolve_image(task)
            review = task.review(self._settings, with_options=self._platform, node=overrides)
            found = [{**each, "node": of} for each in _findings(review, subject)]
            return {**head, "node": of, **self._content(task, review), "findings": found}
        except BaseException as error:  # image builders are users' code too
            problems = from_error(error, "cannot be registered", name, call_site)
            return [{**each, "node": of} for each in problems]

    def _resolve_image(self, task: DaskTask) -> None:
        """Let *task* compute the reference of its image, if that is an `ImageSpec`."""
        image = declared_image(task)
        if isinstance(image, ImageSpec):
            is_own = image is task.container_image
            (task.get_image if is_own else task.get_k8s_pod)(self._settings)

    def _content(self, task: DaskTask, review: Review) -> Json:
        form = self._request.form
        if form == "findings":
            return {}
        if form == "summary":
            file = place(CallSite(str(review.team.path), 1))["file"] if review.team else None
            return {"team_file": file, **summarize(review.job)}
        if form == "pods":
            return {"rendered": review.job.pods.as_dict()}
        custom = serialization.custom(review.job.config, review.job.resolved)
        return {"rendered": custom if form == "custom" else self._template(task, custom)}

    def _template(self, task: DaskTask, custom: Json) -> Json:
        spec: Any = get_serializable(OrderedDict(), self._settings, task)
        template: Json = MessageToDict(spec.to_flyte_idl().template)
        template["custom"] = custom  # with integers, not floats
        _hide_environment(template)
        return template

    def _platform(self, platform: Platform) -> Platform:
        options = self._request
        own = {name: getattr(options, name) for name in ("base", "backend", "defaults", "limits")}
        try:
            return with_options(platform, **own)
        except InvalidConfig as error:  # the options and the team file do not fit
            raise InvalidConfig("platform", error.problems) from None


def _findings(review: Review, subject: Subject) -> Iterator[Json]:
    """Errors, then advice without that which the team file has made an error."""
    name, call_site = subject
    for problem in review.violations:
        yield from_problem(problem, "policy", call_site, name)
    for problem in review.fatal:
        yield from_problem(problem, str(problem.value), call_site, name)
    fatal = {(problem.value, problem.path) for problem in review.fatal}
    for each in review.advice:
        if (each.code, each.path) not in fatal:
            yield from_advice(each, call_site, name)


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


def _hide_environment(value: object) -> None:
    """Replace the values of environment variables anywhere in a template."""
    if isinstance(value, list):
        for each in value:
            _hide_environment(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key != "env" or not isinstance(each, list):
                _hide_environment(each)
                continue
            for variable in each:
                if isinstance(variable, dict) and "value" in variable:
                    variable["value"] = "(not shown)"
