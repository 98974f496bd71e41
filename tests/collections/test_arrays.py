"""Dask Arrays are written by the workers as Zarr, and read back as they were."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import dask.base
import numpy as np
import pytest
import zarr

from flyte_dask_engine.collections.arrays import ArrayWriter, read_array
from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.partitions import UnwritableError
from flyte_dask_engine.collections.writing import write_all
from flyte_dask_engine.collections.written import Written
from tests.support.parts import needs_arrays

# of types, such as times and texts, which Zarr has not standardized yet
pytestmark = [pytest.mark.filterwarnings("ignore:The data type"), needs_arrays]

arange: Any = da.arange

OUTPUT = "the output o0"


def compute(collections: Sequence[Any]) -> Sequence[Any]:
    """Compute in threads."""
    found: Sequence[Any] = dask.base.compute(*collections, scheduler="threads")
    return found


def write(array: Any, folder: Path) -> Written:
    """Write *array*."""
    (written,) = write_all([ArrayWriter.of(OUTPUT, array, Folder.at(str(folder)))], compute)
    return written


@pytest.mark.parametrize(
    "array",
    [
        arange(10, chunks=3),
        da.ones((7, 5), chunks=(4, 5)).astype("float32"),
        arange(5) > 2,
        arange(5).astype("datetime64[s]"),
        da.asarray(np.array(["a", "bb"])),
        da.asarray(np.float64(3)),
        da.zeros((0, 3)),
    ],
    ids=str,
)
def test_it_comes_back_as_it_was(array: Any, tmp_path: Path) -> None:
    """With its chunks, also for Zarr's own reader."""
    write(array, tmp_path)
    found = read_array(Folder.at(str(tmp_path)))
    assert (found.dtype, found.shape, found.chunks) == (array.dtype, array.shape, array.chunks)
    np.testing.assert_array_equal(found.compute(), array.compute())
    opened: Any = zarr.open_array(str(tmp_path), mode="r")
    np.testing.assert_array_equal(opened[...], array.compute())


def test_irregular_chunks_are_made_regular(tmp_path: Path) -> None:
    array = arange(10, chunks=((2, 5, 3),))
    written = write(array, tmp_path)
    found = read_array(Folder.at(str(tmp_path)))
    assert found.chunks == ((5, 5),)
    assert list(found.compute()) == list(range(10))
    assert (written.partitions, written.facts, written.types) == (
        2,
        (("shape", "10"), ("chunk", "5")),
        (("values", "int64"),),
    )
    assert written.bytes == sum(
        each.stat().st_size for each in tmp_path.rglob("*") if each.is_file()
    )


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (
            arange(10, chunks=3)[arange(10, chunks=3) > 4],
            "the sizes of its chunks are unknown: array.compute_chunk_sizes() computes them",
        ),
        (
            da.ones(2, chunks=2).astype("object"),
            (
                "its values have the type object, which other tasks could not read from Zarr: "
                "convert it by astype(...)"
            ),
        ),
    ],
)
def test_others_are_an_error_before_any_work(array: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(UnwritableError) as caught:
        write(array, tmp_path)
    assert str(caught.value) == f"{OUTPUT}: {text}"
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda block: block + 0.5,
            "the block (0,) has the type float64, but int64 in the array. A function of",
        ),
        (
            lambda block: block[:1],
            "the block (0,) has the shape (1,), but (2,) in the array. A function of",
        ),
        (lambda block: [*block], "the block (0,) is a list, and no ndarray"),
    ],
)
def test_a_block_that_differs_is_an_error(change: Any, text: str, tmp_path: Path) -> None:
    """Zarr would convert, repeat or cut it."""
    array = arange(2, chunks=2).map_blocks(change, dtype="int64", meta=np.empty(0, "int64"))
    with pytest.raises(UnwritableError) as caught:
        write(array, tmp_path)
    assert str(caught.value).startswith(f"{OUTPUT}: {text}")
    assert [*tmp_path.iterdir()] == []


def test_masks_are_not_lost(tmp_path: Path) -> None:
    masks: Any = da.ma
    masked = masks.masked_less(arange(6, chunks=3), 3)
    with pytest.raises(UnwritableError, match="its blocks are of the type MaskedArray, which Zarr"):
        write(masked, tmp_path)


@pytest.mark.skipif(zarr.__version__.startswith("2."), reason="Zarr 2 has all of NumPy's types")
def test_a_type_that_zarr_lacks(tmp_path: Path) -> None:
    with pytest.raises(UnwritableError, match="Zarr has no type for float128"):
        write(arange(6, chunks=3).astype("longdouble"), tmp_path)


def test_leftovers_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(UnwritableError, match=f"{tmp_path} is not empty"):
        write(da.ones(3), tmp_path)


def test_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(block: Any) -> Any:
        raise ZeroDivisionError(f"mine: {len(block)}")

    with pytest.raises(ZeroDivisionError, match="mine"):
        write(da.ones(4, chunks=2).map_blocks(fail, dtype="float64"), tmp_path)
    assert [*tmp_path.iterdir()] == []
