"""Tasks as JSON, in each form that a request may have."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from flyte_dask.advice import Job
from flyte_dask.errors import ConfigError, InvalidConfig
from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json, place, summarize
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.loading.client import Request
from flyte_dask_cli.loading.findings import from_advice, from_error, from_problem
from flyte_dask_cli.loading.flyte2_tasks import Flyte2Tasks, is_of_flyte2
from flyte_dask_cli.loading.flytekit_tasks import FlytekitTasks
from flyte_dask_cli.loading.nodes import OverriddenNode, Subject
from flyte_dask_cli.options import with_options
from flyte_dask_engine.registration import serialization
from flyte_dask_engine.registration.review import Review
from flytekitplugins.dask.task import DaskTask

if TYPE_CHECKING:
    from flyteplugins.flyte_dask.task import DaskTask as Flyte2Task

__all__ = ["Serializer", "Task"]

Task: TypeAlias = "DaskTask | Flyte2Task"
"""A Dask task of either SDK."""


class Serializer:
    """Serializes tasks in the form of one request.

    Raises:
        ValueError: if the request's images are invalid.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._flytekit = FlytekitTasks(request)

    @cached_property
    def _flyte2(self) -> Flyte2Tasks:
        return Flyte2Tasks(self._request)

    def serialize(self, task: Task) -> Json | list[Json]:
        """*task* with its findings; the findings alone if it cannot be serialized."""
        return self._serialized(task, Subject(task.name, task.call_site))

    def serialize_node(self, node: OverriddenNode) -> Json | list[Json]:
        """*node*, as its task; a node has no template of its own."""
        return self._serialized(node.task, node.subject, node)

    def problems_of_own(self, task: Task) -> list[Json]:
        """The findings of the amounts that *task* requests itself, whatever its config is."""
        sdk: Any = self._flyte2 if is_of_flyte2(task) else self._flytekit
        try:
            sdk.parent(task)
        except ConfigError as error:
            return [*from_error(error, "cannot be registered", task.name, task.call_site)]
        return []

    @property
    def has_nodes(self) -> bool:
        """Whether nodes have the form of the request."""
        return self._request.form not in {"custom", "template"}

    @property
    def takes_invalid_modules(self) -> bool:
        """Whether tasks are wanted of modules with invalid configs, which cannot be registered."""
        return self._request.form in {"findings", "migration"}

    def _serialized(
        self, task: Task, subject: Subject, node: OverriddenNode | None = None
    ) -> Json | list[Json]:
        name, call_site = subject
        sdk: Any = self._flyte2 if is_of_flyte2(task) else self._flytekit
        head = {"name": name, "function": sdk.function(task), **place(call_site)}
        overrides, of = (node.overrides, node.as_dict()) if node else (None, None)
        try:
            review: Review = sdk.review(task, self._platform, overrides)
            found = [{**each, "node": of} for each in _findings(review, subject)]
            return {**head, "node": of, **self._content(sdk, task, review), "findings": found}
        except BaseException as error:  # image builders are users' code too
            problems = from_error(error, "cannot be registered", name, call_site)
            return [{**each, "node": of} for each in problems]

    def _content(self, sdk: Any, task: Task, review: Review) -> Json:
        form = self._request.form
        if form == "findings":
            return {}
        if form == "summary":
            file = place(CallSite(str(review.team.path), 1))["file"] if review.team else None
            return {"team_file": file, **summarize(review.job)}
        if form == "migration":
            job = review.job
            before = Job.of(job.config.with_inherit("off"), job.parent, job.platform)
            return {"before": summarize(before), "after": summarize(job)}
        if form == "pods":
            return {"rendered": review.job.pods.as_dict()}
        custom = serialization.custom(review.job.config, review.job.resolved)
        if form == "custom":
            return {"rendered": custom}
        template = {**sdk.template(task), "custom": custom}  # with integers, not floats
        _hide_environment(template)
        return {"rendered": template}

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
