"""A task of flytekit while it is registered: what the engine's review needs of it."""

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
from flytekitplugins.dask.requested import described, requested_by, surroundings

if TYPE_CHECKING:
    from flyte_dask_engine.registration.review import Review

__all__ = ["cluster_of", "review_of"]


def cluster_of(
    task: PythonFunctionTask[Any],
    config: Dask,
    call_site: CallSite | None,
    settings: SerializationSettings,
) -> TaskCluster:
    """What the template of *task* says of its cluster, whose *config* was said at *call_site*.

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
    site: Callable[[Platform], Platform] | None = None,
) -> Review:
    """The review of *task* with its *cluster*; *site*, if given, changes its team's platform.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    # what it judges with takes a while to import, and is needed only here
    from flyte_dask_engine.registration.review import Review, team_of  # noqa: PLC0415

    team = team_of(task.task_function, settings)
    return Review.of(_Registered(task, settings), cluster, FLYTEKIT, team, site)


@final
@attrs.frozen
class _Registered:
    """A task, and the settings of its registration."""

    task: PythonFunctionTask[Any]
    settings: SerializationSettings

    def described(self, parent: Parent) -> Parent:
        """*parent* with all else that is known of the task."""
        return described(parent, self.task, self.settings)

    def surroundings(self) -> Hashable | None:
        """What `described` adds, as far as it is cheap to compare."""
        return surroundings(self.task, self.settings)

    def left_behind(self) -> tuple[Problem, ...]:
        """Files that its module reads, and that would not come along."""
        # what asks what is ignored takes a while to import
        from flytekitplugins.dask.bundle_check import left_behind  # noqa: PLC0415

        return left_behind(self.settings)
