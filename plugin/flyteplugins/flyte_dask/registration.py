"""Registration of a Flyte 2 task, as the engine's review needs it."""

from __future__ import annotations

from collections.abc import Callable

from flyte.models import SerializationContext

from flyte_dask.config.dask import Dask
from flyte_dask.errors import CallSite
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.review import Review, team_of
from flyteplugins.flyte_dask.bundle_check import left_behind
from flyteplugins.flyte_dask.host import FLYTE
from flyteplugins.flyte_dask.requested import Task, described, description_key, requested_by

__all__ = ["cluster_of", "review_of"]

_ANYWHERE = Platform(backend="v2")


def cluster_of(task: Task, config: Dask, call_site: CallSite | None) -> TaskCluster:
    """The cluster that the template of *task* asks for, with *config* set at *call_site*."""
    return TaskCluster(config, requested_by(task), task.name, call_site)


def review_of(
    task: Task,
    cluster: TaskCluster,
    settings: SerializationContext | None,
    with_options: Callable[[Platform], Platform] | None = None,
) -> Review:
    """The review of *task* with its *cluster*; *with_options* may change its team's platform.

    Raises:
        InvalidConfig: with every problem of the team file.
    """
    team = team_of(task.func, settings)
    platform = team.platform if team else _ANYWHERE
    if platform.backend != "v2":  # a team's file may describe its Flyte 1
        platform = _ANYWHERE
    return Review(
        cluster,
        FLYTE,
        team,
        with_options(platform) if with_options else platform,
        described=lambda parent: described(parent, task, settings),
        description_key=lambda: description_key(task, settings),
        left_behind=lambda: left_behind(settings),
    )
