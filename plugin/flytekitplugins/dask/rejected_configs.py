"""What is ours but no `Dask`, where flytekit wants the config of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC

from flyte_dask import official_plugin as incumbent
from flyte_dask.catalog.preset import Preset
from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import decoration_site
from flyte_dask.roles.base import ConfigType
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["reject_all_but", "rejection"]


_KINDS = (Dask, Preset, Resources, Runtime, Scheduler, WorkerGroup, ConfigType)
"""What of ours a user may take for a config; `ConfigType` is the type of each of these classes."""


def reject_all_but(config: type | None) -> None:
    """Let flytekit answer a ``task_config`` that is ours, but no *config*, with an error.

    Also a class in the place of an instance.
    """
    for each in _KINDS:
        if each is not config:
            TaskPlugins.register_pythontask_plugin(each, _RejectedTask)


class _RejectedTask(AsyncPythonFunctionTask[Any], metaclass=FlyteTrackedABC):
    """What flytekit makes of a ``task_config`` that is ours but no `Dask`: an error.

    flytekit looks for the plugin of the exact type, and would run any other as a plain task.
    Asynchronous, so that flytekit lets it judge coroutine functions too.
    """

    def __init__(self, task_config: object, task_function: Callable[..., Any], **_: Any) -> None:
        subject, site = f"@task of {task_function.__qualname__}", decoration_site(task_function)
        raise_if_any(subject, [rejection(task_config)], at=site)


def rejection(config: object) -> Problem:
    """What keeps *config*, which is no `Dask`, from being a task's config."""
    if isinstance(config, Preset):
        rule, remedy = "is a Preset, which makes configs", "call it, as in presets.medium()"
    elif isinstance(config, Scheduler):
        rule, remedy = "is a Scheduler, one part of a config", "write Dask(scheduler=...)"
    elif isinstance(config, WorkerGroup):
        rule, remedy = "is a WorkerGroup, one part of a config", "write Dask(workers=...)"
    elif isinstance(config, Runtime):
        rule, remedy = "is a Runtime, one part of a config", "write Dask(runtime=...)"
    elif isinstance(config, type):
        rule, remedy = "is a class, not a config", "call it: Dask(...)"
    elif isinstance(config, Dask):  # refused only where flytekitplugins.dask is not ours
        rule, remedy = "has no plugin: flytekitplugins.dask is not flyte-dask's", incumbent.REMEDY
    else:
        rule, remedy = "is no Dask", "write Dask(...), or call a preset"
    return Problem("task_config", config, rule, remedy)
