"""What a collection needs of the task that runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dask.base import compute
from flytekit import FlyteContext

from flyte_dask_engine.errors import InvalidOutput
from flytekitplugins.dask.host import FLYTEKIT

__all__ = ["compute_here", "new_folder", "not_of_type", "task_of"]


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


def not_of_type(value: object, kind: str, maker: str) -> InvalidOutput:
    """The error for a *value* whose type is said to be *kind*, which *maker* makes."""
    package = type(value).__module__.partition(".")[0]
    return FLYTEKIT.error(InvalidOutput)(
        f"the type is {kind}, but the value is a {package}.{type(value).__name__}: change the "
        f"type, or the value, such as by {kind.rpartition('.')[0]}.{maker}"
    )
