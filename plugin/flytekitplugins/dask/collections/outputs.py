"""flytekit's types, as the engine needs them to find and write collections in outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flytekit import FlyteContextManager, StructuredDataset
from flytekit.core.type_engine import TypeEngine

from flyte_dask_engine.collections.imported import is_instance
from flyte_dask_engine.collections.outputs import Output
from flytekitplugins.dask.collections.running import new_folder
from flytekitplugins.dask.host import FLYTEKIT

__all__ = ["FlytekitTypes"]


class FlytekitTypes:
    """What flytekit knows of the types of outputs."""

    host = FLYTEKIT
    has_arrays = True

    def columns(self, kind: Any) -> tuple[str, ...]:
        """The columns that the type *kind* names."""
        found = _dataset_type(kind)
        return tuple(each.name for each in (found.columns if found else ()))

    def dataset(self, name: str, value: object, kind: Any) -> Sequence[Output] | None:
        """The frame in a structured dataset."""
        if not isinstance(value, StructuredDataset):
            return None
        frame = value.dataframe
        is_frame = is_instance(frame, "dask.dataframe", "DataFrame")
        if not is_frame or value.literal is not None or not _is_parquet(kind):
            return ()
        return (Output(f"{name}.dataframe", frame, self.columns(kind), value.uri),)

    def new_folder(self) -> str:
        """The URI of a new folder for an output."""
        return new_folder(FlyteContextManager.current_context())


def _is_parquet(kind: Any) -> bool:
    found = _dataset_type(kind)
    return found is None or found.format in {"", "parquet"}


def _dataset_type(kind: Any) -> Any:
    """Flytekit's type of a structured dataset or frame; None if *kind* is neither."""
    return TypeEngine.to_literal_type(kind).structured_dataset_type
