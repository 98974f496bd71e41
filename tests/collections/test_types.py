"""Dask collections pass between tasks of flytekit, as local runs show."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import dask.dataframe as dd
import pandas as pd
import pytest
from flytekit import StructuredDataset, kwtypes, task
from flytekit.core.local_cache import LocalTaskCache
from flytekit.core.type_engine import TypeTransformerFailedError

from flyte_dask.errors import InvalidConfig
from flyte_dask_engine.collections.options import ReadOptions
from flyte_dask_engine.collections.places import place_of
from flytekitplugins.dask.errors import InvalidOutput
from tests.support import collected
from tests.support.collected import ROWS, frame
from tests.support.parts import computed, needs_arrays

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The inplace keyword"),  # of Dask itself
    pytest.mark.filterwarnings("ignore:.*Sending large graph:UserWarning"),
]

SUM = sum(range(ROWS))


@pytest.fixture(autouse=True)
def _nothing_computed() -> None:
    computed.clear()


class TestTheyPass:
    """From task to task, by their place in the blob store."""

    @needs_arrays
    def test_in_all_places(self) -> None:
        """In containers, dataclasses and datasets; what they share is computed once."""
        some = ROWS - 4
        rows = [ROWS, some, ROWS, some, ROWS, some, ROWS, ROWS]
        passed: Any = collected.all_places()
        assert passed == [*rows, sum(range(10))]
        assert computed == ["shared"] * 12

    def test_to_all_readers(self) -> None:
        read: Any = collected.readers()
        assert read == (SUM,) * 6

    def test_unchanged(self) -> None:
        """Then they are not written again."""
        made: Any = collected.makes()
        returned: Any = collected.returns(rows=made)
        place, of_input = place_of(returned), place_of(made)
        assert place is not None
        assert of_input is not None
        assert place.uri == of_input.uri

    def test_in_models_of_pydantic(self) -> None:
        passed: Any = collected.models()
        assert passed == 4

    @needs_arrays
    def test_changed_in_place(self) -> None:
        """Then they are written, although they are the same objects."""
        made: Any = collected.makes()
        changed: Any = collected.changes(rows=made)
        assert list(changed.columns) == ["x", "z"]
        assert list(changed.z.compute()) == [1] * ROWS
        array: Any = collected.makes_array()
        values: Any = collected.changes_array(values=array)
        assert list(values.compute()) == [100, 100, 100, *range(3, 10)]

    def test_again_for_each_execution(self, tmp_path: Path) -> None:
        """A collection of the module is computed from what there is now."""
        for value in (1, 2):
            (tmp_path / "rows.csv").write_text(f"x\n{value}\n")
            returned: Any = collected.returns_shared(path=str(tmp_path / "rows.csv"))
            assert list(returned.x.compute()) == [value]

    def test_of_map_tasks(self) -> None:
        mapped: Any = collected.maps()
        assert mapped == [1, 2, 3]

    def test_of_dynamic_tasks(self) -> None:
        built: Any = collected.dynamically()
        assert built == 3

    def test_of_cached_tasks(self) -> None:
        """Known by what they hold, not by where they are."""
        LocalTaskCache.clear()
        assert [collected.caches(start=each) for each in (1, 1, 2)] == [4, 4, 4]
        assert computed.count("cached") == 2

    def test_without_a_default_client(self) -> None:
        made: Any = collected.without_client()
        assert list(made.compute().x) == [0, 1, 2, 3]


class TestErrors:
    """They are those of the task that returns the collection, and name the output."""

    @pytest.mark.parametrize(
        ("made", "text"),
        [
            (
                collected.of_wrong_type,
                (
                    "the type of the output o0 is dask.dataframe.DataFrame, but it is a "
                    "pandas.DataFrame: change the type, or the value, such as by "
                    "dask.dataframe.from_pandas(frame, npartitions=1)"
                ),
            ),
            pytest.param(
                collected.of_wrong_array,
                (
                    "the type of the value is dask.array.Array, but it is a numpy.ndarray: change "
                    "the type, or the value, such as by dask.array.from_array(values)"
                ),
                marks=needs_arrays,
            ),
            (
                collected.of_pandas_type,
                (
                    "the output o0 is a Dask DataFrame, but its type is pandas.DataFrame: return "
                    "frame.compute(), or annotate dask.dataframe.DataFrame, which the workers write"
                ),
            ),
            (
                collected.in_two_types,
                (
                    "in_two_types: the output o0[1]: partition 1 lacks the column 'x', which the "
                    "frame has. It has: 'z'. "
                ),
            ),
            (
                collected.persisted,
                "the output o0 is a Dask DataFrame that is persisted, or made of futures.",
            ),
        ],
    )
    def test_of_the_output(self, made: Any, text: str) -> None:
        with pytest.raises(InvalidOutput) as caught:
            made()
        assert text in str(caught.value)

    def test_of_a_partition_is_the_users_own(self) -> None:
        with pytest.raises(LookupError, match=r"\('mine', 2\)"):
            collected.fails()

    def test_of_a_missing_column(self, tmp_path: Path) -> None:
        pd.DataFrame({"y": [1]}).to_parquet(tmp_path / "00000")
        rows: Any = StructuredDataset(uri=str(tmp_path), file_format="parquet")
        with pytest.raises(TypeTransformerFailedError, match=r"lacks the columns 'x'. It has: 'y'"):
            collected.sums_dask(rows=rows)

    def test_of_a_value_that_a_local_run_passes(self) -> None:
        rows: Any = dd.from_pandas(pd.DataFrame({"y": [1]}), npartitions=1)
        with pytest.raises(InvalidOutput) as caught:
            collected.sums_dask(rows=rows)
        assert str(caught.value) == (
            "the Dask DataFrame: it lacks the columns 'x', which its type has. It has: 'y'"
        )

    def test_of_a_plain_task_too(self) -> None:
        """Flytekit itself would write the rows, in the order of the names of files."""
        for made in (collected.of_pandas_type_plainly, collected.of_optional_pandas):
            with pytest.raises(InvalidOutput, match=r"its type is pandas\.DataFrame: "):
                made()

    def test_of_leftovers(self, tmp_path: Path) -> None:
        """A smaller frame at the same place would keep some files of the larger one."""
        fixed = tmp_path / "fixed"
        collected.at(uri=str(fixed), rows=24)
        before = sorted(fixed.iterdir())
        with pytest.raises(InvalidOutput, match="is not empty: its files would be mixed"):
            collected.at(uri=str(fixed), rows=2)
        assert sorted(fixed.iterdir()) == before


class TestReadOptions:
    """How an input is split is an annotation of its type."""

    def test_a_blocksize(self, tmp_path: Path) -> None:
        """And columns beside it, also where somebody looked for annotations of the class."""
        assert inspect.get_annotations(ReadOptions) == {}
        assert ReadOptions.__annotations__ == {}  # Python keeps them from now on
        plain = pd.DataFrame({"x": range(200_000), "y": 1})
        plain.to_parquet(tmp_path / "00000", row_group_size=50_000)

        @task
        def parts(
            one: dd.DataFrame,
            four: Annotated[dd.DataFrame, kwtypes(x=int), ReadOptions(blocksize="64Ki")],
        ) -> list[str]:
            return [str(one.npartitions), str(four.npartitions), *four.columns]

        where: Any = StructuredDataset(uri=str(tmp_path), file_format="parquet")
        found: Any = parts(one=where, four=where)
        assert found == ["1", "4", "x"]

    @pytest.mark.parametrize("value", ["64Mb", "", 0, -1, None, 1.5, "1m"])
    def test_others_are_an_error(self, value: Any) -> None:
        with pytest.raises(InvalidConfig, match=r"blocksize .* is not an amount of bytes"):
            ReadOptions(blocksize=value)

    def test_it_is_a_value(self) -> None:
        assert ReadOptions(blocksize="1Mi") == ReadOptions(blocksize=2**20)
        assert len({ReadOptions(blocksize="1Mi"), ReadOptions(blocksize=2**20)}) == 1
        assert repr(ReadOptions(blocksize="1Mi")) == "ReadOptions(blocksize=1048576)"


def test_what_is_not_annotated_stays_lazy() -> None:
    """An output of any type is pickled, as before."""

    @task(task_config=collected.TWO)
    def anything() -> Any:
        return frame()

    returned: Any = anything()
    assert len(returned.compute()) == ROWS
