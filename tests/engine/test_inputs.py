"""Sizes of inputs: what is known without reading, computing or downloading, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from flyte.io import DataFrame, File
from flytekit import StructuredDataset
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

from flyte_dask_engine.report.inputs import Inputs

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
INDEX = FRAME.index.memory_usage()  # by the version of pandas
LAZY: Any = dd.from_pandas(FRAME, npartitions=1)


def sizes(value: object) -> dict[str, float]:
    """The known sizes of *value*."""
    (found,) = Inputs({"given": value}).records()
    assert found.type == type(value).__name__
    known = {"rows": found.rows, "nbytes": found.nbytes, "value": found.value}
    return {name: size for name, size in known.items() if size is not None}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, {"value": 3}),
        (-2.5, {"value": -2.5}),
        (float("nan"), {}),
        (float("inf"), {}),
        (10**30, {}),
        (10**400, {}),
        (True, {}),
        (None, {}),
        ("s3://bucket/secret", {}),
        (b"abc", {"nbytes": 3}),
        ([1, 2], {"rows": 2}),
        ({"a": 1}, {"rows": 1}),
        (FRAME, {"rows": 3, "nbytes": 24 + INDEX}),
        (FRAME["x"], {"rows": 3, "nbytes": 24 + INDEX}),
        (np.zeros((4, 2)), {"rows": 4, "nbytes": 64}),
        (np.float64(2), {"value": 2}),
        (pl.DataFrame({"x": [1, 2]}), {"rows": 2, "nbytes": 16}),
        (pa.table({"x": pa.array([1, 2], pa.int64())}), {"rows": 2, "nbytes": 16}),
        (da.zeros((4, 2), chunks=2), {"nbytes": 64}),
        (LAZY, {}),
        (StructuredDataset(dataframe=FRAME), {"rows": 3, "nbytes": 24 + INDEX}),
        (DataFrame.wrap_df(FRAME), {"rows": 3, "nbytes": 24 + INDEX}),
        (object(), {}),
        (int, {}),
    ],
)
def test_values(value: object, expected: dict[str, float]) -> None:
    assert sizes(value) == expected


class TestFiles:
    """Their bytes, if they are on this machine."""

    def test_local_ones(self, tmp_path: Path) -> None:
        (tmp_path / "a").write_bytes(b"abc")
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "c").write_bytes(b"de")
        assert sizes(tmp_path / "a") == sizes(FlyteFile(str(tmp_path / "a"))) == {"nbytes": 3}
        assert sizes(FlyteDirectory(str(tmp_path))) == sizes(tmp_path) == {"nbytes": 5}
        assert sizes(File(path=str(tmp_path / "a"))) == {"nbytes": 3}

    def test_remote_ones_are_not_downloaded(self) -> None:
        def download() -> None:
            raise AssertionError("it is downloaded")

        assert sizes(FlyteFile("/tmp/no/such/file", download, "s3://bucket/file")) == {}  # noqa: S108
        assert sizes(File(path="s3://bucket/file")) == {}

    def test_one_that_was_downloaded_meanwhile(self, tmp_path: Path) -> None:
        path = tmp_path / "later"
        inputs = Inputs({"file": FlyteFile(str(path))})
        assert inputs.records()[0].nbytes is None
        path.write_bytes(b"abcd")
        assert inputs.records()[0].nbytes == 4


class TestHostileValues:
    """No value can fail its task."""

    class Raising:
        """Raises whatever is asked."""

        shape = property(lambda _: 1 // 0)

        def __len__(self) -> int:
            raise ValueError("not today")

    def test_one_that_raises(self) -> None:
        assert sizes(self.Raising()) == {}

    def test_very_many(self) -> None:
        assert len(Inputs({str(number): number for number in range(1000)}).records()) == 50
