"""Dask Arrays that the workers write as the chunks of a Zarr array, and read from one."""

from __future__ import annotations

import math
from typing import Any

import attrs

from flyte_dask_engine.collections.blocks import check_block
from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import Compute
from flyte_dask_engine.collections.partitions import UnwritableError, naming
from flyte_dask_engine.collections.sent import Sent
from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.distributed_internals import meta_of

__all__ = ["ArrayWriter", "read_array"]


@attrs.frozen
class ArrayWriter:
    """A Dask Array that is to be written to a folder."""

    _output: str
    folder: Folder
    _array: Any

    @classmethod
    def of(cls, output: str, array: Any, folder: Folder) -> ArrayWriter:
        """Plan to write *array*; nothing is computed.

        Zarr's chunks are all of the same size, so an array whose chunks are not is rechunked.

        Raises:
            UnwritableError: if the array cannot be a Zarr array.
        """
        meta = meta_of(array)
        with naming(output):
            if any(math.isnan(size) for sizes in array.chunks for size in sizes):
                raise UnwritableError(
                    "the sizes of its chunks are unknown: array.compute_chunk_sizes() computes them"
                )
            if type(meta).__name__ != "ndarray":
                raise UnwritableError(
                    f"its blocks are of the type {type(meta).__name__}, which Zarr would lose: "
                    "convert it by map_blocks(...), such as dask.array.ma.filled(array)"
                )
            if array.dtype.hasobject or array.dtype.names:
                raise UnwritableError(
                    f"its values have the type {array.dtype}, which other tasks could not read "
                    "from Zarr: convert it by astype(...)"
                )
        regular = tuple(max(sizes, default=1) or 1 for sizes in array.chunks)
        check = Sent(check_block, output=output, dtype=array.dtype)
        checked = array.rechunk(regular).map_blocks(check, dtype=array.dtype, meta=meta)
        return cls(output, folder, checked)

    def start(self) -> Any:
        """Write the array's metadata; the collection that writes its chunks when it is computed."""
        import dask.array as da  # noqa: PLC0415  # only for arrays

        try:
            return da.to_zarr(self._array, self.folder.uri, compute=False)
        except (KeyError, TypeError, ValueError) as error:
            raise UnwritableError(
                f"{self._output}: Zarr has no type for {self._array.dtype}: {error}. Convert it by "
                "astype(...)"
            ) from None

    def finish(self, result: Any, compute: Compute) -> Written:  # noqa: ARG002  # as of all writers
        """What was written."""
        array = self._array
        filesystem = self.folder.filesystem
        filesystem.invalidate_cache()
        sizes = filesystem.find(self.folder.path, detail=True).values()
        return Written(
            self.folder.uri,
            math.prod(array.numblocks),
            sum(each["size"] or 0 for each in sizes),
            (("shape", _sizes(array.shape)), ("chunk", _sizes(array.chunksize))),
            (("values", str(array.dtype)),),
            "",
        )


def read_array(folder: Folder) -> Any:
    """The Zarr array in *folder* as a Dask Array with its chunks; only its metadata is read."""
    import dask.array as da  # noqa: PLC0415  # only for arrays

    return da.from_zarr(folder.uri)


def _sizes(sizes: tuple[int, ...]) -> str:
    return " x ".join(f"{each:,}" for each in sizes) or "a single value"
