"""The flytekit task of a `Dask` config: what it registers as, and what happens when it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs
from flytekit import PythonFunctionTask
from flytekit.configuration import SerializationSettings
from flytekit.core.python_auto_container import get_registerable_container_image
from flytekit.core.python_function_task import AsyncPythonFunctionTask
from flytekit.core.task import TaskPlugins
from flytekit.core.tracked_abc import FlyteTrackedABC

from flyte_dask.config import Dask
from flyte_dask.config_class import ConfigType
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.preset import Preset
from flyte_dask.roles import Scheduler, WorkerGroup

# The configs too: the incumbent has them here, and people import them from here.
__all__ = ["Dask", "DaskTask", "Scheduler", "WorkerGroup"]


class DaskTask(PythonFunctionTask[Dask]):
    """A task whose function runs beside a Dask cluster of its own, with a client of that cluster.

    On Flyte the backend has started the cluster; elsewhere an in-process one of the same shape,
    scaled to the host, is started for the task and closed with it. In both the cluster's client is
    Dask's default while the function runs: a bare ``.compute()`` uses the cluster.
    """

    _DASK_TASK_TYPE = "dask"

    def __init__(self, task_config: Dask, task_function: Callable[..., Any], **kwargs: Any) -> None:
        super().__init__(task_config, task_function, task_type=self._DASK_TASK_TYPE, **kwargs)

    @property
    def task_config(self) -> Dask:
        """The config, as it was given to ``@task``."""
        return cast("Dask", self._task_config)

    def get_custom(self, settings: SerializationSettings) -> dict[str, Any]:
        """The config as the template's ``custom``, image templates filled in from *settings*."""
        # betterproto is needed only here, and importing the plugin must stay almost free.
        from flytekitplugins.dask import wire  # noqa: PLC0415

        return wire.custom(_with_real_images(self.task_config, settings))

    def execute(self, **kwargs: Any) -> Any:
        """Run the function beside its cluster; a dynamic task builds a workflow, without one."""
        if self.execution_mode != self.ExecutionBehavior.DEFAULT:
            return super().execute(**kwargs)
        # distributed takes a while to import, and only a task that runs needs it.
        from flytekitplugins.dask.session import session  # noqa: PLC0415

        with session(self.task_config, self.name):
            return super().execute(**kwargs)


class _RefusedTask(AsyncPythonFunctionTask[Any], metaclass=FlyteTrackedABC):
    """What flytekit makes of a ``task_config`` that is ours but no `Dask`: an error.

    flytekit looks for the plugin of the exact type, and would run any other as a plain task.
    Asynchronous, so that flytekit lets it judge coroutine functions too.
    """

    def __init__(self, task_config: object, task_function: Callable[..., Any], **_: Any) -> None:
        rule, remedy = _why_refused(task_config)
        problem = Problem("task_config", task_config, rule, remedy)
        raise_if_any(f"@task of {task_function.__qualname__}", [problem])


def _why_refused(config: object) -> tuple[str, str]:
    if isinstance(config, Preset):
        return "is a Preset, which makes configs", "call it, as in presets.medium()"
    if isinstance(config, Scheduler):
        return "is a Scheduler, one part of a config", "write Dask(scheduler=...)"
    if isinstance(config, WorkerGroup):
        return "is a WorkerGroup, one part of a config", "write Dask(workers=...)"
    return "is a class, not a config", "call it: Dask(...)"


def _with_real_images(config: Dask, settings: SerializationSettings) -> Dask:
    def real(image: str | None) -> str | None:
        return image and get_registerable_container_image(image, settings.image_config)

    return attrs.evolve(
        config,
        scheduler=attrs.evolve(config.scheduler, image=real(config.scheduler.image)),
        workers=attrs.evolve(config.workers, image=real(config.workers.image)),
    )


TaskPlugins.register_pythontask_plugin(Dask, DaskTask)
for _refused in (Preset, Scheduler, WorkerGroup, ConfigType):
    TaskPlugins.register_pythontask_plugin(_refused, _RefusedTask)
