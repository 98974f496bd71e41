"""Writes one partition of a Dask DataFrame as a Parquet file, in a process of the cluster.

All files of a frame get the same schema. The type of a column of Python objects is known only when
they are seen, so each file has the one that its own objects have; a file whose objects are all
missing is written again, once the others' type is known.

What runs in the cluster is pickled by value, like `flyte_dask_engine.cluster_plugins`: scheduler
and workers may lack flyte-dask. So it uses only Python and what Dask's DataFrames need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

__all__ = ["WRITING", "Layout", "Part", "UnwritableError", "naming", "rewrite_part", "write_part"]

WRITING = "_writing"
"""The file that is in a folder as long as its files are wanted."""

_ROW_GROUP = 2**20  # rows; pyarrow's default


class UnwritableError(ValueError):
    """A collection cannot be written; the text begins with the output that it is."""


@contextmanager
def naming(output: str) -> Iterator[None]:
    """Let the text of an `UnwritableError` of the block begin with *output*."""
    try:
        yield
    except UnwritableError as error:
        raise UnwritableError(f"{output}: {error}") from None


class Layout(NamedTuple):
    """How the partitions of a frame are written."""

    output: str
    """The frame's name for errors, such as ``the output o0``."""
    filesystem: Any
    """The fsspec filesystem; pickled, it has no credentials of an SDK."""
    folder: str
    columns: list[str]
    has_index: bool
    """Whether the index is written."""
    index_name: Any
    """Its name, also if it is not written."""
    schema: Any
    """The Arrow schema; columns whose type the frame does not tell have the type null."""
    name: str
    """The pattern of file names, with the number of the partition."""

    def path(self, number: int) -> str:
        """The path of the file of a partition."""
        return f"{self.folder}/{self.name % number}"


class Part(NamedTuple):
    """A partition that was written."""

    number: int
    rows: int
    bytes: int
    schema: Any
    """Its own Arrow schema."""
    bounds: Any
    """The first and last value of its index if that increases, and can be split; otherwise None."""
    orders: dict[str, list[Any]]
    """The categories of each column whose categories have an order."""


def write_part(frame: Any, layout: Layout, partition_info: Mapping[str, Any] | None = None) -> Any:
    """Write the partition *frame*; a Series with the values of its `Part`, as a tuple.

    Raises:
        UnwritableError: if its columns or their types are not those of the layout, or if Arrow
            cannot write them.
    """
    import pandas as pd  # noqa: PLC0415  # only workers that write need it

    number = (partition_info or {})["number"]
    with naming(layout.output):
        aligned = _aligned(frame, layout, number)
        table = _conformed(_table(aligned, layout, number), layout, number)
    bounds = _bounds(frame.index) if layout.has_index else None
    part = (*_write(table, layout, number), bounds, _orders(aligned))
    return pd.Series([part], dtype="object")


