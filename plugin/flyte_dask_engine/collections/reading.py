"""Dask DataFrames that the workers read from Parquet files, each partition from a part of them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from typing import Any

from flyte_dask_engine.collections.folder import SORTED, Folder

__all__ = ["BLOCKSIZE", "UnreadableError", "read_frame"]

BLOCKSIZE = 16 * 2**20
"""The default for the bytes on disk of one partition: large row groups are partitions alone."""

_HIDDEN = ("_", ".")
"""How the names of files begin that are not data, such as ``_SUCCESS``."""


class UnreadableError(ValueError):
    """A folder has no Parquet files, or lacks a column."""


def read_frame(folder: Folder, columns: Sequence[str] = (), blocksize: int = BLOCKSIZE) -> Any:
    """The Parquet files in *folder*, or at that path, as a Dask DataFrame.

    Only their list and metadata are read; the partitions are read when they are computed. Their
    order is that of the names of the files, with numbers in them as numbers. Divisions are known if
    the files were written here, and the values of their index increase.

    Args:
        folder: where the files are, of whatever names; also one with Hive's folders.
        columns: the columns to read, in this order; all by default.
        blocksize: about how many bytes on disk a partition has. A file is split between its row
            groups, and files are never merged.

    Raises:
        UnreadableError: if there are no files, or if they lack some of *columns*.
    """
    import pyarrow as pa  # noqa: PLC0415  # only for frames

    try:
        frame, index = _read(folder, blocksize)
    except (pa.ArrowException, KeyError) as error:
        raise UnreadableError(f"{folder.uri} cannot be read as Parquet: {error}") from error
    missing = [each for each in columns if each not in {*frame.columns, *index}]
    if missing:
        raise UnreadableError(
            f"{folder.uri} lacks the columns {', '.join(map(repr, missing))}. It has: "
            f"{', '.join(map(repr, [*frame.columns, *index]))}"
        )
    return frame[[each for each in columns if each in frame.columns]] if columns else frame


def _read(folder: Folder, blocksize: int) -> tuple[Any, list[str]]:
    """All of the frame, and the columns that are its index."""
    import dask.dataframe as dd  # noqa: PLC0415  # only for frames
    import pyarrow.parquet as pq  # noqa: PLC0415  # as above

    with folder.filesystem.open(_first_file(folder), "rb") as file:
        footer = pq.ParquetFile(file).metadata
    index = _index_of(footer)
    read: Any = dd.read_parquet
    frame = read(
        glob.escape(folder.path),
        filesystem=folder.filesystem,
        # Dask looks at the bounds of row groups only, which do not tell whether these are sorted
        calculate_divisions=bool(index) and folder.has(SORTED),
        split_row_groups="adaptive",
        blocksize=max(1, int(blocksize * _expansion(footer))),
        parquet_file_extension=None,
    )
    return frame, index


def _first_file(folder: Folder) -> str:
    """The path of the first data file, in the order of names."""
    filesystem, path = folder.filesystem, folder.path
    filesystem.invalidate_cache()
    found = sorted(map(str, filesystem.find(path)))
    inner = [(each, each.removeprefix(path).strip("/").split("/")) for each in found]
    data = [each for each, steps in inner if not any(step.startswith(_HIDDEN) for step in steps)]
    if not data:
        raise UnreadableError(f"there are no Parquet files at {folder.uri}")
    return data[0]


def _index_of(footer: Any) -> list[str]:
    """The columns of a file that are its index; none if that is a range of integers."""
    described = footer.schema.to_arrow_schema().pandas_metadata or {}
    return [each for each in described.get("index_columns", []) if isinstance(each, str)]


def _expansion(footer: Any) -> float:
    """How much larger a file is in memory, as Dask counts it, than on disk."""
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    columns = [group.column(number) for group in groups for number in range(group.num_columns)]
    compressed = sum(each.total_compressed_size for each in columns)
    return sum(group.total_byte_size for group in groups) / compressed if compressed else 1
