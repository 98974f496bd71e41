"""Tasks whose inputs and outputs are Dask collections."""

# pyright: reportReturnType=false, reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalIterable=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportGeneralTypeIssues=false
# (as in examples/: promises, and attributes of frames, which pyright does not find)

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import dask.array as da
import dask.dataframe as dd
import pandas as pd
import pyarrow as pa
from dask.base import tokenize
from dask.delayed import delayed
from flytekit import HashMethod, StructuredDataset, dynamic, kwtypes, map_task, task, workflow
from pydantic import BaseModel

from flytekitplugins.dask import Dask
from tests.support.parts import computed, fail, note, on_worker

TWO = Dask(workers=2).with_runtime(min_workers=2)
ROWS = 24


def frame(rows: int = ROWS, name: str = "frame") -> dd.DataFrame:
    """A frame of 12 partitions."""
    plain = pd.DataFrame({"x": range(rows), "y": [f"n{number}" for number in range(rows)]})
    made = dd.from_pandas(plain, npartitions=12)
    return made.map_partitions(note, name, meta=plain.iloc[:0])


@dataclass
class Both:
    """Two datasets."""

    first: StructuredDataset
    second: StructuredDataset


@task(task_config=TWO, enable_deck=True)
def makes() -> dd.DataFrame:
    """Returns a lazy frame."""
    return frame()


@task
def makes_plainly() -> dd.DataFrame:
    """The same without a cluster."""
    return frame()


@task(task_config=TWO)
def makes_all() -> tuple[
    list[dd.DataFrame],
    dict[str, dd.DataFrame],
    dd.DataFrame | None,
    dd.DataFrame | None,
    Both,
    StructuredDataset,
    Annotated[dd.DataFrame, kwtypes(y=str)],
    da.Array,
]:
    """Returns collections in all places where they can be, which share their work."""
    shared = frame(name="shared")
    some = shared[shared.x > 3]
    first, second = StructuredDataset(dataframe=shared), StructuredDataset(dataframe=some)
    in_list, in_dict = [shared, some], {"a": shared}
    array = da.arange(10, chunks=4)
    return in_list, in_dict, None, some, Both(first, second), first, shared, array


@task
def reads_all(  # noqa: PLR0913, PLR0917  # an input for each output
    in_list: list[dd.DataFrame],
    in_dict: dict[str, dd.DataFrame],
    nothing: dd.DataFrame | None,
    some: dd.DataFrame | None,
    both: Both,
    dataset: StructuredDataset,
    names: dd.DataFrame,
    array: da.Array,
) -> list[int]:
    """The numbers of rows of all."""
    assert nothing is None
    assert some is not None
    opened = [each.open(dd.DataFrame).all() for each in (both.first, both.second, dataset)]
    assert list(names.columns) == ["y"]
    frames = [*in_list, in_dict["a"], some, *opened, names]
    return [*map(len, frames), int(array.sum().compute())]


@workflow
def all_places() -> list[int]:
    """Passes collections in all places."""
    return reads_all(*makes_all())


@task
def sums(rows: pd.DataFrame) -> int:
    """A plain task that reads with pandas."""
    assert list(rows.columns) == ["x", "y"]
    assert rows.x.is_monotonic_increasing
    return int(rows.x.sum())


@task
def sums_arrow(rows: pa.Table) -> int:
    """The same with Arrow."""
    return sum(rows.column("x").to_pylist())


@task(task_config=TWO)
def sums_dask(rows: Annotated[dd.DataFrame, kwtypes(x=int)]) -> int:
    """The same on a cluster."""
    assert list(rows.columns) == ["x"]
    return int(rows.x.sum().compute())


@task
def of_pandas() -> pd.DataFrame:
    """A frame of pandas."""
    return pd.DataFrame({"x": range(ROWS), "y": ["a"] * ROWS})


@task
def of_arrow() -> pa.Table:
    """A table of Arrow."""
    return pa.table({"x": range(ROWS)})


@workflow
def readers() -> tuple[int, int, int, int, int, int]:
    """Every reader with the frame of either writer."""
    made, plain = makes(), makes_plainly()
    rest = sums(rows=plain), sums_dask(rows=of_pandas()), sums_dask(rows=of_arrow())
    return sums(rows=made), sums_arrow(rows=made), sums_dask(rows=made), *rest


class Model(BaseModel):
    """A dataset in a model of pydantic."""

    rows: StructuredDataset


@task(task_config=TWO.with_runtime(client=False))
def in_model() -> Model:
    """Written by workers, too."""
    plain = pd.DataFrame({"x": range(4)})
    made = dd.from_pandas(plain, npartitions=2).map_partitions(on_worker, meta=plain.iloc[:0])
    return Model(rows=StructuredDataset(dataframe=made))


