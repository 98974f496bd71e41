"""Dask DataFrames are written by the workers as Parquet, and read back as they were."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import dask.base
import dask.config
import dask.dataframe as dd
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest
from dask.delayed import delayed
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_engine.collections import partitions
from flyte_dask_engine.collections.folder import Folder
from flyte_dask_engine.collections.frames import FrameWriter
from flyte_dask_engine.collections.partitions import UnwritableError
from flyte_dask_engine.collections.reading import UnreadableError, read_frame
from flyte_dask_engine.collections.writing import write_all
from flyte_dask_engine.collections.written import Written
from tests.support.processes import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword")  # of Dask itself

OUTPUT = "the output o0"


def objects_stay() -> Any:
    """Within it Dask does not make texts of all Python objects."""
    return dask.config.set({"dataframe.convert-string": False})


def compute(collections: Sequence[Any]) -> Sequence[Any]:
    """Compute in threads."""
    found: Sequence[Any] = dask.base.compute(*collections, scheduler="threads")
    return found


def write(frame: Any, folder: Path, columns: Sequence[str] = ()) -> Written:
    """Write *frame*."""
    writer = FrameWriter.of(OUTPUT, frame, Folder.at(str(folder)), columns)
    (written,) = write_all([writer], compute)
    return written


def read(folder: Path, *columns: str, **options: int) -> Any:
    """What is in *folder*, as a Dask DataFrame."""
    return read_frame(Folder.at(str(folder)), columns, **options)


def passed(frame: Any, folder: Path) -> Any:
    """*frame*, written and read."""
    write(frame, folder)
    return read(folder)


def in_parts(frame: pd.DataFrame, number: int) -> Any:
    """*frame* in that number of partitions."""
    with objects_stay():
        return dd.from_pandas(frame, npartitions=number, sort=False)


def drifting(*parts: pd.DataFrame) -> Any:
    """A frame of these partitions, whose columns and types are said to be those of the first."""
    made = [delayed(each) for each in parts]
    with objects_stay():
        return dd.from_delayed(made, meta=parts[0].iloc[:0], verify_meta=False)


SIX = pd.DataFrame({"x": range(6), "y": list("abcdef")})


def objects(values: list[object]) -> pd.DataFrame:
    """A column of Python objects."""
    made: pd.DataFrame = pd.Series(values, dtype="object").to_frame("x")
    return made


def becomes_empty(folder: Path) -> None:
    """Assert that nothing is left in *folder*, once other threads have ended their work."""
    end = time.monotonic() + PATIENCE
    while any(folder.iterdir()):
        assert time.monotonic() < end, [*folder.iterdir()]


class TestRows:
    """They come back in order."""

    def test_over_many_partitions(self, tmp_path: Path) -> None:
        """In every reader."""
        frame = pd.DataFrame({"x": range(1200)})
        written = write(dd.from_pandas(frame, npartitions=12), tmp_path)
        assert (written.partitions, written.facts) == (12, (("rows", "1,200"),))
        assert sorted(each.name for each in tmp_path.iterdir())[:2] == [
            "part-00000.parquet",
            "part-00001.parquet",
        ]
        assert written.bytes == sum(each.stat().st_size for each in tmp_path.iterdir())
        expected = list(range(1200))
        assert list(read(tmp_path).compute().x) == expected
        assert list(pd.read_parquet(tmp_path).x) == expected
        assert pq.read_table(tmp_path).column("x").to_pylist() == expected
        assert pl.read_parquet(tmp_path, use_pyarrow=True)["x"].to_list() == expected
        assert pl.read_parquet(tmp_path / "*.parquet")["x"].to_list() == expected

    def test_of_an_empty_frame(self, tmp_path: Path) -> None:
        """It has its columns and types."""
        frame = dd.from_pandas(SIX, npartitions=3)
        read_back = passed(frame[frame.x < 0], tmp_path).compute()
        assert len(read_back) == 0
        assert dict(read_back.dtypes) == dict(frame.dtypes)

    def test_of_empty_partitions(self, tmp_path: Path) -> None:
        frame = dd.from_pandas(SIX, npartitions=3)
        some = frame[(frame.x == 2) | (frame.x == 5)]
        assert passed(some, tmp_path).compute().to_dict("list") == {"x": [2, 5], "y": ["c", "f"]}


class TestIndex:
    """It is kept if it says something."""

    def test_unnamed_numbers_are_not_written(self, tmp_path: Path) -> None:
        write(dd.from_pandas(SIX, npartitions=2), tmp_path)
        assert pq.read_schema(tmp_path / "part-00000.parquet").names == ["x", "y"]
        assert list(pd.read_parquet(tmp_path).columns) == ["x", "y"]
        assert pl.read_parquet(tmp_path / "*.parquet").columns == ["x", "y"]

    def test_named(self, tmp_path: Path) -> None:
        """Its divisions are known, so that .loc reads the partitions that it needs."""
        frame = SIX.set_index(pd.Index(range(10, 16), name="k"))
        found = passed(dd.from_pandas(frame, npartitions=3), tmp_path)
        assert found.divisions == (10, 12, 14, 15)
        assert found.loc[12:13].npartitions == 1
        pd.testing.assert_frame_equal(
            found.compute(), frame, check_dtype=False, check_index_type=False
        )
        assert pd.read_parquet(tmp_path).index.name == "k"

    @pytest.mark.parametrize(
        "parts",
        [
            [[0, 1, 2, 2], [2, 3, 4, 4]],
            [[2, 0, 1], [5, 3, 4]],
            [[0.0, np.nan, 1], [2, np.nan]],
            [[5, 6], [1, 2]],
        ],
        ids=["a tie", "unsorted parts", "missing values", "unsorted"],
    )
    def test_that_does_not_increase(self, parts: list[list[float]], tmp_path: Path) -> None:
        """Its divisions are unknown: by them, Dask would find some of the rows only."""
        frames = [pd.DataFrame({"x": each}, index=pd.Index(each, name="k")) for each in parts]
        found = passed(drifting(*frames), tmp_path)
        assert not found.known_divisions
        np.testing.assert_array_equal(found.compute().x, [each for part in parts for each in part])

    @pytest.mark.parametrize("increases", [True, False])
    def test_in_several_row_groups(
        self, increases: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Equal values must not be in two of them."""
        monkeypatch.setattr(partitions, "_ROW_GROUP", 3)
        values = [0, 1, 2, 3] if increases else [0, 1, 1, 2]
        frame = pd.DataFrame({"x": values}, index=pd.Index(values, name="k"))
        assert passed(drifting(frame), tmp_path).known_divisions is increases

    def test_of_files_of_others(self, tmp_path: Path) -> None:
        """Nobody knows whether its values increase within a file."""
        SIX.rename_axis("k").to_parquet(tmp_path / "00000")
        assert not read(tmp_path).known_divisions

    def test_that_differs_in_a_partition(self, tmp_path: Path) -> None:
        named = SIX[:3].rename_axis("k")
        for other, name in ((SIX[3:], "None"), (SIX[3:].rename_axis("j"), "'j'")):
            with pytest.raises(UnwritableError, match=f"partition 1 is named {name}, but 'k' in"):
                write(drifting(named, other), tmp_path / name)
        texts = SIX[3:].set_axis(list("abc"))
        with pytest.raises(UnwritableError, match="the index of partition 1 has the type"):
            write(drifting(SIX[:3], texts), tmp_path / "texts")

    def test_unnamed_times(self, tmp_path: Path) -> None:
        times = pd.date_range("2024-01-01", periods=6)
        found = passed(dd.from_pandas(SIX.set_axis(times), npartitions=2), tmp_path)
        for frame in (found.compute(), pd.read_parquet(tmp_path)):
            assert frame.index.name is None
            assert list(frame.index) == list(times)
            assert list(frame.columns) == ["x", "y"]

    def test_is_left_out_if_columns_are_said_without_it(self, tmp_path: Path) -> None:
        frame = dd.from_pandas(SIX.set_index("y", drop=False).rename_axis("k"), npartitions=2)
        write(frame, tmp_path / "without", ["x"])
        assert pq.read_schema(tmp_path / "without" / "part-00000.parquet").names == ["x"]
        write(frame, tmp_path / "with", ["k", "x"])
        assert read(tmp_path / "with").index.name == "k"


