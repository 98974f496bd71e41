"""Rejection of our classes and instances other than `Dask` as the config of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC

from flyte_dask.catalog.preset import Preset
from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import decoration_site
from flyte_dask.roles.base import ConfigType
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask.startup import REMEDY

__all__ = ["reject_all_but", "rejection"]


_KINDS = (Dask, Preset, Resources, Runtime, Scheduler, WorkerGroup, ConfigType)
"""Classes that a user may mistake for configs; `ConfigType` is the type of these classes."""
_PARTS: dict[type, str] = {Scheduler: "scheduler", WorkerGroup: "workers", Runtime: "runtime"}


def reject_all_but(config: type | None) -> None:
    """Make flytekit reject each ``task_config`` of ours that is not a *config*.

    Classes instead of instances are rejected too.
    """
    for each in _KINDS:
        if each is not config:
            TaskPlugins.register_pythontask_plugin(each, _RejectedTask)


class _RejectedTask(AsyncPythonFunctionTask[Any], metaclass=FlyteTrackedABC):
    """The task class for each ``task_config`` of ours that is not a `Dask`: it raises an error.

    flytekit looks for the plugin of the exact type, and would run any other as a plain task. The
    class is asynchronous so that coroutine functions get here too.
    """

    def __init__(self, task_config: object, task_function: Callable[..., Any], **_: Any) -> None:
        subject = f"@task of {task_function.__qualname__}"
        raise_if_any(subject, [rejection(task_config)], at=decoration_site(task_function))


def rejection(config: object) -> Problem:
    """Why *config*, which is not a `Dask` of ours, cannot be a task's config."""
    part = _PARTS.get(type(config))
    if isinstance(config, Preset):
        rule, remedy = "is a Preset, which makes configs", "call it, as in presets.medium()"
    elif part:
        rule = f"is a {type(config).__name__}, one part of a config"
        remedy = f"write Dask({part}=...)"
    elif isinstance(config, type):
        rule, remedy = "is a class, not a config", "call it: Dask(...)"
    elif isinstance(config, Dask):  # rejected only if flytekitplugins.dask is not ours
        rule, remedy = "has no plugin: flytekitplugins.dask is not flyte-dask's", REMEDY
    else:
        rule, remedy = "is not a Dask", "write Dask(...), or call a preset"
    return Problem("task_config", config, rule, remedy)
