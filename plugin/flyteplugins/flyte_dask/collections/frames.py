"""Dask DataFrames as dataframes of Flyte 2, in Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask.dataframe as dd
from dask.base import compute
from flyte.io import DataFrame
from flyte.io.extend import DataFrameDecoder, DataFrameEncoder, DataFrameTransformerEngine
from flyte.types import TypeEngine
from flyteidl2.core.literals_pb2 import Literal, StructuredDataset, StructuredDatasetMetadata
from flyteidl2.core.types_pb2 import LiteralType, StructuredDatasetType

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import FrameWriter
from flyte_dask_engine.collections.options import current_blocksize, reading_as
from flyte_dask_engine.collections.outputs import not_a_frame
from flyte_dask_engine.collections.places import Place, remember, take_place
from flyte_dask_engine.collections.reading import UnreadableError, read_frame
from flyte_dask_engine.collections.writing import write_all, writing
from flyte_dask_engine.errors import InvalidInput
from flyte_dask_engine.session.storage import storage_here
from flyteplugins.flyte_dask.collections.outputs import new_folder
from flyteplugins.flyte_dask.host import FLYTE
from flyteplugins.flyte_dask.threads import in_thread

__all__ = ["register"]

_PARQUET = "parquet"


class FrameEncoder(DataFrameEncoder[Any]):
    """Returns where a frame is; one that is nowhere yet, as in a plain task, is written here."""

    def __init__(self) -> None:
        super().__init__(dd.DataFrame, None, _PARQUET)

    async def encode(
        self, dataframe: DataFrame, structured_dataset_type: StructuredDatasetType
    ) -> StructuredDataset:
        """The literal of a frame."""
        frame: Any = dataframe.val
        columns = _names(structured_dataset_type)
        place = take_place(frame, columns, dataframe.uri)
        if place is None:
            place = await in_thread(
                lambda: _written(frame, columns, dataframe.uri or new_folder()), "flyte-dask writer"
            )
            remember(frame, place)
        metadata = StructuredDatasetMetadata(structured_dataset_type=structured_dataset_type)
        return StructuredDataset(uri=place.uri, metadata=metadata)


class FrameDecoder(DataFrameDecoder[Any]):
    """Makes a frame whose partitions the workers read."""

    def __init__(self) -> None:
        super().__init__(dd.DataFrame, None, _PARQUET)

    async def decode(
        self, flyte_value: StructuredDataset, current_task_metadata: StructuredDatasetMetadata
    ) -> Any:
        """The frame of a literal."""
        columns = _names(current_task_metadata.structured_dataset_type)
        frame = await in_thread(lambda: _read(flyte_value.uri, columns), "flyte-dask reader")
        remember(frame, Place(flyte_value.uri, (*columns,)))
        return frame


class FrameEngine(DataFrameTransformerEngine):
    """The SDK's dataframes, with the annotations and checks of Dask DataFrames."""

    async def to_literal(self, python_val: Any, python_type: Any, expected: LiteralType) -> Literal:
        """The literal of a frame, or of a dataframe."""
        if not isinstance(python_val, (dd.DataFrame, DataFrame)):
            raise not_a_frame("the value", python_val, FLYTE)
        return await super().to_literal(python_val, python_type, expected)

    async def to_python_value(self, lv: Literal, expected_python_type: Any) -> Any:
        """The frame of a literal, read as the annotations say."""
        with reading_as(expected_python_type):
            return await super().to_python_value(lv, expected_python_type)


def register() -> None:
    """Make Dask DataFrames a type of the SDK."""
    engine, encoder = DataFrameTransformerEngine, FrameEncoder()
    engine.register(encoder, default_format_for_type=True)
    if engine.get_encoder(dd.DataFrame, "file", _PARQUET) is not encoder:
        return  # a program has handlers of its own
    engine.register(FrameDecoder(), default_format_for_type=True)
    types: Any = TypeEngine
    made = FrameEngine()  # type: ignore[no-untyped-call]  # the SDK's
    types.register_additional_type(made, dd.DataFrame, override=True)


def _written(frame: Any, columns: Sequence[str], uri: str) -> Place:
    with storage_here(FLYTE), writing(None, FLYTE):
        writer = FrameWriter.of("the Dask DataFrame", frame, Folder.at(uri), columns)
        (written,) = write_all([writer], lambda collections: compute(*collections))
    return Place(uri, (*columns,), written)


def _read(uri: str, columns: Sequence[str]) -> Any:
    with storage_here(FLYTE):
        try:
            return read_frame(Folder.at(uri), columns, current_blocksize())
        except UnreadableError as error:
            raise FLYTE.error(InvalidInput)(str(error)) from None


def _names(kind: StructuredDatasetType | None) -> list[str]:
    return [each.name for each in (kind.columns if kind else ())]
