"""What a collection needs of the task that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dask.base import compute
from flytekit import FlyteContext

__all__ = ["compute_here", "new_folder", "task_of"]


def compute_here(collections: Sequence[Any]) -> Sequence[Any]:
    """Compute *collections* with Dask's default scheduler."""
    computed: Sequence[Any] = compute(*collections)
    return computed


def new_folder(context: FlyteContext) -> str:
    """The URI of a new folder for an output; each attempt at a task has others."""
    files = context.file_access
    return str(files.join(files.raw_output_prefix, files.get_random_string()))


def task_of(context: FlyteContext) -> str | None:
    """The name of the task that runs; None if unknown, as where a local run passes an input."""
    parameters = context.user_space_params
    task = parameters.task_id if parameters and parameters.has_attr("TASK_ID") else None
    return task.name if task else None
