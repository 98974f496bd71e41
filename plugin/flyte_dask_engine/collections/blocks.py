"""Checks one block of a Dask Array before it is written, in a process of the cluster.

Zarr would convert, repeat or cut what is not what the array says. The module is pickled by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyte_dask_engine.collections.partitions import UnwritableError

__all__ = ["check_block"]


def check_block(
    block: Any, output: str, dtype: Any, block_info: Mapping[Any, Any] | None = None
) -> Any:
    """The *block* itself.

    Raises:
        UnwritableError: if its class, type or shape is not that of the array.
    """
    import numpy as np  # noqa: PLC0415  # only workers that write need it

    about = (block_info or {})[None]
    place = f"the block {(*about['chunk-location'],)}"
    if type(block) is not np.ndarray and not isinstance(block, np.generic):
        raise UnwritableError(f"{output}: {place} is a {type(block).__name__}, and no ndarray")
    for what, is_it, said in (
        ("type", block.dtype, dtype),
        ("shape", block.shape, (*about["chunk-shape"],)),
    ):
        if is_it != said:
            raise UnwritableError(
                f"{output}: {place} has the {what} {is_it}, but {said} in the array. A function of "
                "map_blocks() returns something else than its arguments say"
            )
    return block
