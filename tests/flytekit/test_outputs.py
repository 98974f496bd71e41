"""A task whose output refers to its cluster: an error that names the output, in local calls too."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import dask.array as da
import dask.dataframe as dd
import pandas as pd
import pytest
from distributed import default_client
from flytekit import StructuredDataset, map_task, task, workflow

from flytekitplugins.dask import Dask
from flytekitplugins.dask.errors import InvalidOutput

pytestmark = pytest.mark.filterwarnings(
    "ignore:Unsupported Type", "ignore:.*Sending large graph:UserWarning"
)

ONE = Dask()


def frame() -> Any:
    return dd.from_pandas(pd.DataFrame({"x": range(4)}), npartitions=2)


class Named(NamedTuple):
    """The outputs of a task."""

    total: int
    rows: Any


class Single(NamedTuple):
    """The only output of a task."""

    rows: Any


@task(task_config=ONE)
def named() -> Named:
    return Named(1, frame().persist())


@task(task_config=ONE)
def single() -> Single:
    return Single(frame().persist())


@task(task_config=ONE)
def several() -> tuple[int, list[Any]]:
    return 1, [da.ones(4, chunks=2).persist()]


@task(task_config=ONE)
def dataset() -> StructuredDataset:
    return StructuredDataset(dataframe=frame().persist())


@task(task_config=ONE, cache=True, cache_version="1")
def cached() -> dict[str, Any]:
    return {"a": default_client().submit(sum, [1, 2])}


@task(task_config=ONE)
async def awaited() -> Any:
    return default_client().submit(list, [1, 2], actor=True).result()


@task(task_config=ONE)
def mapped(number: int) -> Any:
    return default_client().submit(sum, [number])


@workflow
def flow() -> None:
    cached()


@workflow
def maps() -> None:
    map_task(mapped)(number=[1])


async def call(made: Any) -> object:
    """Call a task or workflow, and await what it returns if that is a coroutine."""
    result: Any = made()
    return await result if made is awaited else result


@pytest.mark.parametrize(
    ("made", "output"),
    [
        (named, "rows is a Dask DataFrame"),
        (single, "rows is a Dask DataFrame"),
        (several, "o1[0] is a Dask Array"),
        (dataset, "o0.dataframe is a Dask DataFrame"),
        (cached, "o0['a'] is a Future"),
        (awaited, "o0 is an Actor"),
        (flow, "o0['a'] is a Future"),
        (maps, "o0 is a Future"),
    ],
    ids=["named", "single", "several", "dataset", "cached", "awaited", "flow", "maps"],
)
def test_it_is_an_error_of_the_task(made: Any, output: str) -> None:
    with pytest.raises(InvalidOutput) as caught:
        asyncio.run(call(made))
    assert f": the output {output}" in str(caught.value)
    assert "which ends with the task: return " in str(caught.value)


@task(task_config=ONE)
def lazy() -> tuple[Any, list[Any], pd.DataFrame]:
    rows = frame()
    return rows, [da.ones(4, chunks=2)], rows.compute()


def test_lazy_collections_are_outputs_as_before() -> None:
    outputs: Any = lazy()
    rows, (ones,), computed = outputs
    assert rows.x.sum().compute() == 6
    assert ones.sum().compute() == 4
    assert list(computed.x) == [0, 1, 2, 3]
