"""Dask DataFrames that the workers write as Parquet files, one for each partition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from flyte_dask_engine.collections import partitions
from flyte_dask_engine.collections.folder import SORTED, Folder
from flyte_dask_engine.collections.partitions import WRITING, Layout, Part, UnwritableError, naming
from flyte_dask_engine.collections.schemas import are_sorted, check_orders, common_schema, schema_of
from flyte_dask_engine.collections.sent import Sent
from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.distributed_internals import meta_of

__all__ = ["Compute", "FrameWriter"]

Compute = Callable[[Sequence[Any]], Sequence[Any]]
"""Computes collections together, and returns the results."""

_PREVIEWED = 10  # rows


@attrs.frozen
class FrameWriter:
    """A Dask DataFrame that is to be written to a folder."""

    folder: Folder
    _parts: Any
    _layout: Layout

    @classmethod
    def of(
        cls, output: str, frame: Any, folder: Folder, columns: Sequence[str] = ()
    ) -> FrameWriter:
        """Plan to write *frame*, or only these *columns* of it; nothing is computed.

        An unnamed index of integers, which Dask numbers anew in each partition, is not written.

        Raises:
            UnwritableError: if a Parquet file cannot have such columns.
        """
        with naming(output):
            return cls._planned(output, frame, folder, columns)

    @classmethod
    def _planned(
        cls, output: str, frame: Any, folder: Folder, columns: Sequence[str]
    ) -> FrameWriter:
        meta = meta_of(frame)
        index = meta.index.name is not None or meta.index.dtype.kind not in "iu"
        if columns:
            missing = [each for each in columns if each not in {*meta.columns, meta.index.name}]
            if missing:
                raise UnwritableError(
                    f"it lacks the columns {', '.join(map(repr, missing))}, which its type has. "
                    f"It has: {', '.join(map(repr, meta.columns))}"
                )
            index = index and meta.index.name in columns
            frame = frame[[each for each in columns if each in meta.columns]]
            meta = meta_of(frame)
        _check_names(meta)
        width = max(5, len(str(frame.npartitions - 1)))
        layout = Layout(
            output,
            folder.filesystem,
            folder.path,
            [*meta.columns],
            index,
            meta.index.name,
            schema_of(meta, has_index=index),
            f"part-%0{width}d.parquet",
        )
        write = Sent(partitions.write_part, layout=layout)
        parts = frame.map_partitions(write, meta=("part", "object"), enforce_metadata=False)
        return cls(folder, parts, layout)

    def start(self) -> Any:
        """The collection that writes the partitions when it is computed."""
        self.folder.mark(WRITING)
        return self._parts

    def finish(self, result: Iterable[tuple[Any, ...]], compute: Compute) -> Written:
        """Give all files the same schema.

        Args:
            result: what the computation of `start`'s collection returned.
            compute: computes what is written again.

        Raises:
            UnwritableError: if the types of a column differ between partitions.
        """
        parts = _parts(result)
        with naming(self._layout.output):
            schema = common_schema(parts)
            check_orders(parts)
        again = [part.number for part in parts if part.schema.types != schema.types]
        if again:
            from dask.delayed import delayed  # noqa: PLC0415  # seldom needed

            rewrite = delayed(
                Sent(partitions.rewrite_part, layout=self._layout, schema=schema), pure=False
            )
            new = compute([rewrite(each) for each in again])
            sizes = {number: size for number, _, size, _ in new}
            parts = [part._replace(bytes=sizes.get(part.number, part.bytes)) for part in parts]
        if self._layout.has_index and are_sorted(parts):
            self.folder.mark(SORTED)
        self.folder.unmark(WRITING)
        return Written(
            self.folder.uri,
            len(parts),
            sum(part.bytes for part in parts),
            (("rows", f"{sum(part.rows for part in parts):,}"),),
            tuple((field.name, str(field.type)) for field in schema),
            self._preview(parts),
        )

    def _preview(self, parts: Iterable[Part]) -> str:
        """The first rows of the first file that has any."""
        import pandas as pd  # noqa: PLC0415  # only for frames
        import pyarrow.parquet as pq  # noqa: PLC0415  # as above

        for part in parts:
            if part.rows:
                with self.folder.filesystem.open(self._layout.path(part.number), "rb") as file:
                    batches = pq.ParquetFile(file).iter_batches(batch_size=_PREVIEWED)
                    rows = next(batches).to_pydict()
                return str(pd.DataFrame(rows, dtype="object").to_html(border=0))
        return ""


def _parts(found: Iterable[tuple[Any, ...]]) -> list[Part]:
    """What workers return, in the order of the partitions."""
    return sorted((Part(*each) for each in found), key=lambda part: part.number)


def _check_names(meta: Any) -> None:
    """Check that the columns can be those of a Parquet file."""
    if meta.columns.nlevels > 1:
        raise UnwritableError(
            "its columns have several levels, which Parquet does not: join their names, such as by "
            "frame.columns = frame.columns.map('_'.join)"
        )
    wrong = [each for each in meta.columns if not isinstance(each, str)]
    if wrong:
        raise UnwritableError(
            f"the name {wrong[0]!r} of a column is not a str: frame.rename(columns=str)"
        )
    names = [*meta.columns, *([meta.index.name] if meta.index.name is not None else [])]
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise UnwritableError(f"several columns are named {repeated[0]!r}: rename all but one")
    if meta.index.name is not None and not isinstance(meta.index.name, str):
        raise UnwritableError(
            f"the name {meta.index.name!r} of the index is not a str: frame.rename_axis('...')"
        )