@task
def rows_in_model(model: Model) -> int:
    """The number of rows."""
    return len(model.rows.open(pd.DataFrame).all())


@workflow
def models() -> int:
    """Passes a model."""
    return rows_in_model(model=in_model())


@task(task_config=TWO)
def makes_array() -> da.Array:
    """Returns a lazy array."""
    return da.arange(10, chunks=4)


@task(task_config=TWO)
def sums_array(values: da.Array) -> int:
    """Computes on its cluster."""
    return int(values.sum().compute())


@task(task_config=TWO)
def returns(rows: dd.DataFrame) -> dd.DataFrame:
    """Its input."""
    return rows


@task(task_config=TWO, cache=True, cache_version="1")
def cached(rows: Annotated[dd.DataFrame, HashMethod(tokenize)]) -> int:
    """Computes once for the same rows."""
    computed.append("cached")
    return len(rows)


@task(task_config=TWO)
def hashed(start: int) -> Annotated[dd.DataFrame, HashMethod(tokenize)]:
    """A frame that is known by what it is."""
    plain = pd.DataFrame({"x": range(start, start + 4)})
    return dd.from_pandas(plain, npartitions=2)


@workflow
def caches(start: int) -> int:
    """Passes a hashed frame to a cached task."""
    return cached(rows=hashed(start=start))


@task(task_config=TWO)
def of_number(number: int) -> dd.DataFrame:
    """A frame of that many rows."""
    return dd.from_pandas(pd.DataFrame({"x": range(number)}), npartitions=1)


@task(task_config=TWO)
def rows_of(rows: dd.DataFrame) -> int:
    """The number of rows."""
    return len(rows)


@workflow
def maps() -> list[int]:
    """Maps tasks over numbers, and over frames."""
    return map_task(rows_of)(rows=map_task(of_number)(number=[1, 2, 3]))


@dynamic
def dynamics(number: int) -> int:
    """Passes a frame inside of a dynamic task."""
    return rows_of(rows=of_number(number=number))


@workflow
def dynamically() -> int:
    """A workflow with a dynamic task."""
    return dynamics(number=3)


@task(task_config=TWO)
def of_wrong_type() -> dd.DataFrame:
    """Returns pandas where Dask is annotated."""
    wrong: Any = pd.DataFrame({"x": [1]})
    return wrong


@task(task_config=TWO)
def of_wrong_array() -> da.Array:
    """Returns NumPy where Dask is annotated."""
    wrong: Any = frame().x.compute().to_numpy()
    return wrong


@task(task_config=TWO)
def of_pandas_type() -> pd.DataFrame:
    """Returns Dask where pandas is annotated."""
    wrong: Any = frame()
    return wrong


@task
def of_pandas_type_plainly() -> pd.DataFrame:
    """The same without a cluster."""
    wrong: Any = frame()
    return wrong


@task(task_config=TWO)
def of_optional_pandas() -> pd.DataFrame | None:
    """The same where there may be none."""
    wrong: Any = frame()
    return wrong


@task(task_config=TWO)
def changes(rows: dd.DataFrame) -> dd.DataFrame:
    """Changes its input in place."""
    rows["z"] = 1
    del rows["y"]
    return rows


@task
def changes_array(values: da.Array) -> da.Array:
    """The same, without a cluster."""
    values[values < 3] = 100
    return values


SHARED: dict[str, Any] = {}
"""Collections that tasks make once."""


@task(task_config=TWO)
def returns_shared(path: str) -> dd.DataFrame:
    """The same object each time."""
    if path not in SHARED:
        SHARED[path] = dd.read_csv(path)
    return SHARED[path]


@task(task_config=TWO)
def in_two_types() -> list[dd.DataFrame]:
    """Its second frame has partitions that differ."""
    parts = [pd.DataFrame({"x": [1]}), pd.DataFrame({"z": [1]})]
    bad = dd.from_delayed(
        [delayed(each) for each in parts], meta=parts[0].iloc[:0], verify_meta=False
    )
    return [frame(), bad]


@task(task_config=TWO)
def fails() -> dd.DataFrame:
    """Its partitions fail."""
    return frame().map_partitions(fail, meta=frame()._meta)


@task(task_config=TWO)
def persisted() -> dd.DataFrame:
    """Refers to its cluster."""
    return frame().persist()


@task(task_config=TWO.with_runtime(client=False))
def without_client() -> dd.DataFrame:
    """The cluster writes its frame, although its client is not Dask's default."""
    plain = pd.DataFrame({"x": range(4)})
    return dd.from_pandas(plain, npartitions=2).map_partitions(on_worker, meta=plain.iloc[:0])


@task(task_config=TWO)
def at(uri: str, rows: int) -> StructuredDataset:
    """Writes so many rows to *uri*."""
    return StructuredDataset(dataframe=frame(rows), uri=uri)
