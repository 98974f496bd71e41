"""Rejection of our classes and instances other than `Dask` as the config of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC

from flyte_dask.config.dask import Dask
from flyte_dask.errors import raise_if_any
from flyte_dask.errors.call_site import decoration_site
from flyte_dask.errors.recording import raise_or_record
from flyte_dask_engine.task_configs import KINDS, rejection

__all__ = ["reject_all_but"]


def reject_all_but(config: type | None) -> None:
    """Make flytekit reject each ``task_config`` of ours that is not a *config*.

    Classes instead of instances are rejected too.
    """
    for each in KINDS:
        if each is not config:
            TaskPlugins.register_pythontask_plugin(each, _RejectedTask)


class _RejectedTask(AsyncPythonFunctionTask[Any], metaclass=FlyteTrackedABC):
    """The task class for each ``task_config`` of ours that is not a `Dask`: it raises an error.

    flytekit looks for the plugin of the exact type, and would run any other as a plain task. The
    class is asynchronous so that coroutine functions get here too. While errors are recorded, it
    makes a task with an empty `Dask` instead.
    """

    def __new__(cls, task_config: object, task_function: Callable[..., Any], **others: Any) -> Any:
        """Raise the error of *task_config*."""
        subject = f"@task of {task_function.__qualname__}"
        problems, at = [rejection(task_config, "task_config")], decoration_site(task_function)
        plugin, stand_in = TaskPlugins.find_pythontask_plugin(Dask), Dask()
        if plugin is cls:
            raise_if_any(subject, problems, at=at)
        raise_or_record(subject, problems, stand_in, config=task_config, at=at)
        return plugin(stand_in, task_function, **others)
