"""Decks show collections from what was written, and compute nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import pandas as pd
import pytest
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.type_engine import TypeEngine

from flytekitplugins.dask.deck import may_compute
from tests.support.collected import frame
from tests.support.parts import computed, needs_arrays

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask itself


def passed(value: object, kind: Any) -> Any:
    """The literal of *value*, as of an output."""
    context = FlyteContextManager.current_context()
    return TypeEngine.to_literal(context, value, kind, TypeEngine.to_literal_type(kind))


def shown(value: object, kind: Any) -> list[str]:
    """The texts of the cells in the deck of *value*."""
    html = TypeEngine.to_html(FlyteContextManager.current_context(), value, kind)
    return re.findall("<t[dh][^>]*>(.*?)</t[dh]>", html)


def test_of_a_frame_that_was_written() -> None:
    computed.clear()
    made = frame(name="deck")
    uri = passed(made, dd.DataFrame).scalar.structured_dataset.uri
    size = sum(each.stat().st_size for each in Path(uri).iterdir()) / 2**20
    assert shown(made, dd.DataFrame) == [
        *("uri", uri),
        *("partitions", "12"),
        *("rows", "24"),
        *("size on disk", f"{size:,.1f} MiB"),
        *("x", "int64"),
        *("y", "large_string"),
        *("", "x", "y"),
        *("0", "0", "n0"),
        *("1", "1", "n1"),
    ]
    assert not may_compute(made)
    assert computed == ["deck"] * 12


def test_of_a_frame_that_was_read(tmp_path: Path) -> None:
    """Its rows are not read for it."""
    pd.DataFrame({"x": [1]}).to_parquet(tmp_path / "00000")
    context = FlyteContextManager.current_context()
    literal = passed(dd.read_parquet(tmp_path, parquet_file_extension=None), dd.DataFrame)
    found: Any = TypeEngine.to_python_value(context, literal, dd.DataFrame)
    uri = literal.scalar.structured_dataset.uri
    expected = ["uri", uri, "partitions", "1", "x", "int64"]
    assert shown(found, dd.DataFrame) == expected
    assert not may_compute(found)


@needs_arrays
def test_of_an_array_that_was_written() -> None:
    arange: Any = da.arange
    made = arange(10, chunks=4)
    uri = passed(made, da.Array).scalar.blob.uri
    files = [each for each in Path(uri).rglob("*") if each.is_file()]
    size = sum(each.stat().st_size for each in files) / 2**20
    assert shown(made, da.Array) == [
        *("uri", uri),
        *("partitions", "3"),
        *("shape", "10"),
        *("chunk", "4"),
        *("size on disk", f"{size:,.1f} MiB"),
        *("values", "int64"),
    ]


def test_each_output_has_a_folder_of_its_own() -> None:
    """So have attempts at the same task; only equal values of one process share it."""
    found = [passed(frame(name=each), dd.DataFrame) for each in ("a", "b")]
    assert len({each.scalar.structured_dataset.uri for each in found}) == 2