TYPES: dict[str, Any] = {
    "int8": pd.array([1, 2, 3, 4], dtype="int8"),
    "float32": pd.array([0.5, 1, np.nan, 2], dtype="float32"),
    "bool": [True, False, True, False],
    "text": ["a", "b", None, "d"],
    "Int64": pd.array([1, None, 3, 4], dtype="Int64"),
    "boolean": pd.array([True, None, False, True], dtype="boolean"),
    "Float64": pd.array([1.5, None, 3, 4], dtype="Float64"),
    "int64 of arrow": pd.array([1, None, 3, 4], dtype="int64[pyarrow]"),
    "times of arrow": pd.array([pd.Timestamp("2024")] * 4, dtype="timestamp[us][pyarrow]"),
    "nanoseconds": pd.date_range("2024", periods=4).astype("datetime64[ns]"),
    "microseconds": pd.date_range("2024", periods=4).astype("datetime64[us]"),
    "zone": pd.date_range("2024", periods=4, tz="Europe/Berlin"),
    "duration": pd.to_timedelta([1, 2, 3, 4], unit="s"),
}


class TestTypes:
    """They come back as they were."""

    @pytest.mark.parametrize("name", TYPES)
    def test_of_a_column(self, name: str, tmp_path: Path) -> None:
        frame = dd.from_pandas(pd.DataFrame({"x": TYPES[name]}), npartitions=2)
        found = passed(frame, tmp_path)
        assert dict(found.dtypes) == dict(found.compute().dtypes) == dict(frame.dtypes)
        pd.testing.assert_frame_equal(
            found.compute().reset_index(drop=True), frame.compute().reset_index(drop=True)
        )

    @pytest.mark.parametrize("value", [b"x", Decimal("1.5"), [1, 2], {"a": 1}])
    def test_of_objects_that_are_missing_in_some_partitions(
        self, value: object, tmp_path: Path
    ) -> None:
        """All files have the same type, so that every reader accepts them."""
        column = pd.Series([None, None, value, value, None, None], dtype="object")
        write(in_parts(pd.DataFrame({"x": column}), 3), tmp_path)
        schemas = [pq.read_schema(each) for each in sorted(tmp_path.iterdir())]
        assert len({str(each.field("x").type) for each in schemas}) == 1
        assert pl.read_parquet(tmp_path / "*.parquet").height == 6
        found = pd.read_parquet(tmp_path).x
        assert [each is None for each in found] == [True, True, False, False, True, True]

    @pytest.mark.parametrize(
        ("parts", "kind"),
        [
            ([[Decimal("1.5")], [Decimal(100)], [Decimal("0.125")]], "decimal128(6, 3)"),
            ([[[]], [[1]], [None]], "list<element: int64>"),
            ([[{"a": None}], [{"a": [1.5]}]], "struct<a: list<element: double>>"),
        ],
    )
    def test_of_objects_that_tell_less_in_some_partitions(
        self, parts: list[list[object]], kind: str, tmp_path: Path
    ) -> None:
        """Digits, and what lists and dictionaries hold."""
        write(drifting(*map(objects, parts)), tmp_path)
        schemas = [pq.read_schema(each) for each in sorted(tmp_path.iterdir())]
        assert {str(each.field("x").type) for each in schemas} == {kind}
        found = pq.read_table(tmp_path).column("x").to_pylist()
        assert found == [value for part in parts for value in part]

    def test_of_objects_that_are_all_missing(self, tmp_path: Path) -> None:
        column = pd.Series([None, None], dtype="object")
        written = write(in_parts(pd.DataFrame({"x": column}), 2), tmp_path)
        assert written.types == (("x", "null"),)
        assert list(pd.read_parquet(tmp_path).x) == [None, None]

    def test_of_categories(self, tmp_path: Path) -> None:
        """Each partition has its own; pandas gets all of them, Dask gets them unknown."""
        parts = [pd.DataFrame({"x": pd.Categorical([each])}) for each in ("a", "b")]
        frame = drifting(*parts)
        found = passed(frame, tmp_path)
        assert not found.x.cat.known
        assert list(found.compute().x) == ["a", "b"]
        assert list(pd.read_parquet(tmp_path).x.cat.categories) == ["a", "b"]

    def test_of_categories_with_an_order(self, tmp_path: Path) -> None:
        """They must be the same: nobody could put them together."""
        parts = [
            pd.DataFrame({"x": pd.Categorical(["lo"], each, ordered=True)})
            for each in (["lo", "hi"], ["lo", "mid", "hi"])
        ]
        with pytest.raises(UnwritableError, match="categories of the column 'x' differ"):
            write(drifting(*parts), tmp_path / "differ")
        found = passed(drifting(parts[0], parts[0]), tmp_path / "same")
        assert list(found.compute().x) == ["lo", "lo"]

    def test_a_text_is_a_text(self, tmp_path: Path) -> None:
        """Whether its partition has it as an object or as a string of Arrow."""
        arrow = pd.DataFrame({"x": pd.array(["a"], dtype="string[pyarrow]")})
        plain = pd.DataFrame({"x": pd.Series(["b"], dtype="object")})
        write(drifting(arrow, plain), tmp_path)
        assert list(pd.read_parquet(tmp_path).x) == ["a", "b"]

    @given(
        st.lists(
            st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.text(max_size=3)), max_size=4),
            min_size=1,
            max_size=5,
        )
    )
    def test_and_all_values(
        self, tmp_path_factory: pytest.TempPathFactory, parts: list[list[tuple[int, str]]]
    ) -> None:
        kinds = {"x": "int64", "y": "str"}
        frames = [pd.DataFrame(each, columns=["x", "y"]).astype(kinds) for each in parts]
        folder = tmp_path_factory.mktemp("values")
        write(drifting(*frames), folder)
        expected = [row for part in parts for row in part]
        found = pd.read_parquet(folder)
        assert list(zip(found.x, found.y, strict=True)) == expected
        computed = read(folder).compute()
        assert list(zip(computed.x, computed.y, strict=True)) == expected


