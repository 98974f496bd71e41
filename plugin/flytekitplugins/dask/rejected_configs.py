"""Rejection of our classes and instances other than `Dask` as the config of a task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC

from flyte_dask.errors import raise_if_any
from flyte_dask.errors.call_site import decoration_site
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
    class is asynchronous so that coroutine functions get here too.
    """

    def __init__(self, task_config: object, task_function: Callable[..., Any], **_: Any) -> None:
        subject = f"@task of {task_function.__qualname__}"
        raise_if_any(
            subject, [rejection(task_config, "task_config")], at=decoration_site(task_function)
        )
