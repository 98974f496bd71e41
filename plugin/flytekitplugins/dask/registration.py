"""What a task's template says of its cluster, and what happens before it does."""

from __future__ import annotations

import logging
from typing import Any

from flytekit.configuration import SerializationSettings
from flytekit.core.python_function_task import PythonFunctionTask

from flyte_dask.callsite import CallSite
from flyte_dask.config import Dask
from flytekitplugins.dask.images import is_on_flyte
from flytekitplugins.dask.review import Review
from flytekitplugins.dask.template import TaskCluster

__all__ = ["registered"]

logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has


def registered(
    task: PythonFunctionTask[Any],
    config: Dask,
    call_site: CallSite | None,
    settings: SerializationSettings,
    *,
    is_advised: bool,
) -> dict[str, Any]:
    """The ``custom`` of *task*: what its *config* says and inherits, with real images.

    Where a task is running, such as a dynamic one that registers others, nothing is judged.

    Args:
        task: the task.
        config: its config.
        call_site: where it was decorated.
        settings: those of the registration.
        is_advised: whether its advice was logged already.
    """
    cluster = TaskCluster.of(task, config, call_site, settings)
    logger.info("%s %s", task.name, cluster)
    if not is_on_flyte():
        review = Review.of(task, cluster, call_site, settings)
        review.enforce()
        if not is_advised:
            review.log()
    return cluster.custom