def other(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Any:
    """A frame whose second partition is changed so."""
    return drifting(SIX[:3], change(SIX[3:]))


class TestPartitionsThatDiffer:
    """They are an error that names partition and column, and nothing is left."""

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            (
                lambda part: part.drop(columns="x"),
                "partition 1 lacks the column 'x', which the frame has. It has: 'y'. ",
            ),
            (
                lambda part: part.assign(z=1),
                "partition 1 has the column 'z', which the frame does not have. ",
            ),
            (
                lambda part: part.astype({"x": "float64"}),
                "the column 'x' has the type double in partition 1, but int64 in the frame. ",
            ),
            (
                lambda part: part.assign(y=1),
                "the column 'y' has the type int64 in partition 1, but large_string in ",
            ),
            (
                lambda part: part.assign(y=pd.Categorical(part.y)),
                "the column 'y' has the type dictionary<",
            ),
            (
                lambda part: part.set_axis(["x", "x"], axis=1),
                "partition 1 has several columns named 'x'",
            ),
        ],
    )
    def test_from_the_frame(self, change: Any, text: str, tmp_path: Path) -> None:
        with pytest.raises(UnwritableError) as caught:
            write(other(change), tmp_path)
        assert str(caught.value).startswith(f"{OUTPUT}: {text}")
        becomes_empty(tmp_path)

    def test_from_each_other(self, tmp_path: Path) -> None:
        """Where the frame does not tell the type."""
        parts = [objects([each]) for each in (b"a", Decimal(1))]
        with pytest.raises(UnwritableError) as caught:
            write(drifting(*parts), tmp_path)
        assert str(caught.value) == (
            f"{OUTPUT}: the column 'x' has the type decimal128(1, 0) in partition 1, but binary in "
            "partition 0. Give all its values one type, such as by astype(...)"
        )
        assert [*tmp_path.iterdir()] == []

    def test_in_what_arrow_cannot_write(self, tmp_path: Path) -> None:
        column = pd.Series([b"a", 1], dtype="object")
        with pytest.raises(UnwritableError, match="the column 'x' of partition 0 cannot be writ"):
            write(in_parts(pd.DataFrame({"x": column, "y": 1}), 1), tmp_path)

    def test_an_order_is_no_difference(self, tmp_path: Path) -> None:
        write(other(lambda part: part[["y", "x"]]), tmp_path)
        assert pd.read_parquet(tmp_path).to_dict("list") == SIX.to_dict("list")

    def test_a_value_that_cannot_be_converted(self, tmp_path: Path) -> None:
        parts = [
            pd.DataFrame({"x": [value]}).astype({"x": f"datetime64[{unit}]"})
            for value, unit in (("2024-01-01", "us"), ("2024-01-01T00:00:00.000000001", "ns"))
        ]
        with pytest.raises(UnwritableError, match="the column 'x' of partition 1 cannot become ti"):
            write(drifting(*parts), tmp_path)

    def test_nor_is_a_unit_of_time(self, tmp_path: Path) -> None:
        parts = [
            pd.DataFrame({"x": pd.date_range("2024", periods=1).astype(f"datetime64[{unit}]")})
            for unit in ("us", "ns")
        ]
        found = passed(drifting(*parts), tmp_path)
        assert list(found.compute().x) == [pd.Timestamp("2024")] * 2


