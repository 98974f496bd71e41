"""Tasks of Flyte 2: where they are found, their review and their template.

Only a program that has imported the SDK has such tasks, so it is not imported here before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, final

from google.protobuf.json_format import MessageToDict

from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask.inheritance.parent import NodeOverrides, Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_cli.loading.client import Request
from flyte_dask_cli.loading.findings import finding
from flyte_dask_engine.registration.review import Review

if TYPE_CHECKING:
    from flyte.models import SerializationContext

    from flyteplugins.flyte_dask.task import DaskTask

__all__ = ["Flyte2Tasks", "findings_in", "is_of_flyte2", "is_plain_of_flyte2", "tasks_in"]


_ADOPT = "use a config of flyteplugins.flyte_dask, or call its adopt() before the task is decorated"


def is_of_flyte2(task: object) -> bool:
    """Whether *task* is a Dask task of Flyte 2."""
    module: Any = sys.modules.get("flyteplugins.flyte_dask.task")
    return module is not None and isinstance(task, module.DaskTask)


def is_plain_of_flyte2(task: object) -> bool:
    """Whether *task* is a task of Flyte 2 without a cluster."""
    flyte: Any = sys.modules.get("flyte")
    is_task = flyte is not None and isinstance(task, flyte.AsyncFunctionTaskTemplate)
    return is_task and not is_of_flyte2(task)


def findings_in(module: ModuleType) -> Iterator[Json]:
    """What is wrong with tasks of *module* without a session, or that a pod does not find."""
    for each in tasks_in(module):
        name = each.func.__name__
        found = getattr(module, name, None)
        if isinstance(found, type(each)) or "<locals>" in each.func.__qualname__:
            continue
        message = (
            f"a pod, which imports {module.__name__} and runs what it finds as {name}, finds "
            f"{'nothing' if found is None else f'a {type(found).__name__}'} instead of the task"
        )
        yield _finding(each, message, "decorate the function with @env.task, under its own name")
    for each in _all_in(module):
        config = getattr(each, "plugin_config", None)
        if is_plain_of_flyte2(each) and type(config).__module__.startswith("flyteplugins.dask."):
            message = "its config is the official plugin's, which runs it without a session"
            yield _finding(each, message, _ADOPT, severity="warning", blocking=False)


def _finding(task: Any, message: str, remedy: str, severity: str = "error", **others: Any) -> Json:
    code = task.func.__code__
    where = CallSite(code.co_filename, code.co_firstlineno)
    return finding(severity, "config", message, where, task=task.name, remedy=remedy, **others)


def tasks_in(module: ModuleType) -> list[DaskTask]:
    """The Dask tasks whose functions *module* defines, in this order."""
    found = {id(each): each for each in _all_in(module) if is_of_flyte2(each)}
    return [each for each in found.values() if each.func.__module__ == module.__name__]


def _all_in(module: ModuleType) -> Iterator[Any]:
    """Its attributes, and the tasks of those that are environments."""
    flyte: Any = sys.modules.get("flyte")
    for each in [*vars(module).values()]:
        yield each
        if flyte is not None and isinstance(each, flyte.TaskEnvironment):
            yield from each.tasks.values()


def _only_flyte2(
    with_options: Callable[[Platform], Platform],
) -> Callable[[Platform], Platform]:
    """*with_options*, which must not set the backend of Flyte 1.

    Raises:
        InvalidConfig: if it does.
    """

    def checked(platform: Platform) -> Platform:
        changed = with_options(platform)
        if changed.backend != "v2":
            rule = "is that of Flyte 1, where tasks of the flyte SDK do not run"
            problem = Problem("backend", changed.backend, rule, "use --backend v2, or omit it")
            raise InvalidConfig("platform", [problem])
        return changed

    return checked


@final
class Flyte2Tasks:
    """How tasks of Flyte 2 are registered with the options of one request."""

    def __init__(self, request: Request) -> None:
        from flyteplugins.flyte_dask.host import FLYTE  # noqa: PLC0415  # not without such tasks

        FLYTE.logger.getChild("advice").disabled = True  # the command reports it
        named = (each.rpartition("=") for each in request.images)
        self._images = {name or "default": reference for name, _, reference in named}

    def function(self, task: DaskTask) -> str:
        """The name of its function."""
        return str(task.func.__name__)

    def review(
        self,
        task: DaskTask,
        with_options: Callable[[Platform], Platform],
        node: NodeOverrides | None = None,  # noqa: ARG002  # only flytekit has nodes
    ) -> Review:
        """The review of *task*."""
        return task.review(self._settings(task), with_options=_only_flyte2(with_options))

    def parent(self, task: DaskTask) -> Parent:
        """What the roles of *task* inherit from."""
        return task.cluster().parent

    def template(self, task: DaskTask) -> Json:
        """Its template."""
        from flyteplugins.flyte_dask.flyte_internals import template_of  # noqa: PLC0415  # as above

        template: Json = MessageToDict(template_of(task, self._settings(task)))
        return template

    def _settings(self, task: DaskTask) -> SerializationContext:
        """The settings of a registration, with the image of the task's environment if known."""
        from flyte.models import SerializationContext  # noqa: PLC0415  # as above

        from flyteplugins.flyte_dask.flyte_internals import images  # noqa: PLC0415  # as above

        name = task.parent_env_name or ""
        image = self._images.get(name) or self._images.get("default")
        return SerializationContext(
            version="",
            root_dir=Path(sys.path[0]),
            image_cache=images({name: image}) if image else None,
        )
