"""Dask DataFrames as structured datasets of flytekit, in Parquet files."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
from flytekit import FlyteContext, StructuredDataset
from flytekit.core.type_engine import TypeEngine
from flytekit.models import literals
from flytekit.models.literals import Literal, StructuredDatasetMetadata
from flytekit.models.types import LiteralType, StructuredDatasetType
from flytekit.types.structured.basic_dfs import PandasToParquetEncodingHandler
from flytekit.types.structured.structured_dataset import (
    PARQUET,
    StructuredDatasetDecoder,
    StructuredDatasetEncoder,
    StructuredDatasetTransformerEngine,
)

from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import FrameWriter
from flyte_dask_engine.collections.options import current_blocksize, reading_as
from flyte_dask_engine.collections.outputs import not_a_frame, not_pandas
from flyte_dask_engine.collections.places import Place, place_of, remember, take_place
from flyte_dask_engine.collections.reading import UnreadableError, read_frame
from flyte_dask_engine.collections.writing import write_all, writing
from flyte_dask_engine.errors import InvalidInput
from flyte_dask_engine.session.storage import storage_here
from flytekitplugins.dask.collections.running import (
    compute_here,
    new_folder,
    task_of,
)
from flytekitplugins.dask.collections.showing import page, shown
from flytekitplugins.dask.host import FLYTEKIT

__all__ = ["register"]


class FrameEncoder(StructuredDatasetEncoder[Any]):
    """Returns where a frame is; one that is nowhere yet, as in a plain task, is written here."""

    def __init__(self) -> None:
        super().__init__(dd.DataFrame, None, PARQUET)

    def encode(
        self,
        ctx: FlyteContext,
        structured_dataset: StructuredDataset,
        structured_dataset_type: StructuredDatasetType,
    ) -> literals.StructuredDataset:
        """The literal of a frame."""
        frame: Any = structured_dataset.dataframe
        columns = _names(structured_dataset_type)
        place = take_place(frame, columns, structured_dataset.uri)
        if place is None:
            uri = structured_dataset.uri or new_folder(ctx)
            with storage_here(FLYTEKIT), writing(task_of(ctx), FLYTEKIT):
                writer = FrameWriter.of("the Dask DataFrame", frame, Folder.at(uri), columns)
                (written,) = write_all([writer], compute_here)
            place = Place(uri, (*columns,), written)
            remember(frame, place)
        metadata = StructuredDatasetMetadata(structured_dataset_type)
        return literals.StructuredDataset(uri=place.uri, metadata=metadata)


class FrameDecoder(StructuredDatasetDecoder[Any]):
    """Makes a frame whose partitions the workers read."""

    def __init__(self) -> None:
        super().__init__(dd.DataFrame, None, PARQUET)

    def decode(
        self,
        ctx: FlyteContext,  # noqa: ARG002  # of the base class
        flyte_value: literals.StructuredDataset,
        current_task_metadata: StructuredDatasetMetadata,
    ) -> Any:
        """The frame of a literal."""
        columns = _names(current_task_metadata.structured_dataset_type)
        with storage_here(FLYTEKIT):
            try:
                frame = read_frame(Folder.at(flyte_value.uri), columns, current_blocksize())
            except UnreadableError as error:
                raise FLYTEKIT.error(InvalidInput)(str(error)) from None
        remember(frame, Place(flyte_value.uri, (*columns,)))
        return frame


class FrameEngine(StructuredDatasetTransformerEngine):
    """flytekit's structured datasets, with the annotations and checks of Dask DataFrames."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # flytekit's

    async def async_to_literal(
        self, ctx: FlyteContext, python_val: Any, python_type: Any, expected: LiteralType
    ) -> Literal:
        """The literal of a frame, or of a structured dataset."""
        if not isinstance(python_val, (dd.DataFrame, StructuredDataset)):
            raise not_a_frame("the value", python_val, FLYTEKIT)
        return await super().async_to_literal(ctx, python_val, python_type, expected)

    async def async_to_python_value(
        self, ctx: FlyteContext, lv: Literal, expected_python_type: Any
    ) -> Any:
        """The frame of a literal, read as the annotations say."""
        with reading_as(expected_python_type):
            return await super().async_to_python_value(ctx, lv, expected_python_type)


class PandasEncoder(PandasToParquetEncodingHandler):
    """flytekit's own, which would write a Dask DataFrame in the order of the names of its files."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # flytekit's

    def encode(
        self,
        ctx: FlyteContext,
        structured_dataset: StructuredDataset,
        structured_dataset_type: StructuredDatasetType,
    ) -> literals.StructuredDataset:
        """The literal of a frame of pandas."""
        if isinstance(structured_dataset.dataframe, dd.DataFrame):
            raise not_pandas("the value", FLYTEKIT)
        return super().encode(ctx, structured_dataset, structured_dataset_type)


class FrameRenderer:
    """Shows a frame in a deck: what is known of it, without a computation."""

    def to_html(self, df: Any) -> str:
        """The partitions and columns of a frame; its first rows, if it was written."""
        place = place_of(df)
        if place is not None and place.written is not None:
            return shown(place.written)
        types = [(str(name), str(kind)) for name, kind in df.dtypes.items()]
        facts = [("uri", place.uri)] if place else []
        return page([*facts, ("partitions", f"{df.npartitions:,}")], types)


def register() -> None:
    """Make Dask DataFrames a type of flytekit."""
    engine, encoder = StructuredDatasetTransformerEngine, FrameEncoder()
    engine.register(encoder, default_format_for_type=True)
    if engine.get_encoder(dd.DataFrame, "file", PARQUET) is not encoder:
        return  # a program has handlers of its own
    engine.register(FrameDecoder(), default_format_for_type=True)
    engine.register(PandasEncoder(), override=True)
    renderer: Any = FrameRenderer()
    engine.register_renderer(dd.DataFrame, renderer)
    types: Any = TypeEngine
    types.register_additional_type(FrameEngine(), dd.DataFrame, override=True)


def _names(kind: StructuredDatasetType | None) -> list[str]:
    return [each.name for each in (kind.columns if kind else None) or ()]
