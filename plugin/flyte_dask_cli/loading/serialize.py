"""What there is to tell of a task, in each form that can be asked for."""

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

from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json, place, summarize
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.loading.client import Question
from flyte_dask_cli.loading.findings import of_advice, of_error, of_problem
from flyte_dask_cli.platform_options import with_options
from flyte_dask_engine.registration import serialization as wire
from flyte_dask_engine.registration.review import Review
from flytekitplugins.dask.requested import declared_image
from flytekitplugins.dask.task import DaskTask

__all__ = ["Serializer"]


class Serializer:
    """Tells what a question asks of tasks.

    Raises:
        ValueError: if the question's images are none.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._settings = SerializationSettings(
            _images(question), python_interpreter=DEFAULT_RUNTIME_PYTHON_INTERPRETER
        )
        self._rendering = {
            "custom": self._custom,
            "template": self._template,
            "pods": self._pods,
        }
        logging.getLogger("flytekit.dask.advice").disabled = True  # it is told by us
        _build_no_images()

    def told(self, task: DaskTask) -> Json | list[Json]:
        """What is asked of *task*, and what is wrong with it; that alone, if it has no answer."""
        head = {
            "name": task.name,
            "function": task.task_function.__name__,
            **place(task.call_site),
        }
        try:
            self._find_image(task)
            review = task.review(self._settings, with_options=self._site)
            return {**head, **self._answer(task, review), "findings": list(_findings(review))}
        except BaseException as error:  # building images is a user's code too
            return list(of_error(error, "cannot be registered", task.name, task.call_site))

    def _find_image(self, task: DaskTask) -> None:
        """Let *task* know the reference of its image, if a spec is said."""
        image = declared_image(task)
        if not isinstance(image, ImageSpec):
            return
        if image is task.container_image:
            task.get_image(self._settings)
        else:
            task.get_k8s_pod(self._settings)

    def _answer(self, task: DaskTask, review: Review) -> Json:
        form = self._question.form
        if form == "findings":
            return {}
        if form == "facts":
            file = place(CallSite(str(review.team.path), 1))["file"] if review.team else None
            return {"team_file": file, **summarize(review.job)}
        return {"rendered": self._rendering[form](task, review)}

    def _custom(self, _: DaskTask, review: Review) -> Json:
        return wire.custom(review.job.config, review.job.resolved)

    def _pods(self, _: DaskTask, review: Review) -> Json:
        return review.job.pods.as_dict()

    def _template(self, task: DaskTask, review: Review) -> Json:
        spec: Any = get_serializable(OrderedDict(), self._settings, task)
        template: Json = MessageToDict(spec.to_flyte_idl().template)
        template["custom"] = self._custom(task, review)  # whose numbers are whole
        _hide_environment(template)
        return template

    def _site(self, platform: Platform) -> Platform:
        asked = self._question
        return with_options(platform, asked.backend, asked.defaults, asked.limits)


def _findings(review: Review) -> Iterator[Json]:
    """Errors first, then advice; what the team wants to be an error is not told twice."""
    site, name, fatal = review.call_site, review.name, review.fatal
    for problem in review.violations:
        yield of_problem(problem, "policy", site, name)
    for problem in fatal:
        yield of_problem(problem, str(problem.value), site, name)
    told = {(problem.value, problem.path) for problem in fatal}
    for each in review.advice:
        if (each.code, each.path) not in told:
            yield of_advice(each, site, name)


def _images(question: Question) -> ImageConfig:
    """Those of the question; the one of tasks that say none is unknown, unless it is said."""
    images: ImageConfig
    try:
        images = ImageConfig.validate_image(None, "--image", question.images)
    except (AssertionError, ValueError) as error:
        raise ValueError(f"--image: {error}") from None
    is_said = any("=" not in each or each.startswith("default=") for each in question.images)
    if is_said or question.form == "template":
        return images
    return ImageConfig(default_image=None, images=images.images)


class _NameOnly(ImageSpecBuilder):
    """Builds nothing: the name of an image is known without."""

    def should_build(self, image_spec: ImageSpec) -> bool:  # noqa: ARG002
        return False

    def build_image(self, image_spec: ImageSpec) -> None:
        """Never called."""


def _build_no_images() -> None:
    for name, (_, priority) in list(ImageBuildEngine.get_registry().items()):
        if name != "noop":  # which knows another name, and builds nothing either
            ImageBuildEngine.register(name, _NameOnly(), priority)


def _hide_environment(value: object) -> None:
    """Take the values of all variables out of a template, wherever it has some."""
    if isinstance(value, list):
        for each in value:
            _hide_environment(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "env" and isinstance(each, list):
                for variable in each:
                    if isinstance(variable, dict) and "value" in variable:
                        variable["value"] = "(not shown)"
            else:
                _hide_environment(each)
