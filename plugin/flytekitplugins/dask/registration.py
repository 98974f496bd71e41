"""Registration of a flytekit task, as the engine's review needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask.config.dask import Dask
from flyte_dask.errors import CallSite
from flyte_dask.inheritance.parent import NodeOverrides
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.base import with_values
from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.review import Review, team_of
from flytekitplugins.dask.bundle_check import left_behind
from flytekitplugins.dask.host import FLYTEKIT
from flytekitplugins.dask.images import is_on_flyte, with_real_images
from flytekitplugins.dask.nodes import enforce_nodes
from flytekitplugins.dask.requested import described, description_key, requested_by

__all__ = ["cluster_of", "enforce_nodes", "is_on_flyte", "review_of"]

_ANYWHERE = Platform()


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
    node: NodeOverrides | None = None,
) -> Review:
    """The review of *task* with its *cluster*; *with_options* may change its team's platform.

    With *node* it is the review of a node of the task that has these overrides.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    team = team_of(task.task_function, settings)
    platform = team.platform if team else _ANYWHERE
    return Review(
        cluster,
        FLYTEKIT,
        team,
        with_options(platform) if with_options else platform,
        described=lambda parent: with_values(described(parent, task, settings), node=node),
        description_key=lambda: None if node else description_key(task, settings),
        left_behind=lambda: left_behind(settings),
    )