def rewrite_part(number: int, layout: Layout, schema: Any) -> tuple[Any, ...]:
    """Write a partition again with *schema*, in which only columns without values differ."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    with layout.filesystem.open(layout.path(number), "rb") as file:
        table = pq.read_table(file)
    with naming(layout.output):
        table = _cast(table, schema, number)
    return _write(table, layout, number)


def _write(table: Any, layout: Layout, number: int) -> tuple[Any, ...]:
    """Write a file; the first values of its `Part`."""
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    path = layout.path(number)
    with layout.filesystem.open(path, "wb") as file:
        pq.write_table(table, file)
        size = file.tell()
    if not layout.filesystem.exists(f"{layout.folder}/{WRITING}"):  # another partition failed
        layout.filesystem.rm_file(path)
    return number, table.num_rows, size, table.schema


def _bounds(index: Any) -> Any:
    """The bounds of *index*; none if a reader could not find values by those of its row groups."""
    is_split = len(index) > _ROW_GROUP  # then equal values could be in two of them
    increases = index.is_monotonic_increasing and not index.hasnans
    if not increases or (is_split and not index.is_unique):
        return None
    return (index[0], index[-1]) if len(index) else ()


def _orders(frame: Any) -> dict[str, list[Any]]:
    ordered = {name: kind for name, kind in frame.dtypes.items() if getattr(kind, "ordered", False)}
    return {name: [*kind.categories] for name, kind in ordered.items()}


def _aligned(frame: Any, layout: Layout, number: int) -> Any:
    """The columns of *frame* in the order of the layout."""
    _check_index(frame.index, layout, number)
    known, wanted = Counter(frame.columns), {*layout.columns}
    repeated = [name for name, times in known.items() if times > 1]
    if repeated:
        raise UnwritableError(f"partition {number} has several columns named {repeated[0]!r}")
    missing = [each for each in layout.columns if each not in known]
    if missing:
        raise UnwritableError(
            f"partition {number} lacks the column {missing[0]!r}, which the frame has. It has: "
            f"{_listed([*known])}. A function of map_partitions() returns other columns than its "
            "meta="
        )
    others = [each for each in known if each not in wanted]
    if others:
        raise UnwritableError(
            f"partition {number} has the column {others[0]!r}, which the frame does not have. "
            f"The frame has: {_listed(layout.columns)}. A function of map_partitions() returns "
            "other columns than its meta="
        )
    return frame[layout.columns]


def _check_index(index: Any, layout: Layout, number: int) -> None:
    names = list[Any](index.names)
    if names != [layout.index_name]:
        raise UnwritableError(
            f"the index of partition {number} is named {', '.join(map(repr, names))}, but "
            f"{layout.index_name!r} in the frame. A function of map_partitions() returns another "
            "index than its meta="
        )
    is_dropped = not layout.has_index and layout.index_name is None
    if is_dropped and len(index) and index.dtype.kind not in "iu":
        raise UnwritableError(
            f"the index of partition {number} has the type {index.dtype}, but the frame's has "
            "unnamed numbers, which are not written: reset_index() makes it a column"
        )


def _listed(names: list[str]) -> str:
    most = 20
    shown = ", ".join(map(repr, names[:most]))
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _table(frame: Any, layout: Layout, number: int) -> Any:
    """The Arrow table of *frame*."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    try:
        return pa.Table.from_pandas(frame, preserve_index=layout.has_index)
    except (pa.ArrowException, TypeError, ValueError) as error:
        wrong = [name for name in frame.columns if not _is_writable(frame[name])]
        what = f"the column {wrong[0]!r} of partition {number}" if wrong else f"partition {number}"
        raise UnwritableError(
            f"{what} cannot be written as Parquet: {str(error).rstrip('.')}. Give all values of a "
            "column one type, such as by astype(str)"
        ) from None


def _is_writable(column: Any) -> bool:
    """Whether Arrow has a type for the values of *column*."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    try:
        pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        return False
    return True


def _conformed(table: Any, layout: Layout, number: int) -> Any:
    """*table* with the types of the layout, where it knows them."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    fields = []
    for field in table.schema:
        position = layout.schema.get_field_index(field.name)
        expected = pa.null() if position < 0 else layout.schema.field(position).type
        kind = _unified(field.type, expected)
        if kind is None:
            raise UnwritableError(
                f"the column {field.name!r} has the type {field.type} in partition {number}, but "
                f"{expected} in the frame. Convert it in the step that makes it: astype(...)"
            )
        fields.append(field.with_type(kind))
    return _cast(table, pa.schema(fields, table.schema.metadata), number)


def _unified(kind: Any, expected: Any) -> Any:
    """The type to write a column of the type *kind* with; None if that is not *expected*.

    What differs in spelling only is converted: units of time, sizes of offsets, and categories.
    """
    import pyarrow as pa  # noqa: PLC0415  # as above

    types = pa.types
    if types.is_dictionary(kind):
        values = _large(kind.value_type)
        known = types.is_dictionary(expected) or types.is_null(expected)
        return pa.dictionary(pa.int32(), values, kind.ordered) if known else None
    if types.is_null(kind) or kind == expected:
        return expected
    if types.is_null(expected):
        return _large(kind)
    if _large(kind) == _large(expected):
        return expected
    are_times = types.is_timestamp(kind) and types.is_timestamp(expected)
    if (are_times and kind.tz == expected.tz) or _are_durations(kind, expected):
        return expected
    return None


def _are_durations(*kinds: Any) -> bool:
    import pyarrow as pa  # noqa: PLC0415  # as above

    return all(map(pa.types.is_duration, kinds))


def _large(kind: Any) -> Any:
    """*kind* with large offsets if it is a text."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    is_text = pa.types.is_string(kind) or pa.types.is_string_view(kind)
    return pa.large_string() if is_text else kind


def _cast(table: Any, schema: Any, number: int) -> Any:
    """*table* with the types and the metadata of *schema*, by name; lossless, or an error."""
    import pyarrow as pa  # noqa: PLC0415  # as above

    columns = [_cast_column(table.column(field.name), field, number) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _cast_column(column: Any, field: Any, number: int) -> Any:
    import pyarrow as pa  # noqa: PLC0415  # as above

    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        raise UnwritableError(
            f"the column {field.name!r} of partition {number} cannot become {field.type}: {error}. "
            "Convert it in the step that makes it: astype(...)"
        ) from None
