"""Registration of a flytekit task, as the engine's review needs it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, final

import attrs
from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask.config.dask import Dask
from flyte_dask.errors import CallSite, Problem
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.registration.cluster import TaskCluster
from flytekitplugins.dask.host import FLYTEKIT
from flytekitplugins.dask.images import with_real_images
from flytekitplugins.dask.requested import described, description_key, requested_by

if TYPE_CHECKING:
    from flyte_dask_engine.registration.review import Review

__all__ = ["cluster_of", "review_of"]


def cluster_of(
    task: PythonFunctionTask[Any],
    config: Dask,
    call_site: CallSite | None,
    settings: SerializationSettings,
) -> TaskCluster:
    """The cluster that the template of *task* asks for, with *config* set at *call_site*.

    Raises:
        InvalidConfig: with every image of its config that has no reference.
    """
    by = f"@task of {task.name}"
    with_images = with_real_images(config, settings, by, call_site)
    return TaskCluster(with_images, requested_by(task, settings), task.name, call_site)


def review_of(
    task: PythonFunctionTask[Any],
    cluster: TaskCluster,
    settings: SerializationSettings,
    with_options: Callable[[Platform], Platform] | None = None,
) -> Review:
    """The review of *task* with its *cluster*; *with_options* may change its team's platform.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    from flyte_dask_engine.registration.review import Review, team_of  # noqa: PLC0415  # slow

    team = team_of(task.task_function, settings)
    return Review.of(_Registered(task, settings), cluster, FLYTEKIT, team, with_options)


@final
@attrs.frozen
class _Registered:
    """A task, and the settings of its registration."""

    task: PythonFunctionTask[Any]
    settings: SerializationSettings

    def described(self, parent: Parent) -> Parent:
        """*parent* with all else that is known of the task."""
        return described(parent, self.task, self.settings)

    def description_key(self) -> Hashable | None:
        """The cache key of what `described` adds; None if it is too slow to compute."""
        return description_key(self.task, self.settings)

    def left_behind(self) -> tuple[Problem, ...]:
        """The files that its module reads but that are not uploaded with it."""
        from flytekitplugins.dask.bundle_check import left_behind  # noqa: PLC0415  # slow

        return left_behind(self.settings)
