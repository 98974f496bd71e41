"""Flyte 2's types, as the engine needs them to find and write collections in outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flyte.io import DataFrame
from flyte.types import TypeEngine

from flyte_dask_engine.collections.imported import is_instance
from flyte_dask_engine.collections.outputs import Output
from flyteplugins.flyte_dask.context import task_context
from flyteplugins.flyte_dask.host import FLYTE

__all__ = ["Flyte2Types", "new_folder"]


class Flyte2Types:
    """What the SDK knows of the types of outputs."""

    host = FLYTE
    has_arrays = False

    def columns(self, kind: Any) -> tuple[str, ...]:
        """The columns that the type *kind* names."""
        return tuple(each.name for each in _dataset_type(kind).columns)

    def dataset(self, name: str, value: object, kind: Any) -> Sequence[Output] | None:
        """The frame in a dataframe of the SDK."""
        if not isinstance(value, DataFrame):
            return None
        is_frame = is_instance(value.val, "dask.dataframe", "DataFrame")
        if not is_frame or value.literal is not None:
            return ()
        if _dataset_type(kind).format not in {"", "parquet"}:
            return ()
        return (Output(f"{name}.val", value.val, self.columns(kind), value.uri),)

    def new_folder(self) -> str:
        """The URI of a new folder for an output."""
        return new_folder()


def new_folder() -> str:
    """The URI of a new folder for an output; each attempt at a task has others."""
    context = task_context()
    if context is None:
        raise RuntimeError("a Dask DataFrame can be written in a task only")
    return context.raw_data_path.get_random_remote_path()


def _dataset_type(kind: Any) -> Any:
    """The SDK's type of a dataframe."""
    return TypeEngine.to_literal_type(kind).structured_dataset_type