class TestFramesThatParquetCannotHave:
    """They are an error before any work."""

    @pytest.mark.parametrize(
        ("frame", "text"),
        [
            (pd.DataFrame([[1, 2]], columns=["a", 3]), "the name 3 of a column is not a str: "),
            (pd.DataFrame([[1, 2]], columns=["a", "a"]), "several columns are named 'a': rename"),
            (
                pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
                "its columns have several levels, which Parquet does not: join their names",
            ),
            (pd.DataFrame({"a": [1]}).rename_axis("a"), "several columns are named 'a': rename"),
            (pd.DataFrame({"a": [1]}).rename_axis(3), "the name 3 of the index is not a str: "),
            (pd.DataFrame({"a": [1j]}), "it cannot be written as Parquet: "),
        ],
    )
    def test_they_are_rejected(self, frame: pd.DataFrame, text: str, tmp_path: Path) -> None:
        with pytest.raises(UnwritableError) as caught:
            FrameWriter.of(OUTPUT, in_parts(frame, 1), Folder.at(str(tmp_path)))
        assert str(caught.value).startswith(f"{OUTPUT}: {text}")


class TestColumns:
    """Those that a type says."""

    def test_are_read_in_that_order(self, tmp_path: Path) -> None:
        write(dd.from_pandas(SIX, npartitions=2), tmp_path)
        found = read(tmp_path, "y", "x")
        assert list(found.columns) == ["y", "x"]
        assert found.compute().to_dict("list") == {"y": list(SIX.y), "x": list(SIX.x)}

    def test_others_are_not_read(self, tmp_path: Path) -> None:
        """They are left out of the read itself."""
        write(dd.from_pandas(SIX, npartitions=2), tmp_path)
        found = read(tmp_path, "y").optimize(fuse=False).expr
        assert (type(found).__name__, found.operand("columns")) == ("ReadParquetFSSpec", ["y"])

    def test_must_be_there(self, tmp_path: Path) -> None:
        write(dd.from_pandas(SIX, npartitions=2), tmp_path)
        with pytest.raises(UnreadableError) as caught:
            read(tmp_path, "x", "z", "w")
        assert str(caught.value) == (f"{tmp_path} lacks the columns 'z', 'w'. It has: 'x', 'y'")

    def test_are_all_that_is_written(self, tmp_path: Path) -> None:
        write(dd.from_pandas(SIX, npartitions=2), tmp_path, ["y"])
        assert pq.read_schema(tmp_path / "part-00000.parquet").names == ["y"]

    def test_must_be_there_to_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(UnwritableError) as caught:
            write(dd.from_pandas(SIX, npartitions=2), tmp_path, ["y", "z"])
        assert str(caught.value) == (
            f"{OUTPUT}: it lacks the columns 'z', which its type has. It has: 'x', 'y'"
        )


class TestFilesOfOthers:
    """They are read, whoever wrote them."""

    def test_of_several_row_groups(self, tmp_path: Path) -> None:
        """They are split by their size on disk."""
        numbers = np.random.default_rng(1).integers(0, 2**62, 400_000)
        frame = pd.DataFrame({"x": numbers})
        frame.to_parquet(tmp_path / "00000", row_group_size=100_000)  # 0.8 MB each
        assert read(tmp_path).npartitions == 1
        found = read(tmp_path, blocksize=2**20)
        assert found.npartitions == 4
        assert (found.compute().x.to_numpy() == numbers).all()

    @pytest.mark.parametrize("name", ["run[1]", "a*b", "a?b", "a b", "a%20b", "a#b", "ü"])
    def test_in_folders_of_any_name(self, name: str, tmp_path: Path) -> None:
        """Also of one that could be the pattern of another."""
        for folder, value in ((tmp_path / "run1", 1), (tmp_path / name, 2)):
            folder.mkdir()
            pd.DataFrame({"x": [value]}).to_parquet(folder / "00000")
        assert list(read(tmp_path / name).compute().x) == [2]

    def test_that_are_no_parquet(self, tmp_path: Path) -> None:
        (tmp_path / "README").write_text("no data")
        with pytest.raises(UnreadableError, match=f"{tmp_path} cannot be read as Parquet: "):
            read(tmp_path)

    def test_a_single_file(self, tmp_path: Path) -> None:
        SIX.to_parquet(tmp_path / "00000")
        assert list(read(tmp_path / "00000").compute().x) == list(SIX.x)

    def test_of_hive(self, tmp_path: Path) -> None:
        SIX.assign(p=[1, 1, 1, 2, 2, 2]).to_parquet(tmp_path, partition_cols=["p"])
        found = read(tmp_path)
        assert list(found.columns) == ["x", "y", "p"]
        assert found[found.p == 2].x.compute().tolist() == [3, 4, 5]

    def test_of_polars(self, tmp_path: Path) -> None:
        pl.DataFrame({"x": [1, 2]}).write_parquet(tmp_path / "00000")
        assert list(read(tmp_path).compute().x) == [1, 2]

    def test_markers_are_not_data(self, tmp_path: Path) -> None:
        SIX.to_parquet(tmp_path / "part-0.snappy.parquet")
        (tmp_path / "_SUCCESS").touch()
        (tmp_path / ".part-0.snappy.parquet.crc").write_text("crc")
        assert list(read(tmp_path).compute().x) == list(SIX.x)

    def test_none_at_all(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableError, match=f"there are no Parquet files at {tmp_path}"):
            read(tmp_path)


class TestWriting:
    """Nothing is half-written."""

    def test_leftovers_are_rejected(self, tmp_path: Path) -> None:
        """They would be read as a part of it; they stay."""
        write(dd.from_pandas(SIX, npartitions=3), tmp_path)
        before = {each: each.read_bytes() for each in tmp_path.iterdir()}
        with pytest.raises(UnwritableError, match=f"{tmp_path} is not empty"):
            write(dd.from_pandas(SIX, npartitions=2), tmp_path)
        assert {each: each.read_bytes() for each in tmp_path.iterdir()} == before

    def test_two_at_the_same_place_are_rejected(self, tmp_path: Path) -> None:
        frame = dd.from_pandas(SIX, npartitions=1)
        for name in ("rows", "rows/", "rows/inner"):
            folders = [Folder.at(str(tmp_path / "rows")), Folder.at(f"{tmp_path}/{name}")]
            writers = [FrameWriter.of(OUTPUT, frame, each) for each in folders]
            with pytest.raises(UnwritableError, match="two outputs have the uri"):
                write_all(writers, compute)
            assert [*(tmp_path / "rows").iterdir()] == []

    def test_one_that_fails_leaves_nothing_of_any(self, tmp_path: Path) -> None:
        def fail(part: pd.DataFrame) -> pd.DataFrame:
            if part.x.max() > 2:
                raise ZeroDivisionError("mine")
            return part

        good = dd.from_pandas(SIX, npartitions=2)
        bad = good.map_partitions(fail, meta=SIX.iloc[:0], enforce_metadata=False)
        folders = [tmp_path / "good", tmp_path / "bad"]
        writers = [
            FrameWriter.of(OUTPUT, frame, Folder.at(str(folder)))
            for frame, folder in zip((good, bad), folders, strict=True)
        ]
        with pytest.raises(ZeroDivisionError, match="mine"):
            write_all(writers, compute)
        for folder in folders:
            becomes_empty(folder)

    def test_what_is_written_after_a_failure_goes_too(self, tmp_path: Path) -> None:
        """As by a worker that was busy with it."""
        folder = Folder.at(str(tmp_path))
        parts = FrameWriter.of(OUTPUT, dd.from_pandas(SIX, npartitions=2), folder).start()
        folder.empty()
        compute([parts])
        assert [*tmp_path.iterdir()] == []

    def test_what_is_shared_is_done_once(self, tmp_path: Path) -> None:
        seen = list[int]()

        def note(part: pd.DataFrame) -> pd.DataFrame:
            seen.append(len(part))
            return part

        shared = dd.from_pandas(SIX, npartitions=2).map_partitions(note, meta=SIX.iloc[:0])
        frames = (shared[shared.x > 1], shared[shared.x < 4])
        writers = [
            FrameWriter.of(OUTPUT, frame, Folder.at(str(tmp_path / str(number))))
            for number, frame in enumerate(frames)
        ]
        write_all(writers, compute)
        assert seen == [3, 3]

    def test_its_preview_is_of_the_first_rows(self, tmp_path: Path) -> None:
        """And what it holds is escaped."""
        rows = pd.DataFrame({"x": range(100), "y": ["<b>"] * 100})
        frame = dd.from_pandas(rows, npartitions=4)
        preview = write(frame[frame.x > 30], tmp_path).preview
        cells = re.findall("<td>(.*?)</td>", preview)
        assert cells == [each for x in range(31, 41) for each in (str(x), "&lt;b&gt;")]
