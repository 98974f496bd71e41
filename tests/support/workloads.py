"""Tasks as people write them, with the libraries that they use Dask through.

Each checks what it computed with what one process computes, and returns something to compare.
"""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import distributed
import numpy as np
import pandas as pd
import pytest
from dask import config
from dask.base import compute
from dask.delayed import delayed
from flytekit import task

from flyte_dask import Resources, WorkerGroup
from flytekitplugins.dask import Dask
from tests.support.using import spilled

from_array: Any = da.from_array

MEMORY = "640Mi"
"""The memory of a worker: less than the frames need."""

TWO = Dask(workers=WorkerGroup(2, limits=Resources(cpu=1, mem=MEMORY))).with_runtime(min_workers=2)

PARTS, ROWS, KEYS = 16, 400_000, 1_000
"""The partitions of a frame, the rows of one, and the different keys."""


def rows(part: int) -> Any:
    """A partition: 16 MB."""
    numbers = np.arange(part * ROWS, (part + 1) * ROWS)
    wide = {f"x{each}": numbers * 0.5 for each in range(3)}
    return pd.DataFrame({"key": numbers * 7919 % KEYS, "value": numbers, **wide})


def names() -> Any:
    """A name for each of the even keys."""
    keys = np.arange(0, KEYS, 2)
    return pd.DataFrame({"key": keys, "name": [f"key {each}" for each in keys]})


@task(task_config=TWO)
def merges() -> int:
    """A merge and a shuffle of Parquet files; what limits of memory have no room for is spilled."""
    client: Any = distributed.default_client()
    read: Any = dd.read_parquet
    with (
        tempfile.TemporaryDirectory() as folder,
        config.set({"dataframe.shuffle.method": "p2p"}),
    ):
        large: Any = dd.from_map(rows, range(PARTS))
        large.to_parquet(f"{folder}/large")
        small: Any = dd.from_pandas(names(), npartitions=4)
        small.to_parquet(f"{folder}/small")
        kept = read(f"{folder}/large").persist()
        distributed.wait(kept)
        merged = kept.merge(read(f"{folder}/small"), on="key", how="inner", broadcast=False)
        sums = merged.groupby("name").value.sum(split_out=2).compute()
        shuffled = kept[["key", "value"]].shuffle("key")
        places = shuffled.map_partitions(lambda part: part.key.drop_duplicates()).compute()
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert (spilled(client) > 0) == any(each["memory_limit"] for each in workers)
    numbers = np.arange(PARTS * ROWS)
    keys = numbers * 7919 % KEYS
    even = keys % 2 == 0
    assert dict(sums) == {
        f"key {key}": total
        for key, total in enumerate(np.bincount(keys[even], numbers[even], KEYS))
        if key % 2 == 0
    }
    assert sorted(places) == list(range(KEYS)), "each key is in one partition"
    return len(sums)


@task(task_config=TWO)
def reduces_arrays() -> str:
    """Reductions, a matrix product, and overlapping chunks."""
    numbers = np.arange(2_000 * 600, dtype=float).reshape(2_000, 600) % 97
    array: Any = from_array(numbers, chunks=(250, 200))
    found = compute(
        array.mean(axis=0), array.std(), (array.T @ array).trace(), da.percentile(array[0], 50)
    )
    expected = numbers.mean(axis=0), numbers.std(), (numbers**2).sum(), np.median(numbers[0])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other)
    smoothed = array.map_overlap(lambda block: block * 2, depth=1, boundary="reflect")
    return json.dumps(int(smoothed.sum().compute()))


@task(task_config=TWO)
def counts_words() -> str:
    """A bag of texts: counts, groups, and the largest."""
    words = [f"word{each * each % 13}" for each in range(5_000)]
    bag: Any = db.from_sequence(words, npartitions=20)
    counts = dict(bag.frequencies().compute())
    lengths = dict(bag.foldby(len, lambda total, _: total + 1, 0, sum_pairs, 0).compute())
    return json.dumps([counts["word0"], lengths, bag.topk(1).compute()])


def sum_pairs(one: int, other: int) -> int:
    """A sum, for a fold."""
    return one + other


class Counter:
    """An actor."""

    total = 0

    def add(self, number: int) -> int:
        """The total, with *number*."""
        self.total += number
        return self.total


@task(task_config=TWO)
def acts() -> int:
    """An actor whose state two callers change."""
    client: Any = distributed.default_client()
    counter: Any = client.submit(Counter, actor=True).result()
    for each in [counter.add(number) for number in range(10)]:
        each.result()
    client.submit(adds, counter, 5).result()
    return int(counter.total)


def adds(counter: Any, number: int) -> int:
    """Adds to an actor, on a worker."""
    return int(counter.add(number).result())


def takes_turns(number: int) -> int:
    """A task that has a lock while it puts a number into a queue, and waits for an event."""
    with distributed.Lock("turn"):
        distributed.Queue("numbers").put(number)
    distributed.Event("enough").wait(timeout="60 s")
    factor: Any = distributed.Variable("factor")
    with distributed.Semaphore(max_leases=1, name="one"):
        return number * int(factor.get(timeout="60 s"))


@task(task_config=TWO)
def coordinates() -> int:
    """Queues, locks, events, variables and semaphores."""
    client: Any = distributed.default_client()
    _ = distributed.Semaphore(max_leases=1, name="one")
    distributed.Variable("factor").set(3)
    futures = client.map(takes_turns, range(2))
    numbers: Any = distributed.Queue("numbers")
    seen = sorted(numbers.get(timeout="60 s") for _ in futures)
    assert seen == [0, 1]
    distributed.Event("enough").set()
    return sum(client.gather(futures))


def fibonacci(number: int) -> int:
    """A task that submits others, and waits for them."""
    if number < 2:
        return number
    with distributed.worker_client() as found:
        client: Any = found
        both = [client.submit(fibonacci, number - each) for each in (1, 2)]
        return sum(client.gather(both))


def secedes(number: int) -> int:
    """A task that leaves its thread while it waits for others, and comes back."""
    client: Any = distributed.get_client()
    futures = client.map(abs, range(-number, 0))
    distributed.secede()
    found = sum(client.gather(futures))
    distributed.rejoin()
    return int(found)


@task(task_config=TWO)
def nests() -> str:
    """Clients in tasks."""
    client: Any = distributed.default_client()
    nested = client.submit(fibonacci, 8).result()
    return json.dumps([nested, client.gather(client.map(secedes, range(1, 6)))])


@task(task_config=TWO)
def maps() -> int:
    """20,000 futures, and a sum of their results as a tree."""
    client: Any = distributed.default_client()
    level: list[Any] = client.map(abs, range(-20_000, 0))
    while len(level) > 1:
        level = client.map(sum, [level[each : each + 100] for each in range(0, len(level), 100)])
    return int(level[0].result())


def samples() -> tuple[Any, Any]:
    """Chunked samples, and what a model is to predict of each."""
    random = np.random.default_rng(0)
    values = random.random((4_000, 4))
    chunked: Any = from_array(values, chunks=(1_000, 4))
    wanted: Any = from_array(values @ [1.0, 2.0, 0.0, -1.0], chunks=1_000)
    return chunked, wanted


@task(task_config=TWO)
def trains_xgboost() -> str:
    """Training on all workers, and a prediction."""
    import xgboost.dask  # here, since collection of tests would take seconds longer

    client: Any = distributed.default_client()
    values, wanted = samples()
    boosting: Any = xgboost.dask
    matrix = boosting.DaskDMatrix(client, values, wanted)
    given = {"max_depth": 3, "tree_method": "hist", "nthread": 1}
    trained = boosting.train(client, given, matrix, num_boost_round=20)
    found = boosting.predict(client, trained, values).compute()
    return _quality(found, wanted)


@task(task_config=TWO)
def trains_lightgbm() -> str:
    """Training, and a prediction."""
    import lightgbm  # as above

    values, wanted = samples()
    regressor: Any = lightgbm.DaskLGBMRegressor
    model = regressor(n_estimators=40, num_leaves=8, verbose=-1, n_jobs=1)
    model.fit(values, wanted)
    return _quality(model.predict(values).compute(), wanted)


def _quality(found: Any, wanted: Any) -> str:
    """Whether a model has learned something, as its errors tell."""
    errors = np.asarray(found) - wanted.compute()
    return json.dumps(bool(errors.std() < 0.3 * wanted.std().compute()))


@task(task_config=TWO)
def averages_grids() -> str:
    """A dataset of xarray, written to Zarr and read, and its averages by month."""
    import xarray as xr  # as above

    days = pd.date_range("2024-01-01", periods=366)
    heat = np.arange(366 * 40, dtype=float).reshape(366, 40)
    made = xr.Dataset({"heat": (("day", "place"), heat)}, {"day": days}).chunk(day=61)
    with tempfile.TemporaryDirectory() as folder:
        made.to_zarr(Path(folder) / "grid.zarr")
        read = xr.open_zarr(Path(folder) / "grid.zarr")
        means = read.heat.groupby("day.month").mean().compute()
    expected = pd.DataFrame(heat, days).groupby(days.month).mean().to_numpy()
    np.testing.assert_allclose(means, expected)
    return json.dumps(dict(means.sizes))


@task(task_config=TWO)
def runs_joblib() -> int:
    """The parallel loops of joblib, as scikit-learn uses them."""
    import joblib  # as above

    with joblib.parallel_config(backend="dask"):
        parallel: Any = joblib.Parallel()
        return sum(parallel(joblib.delayed(pow)(each, 2) for each in range(200)))


@task(task_config=TWO)
def publishes() -> int:
    """Delayed calls that share one, and results that another client finds by their name."""
    client: Any = distributed.default_client()
    shared = delayed(sum)(range(100))
    total = delayed(sum)([shared, shared, delayed(len)("ten")])
    client.publish_dataset(total=total.persist())
    with distributed.Client() as found:
        other: Any = found
        return int(other.get_dataset("total").compute())


EXPECTED: dict[Any, object] = {
    merges: 500,
    reduces_arrays: 115_198_908,
    counts_words: [385, {"5": 3461, "6": 1539}, ["word9"]],
    acts: 50,
    coordinates: 3,
    nests: [21, [1, 3, 6, 10, 15]],
    maps: 200_010_000,
    trains_xgboost: True,
    trains_lightgbm: True,
    averages_grids: {"month": 12, "place": 40},
    runs_joblib: 2_646_700,
    publishes: 9_903,
}
"""What each returns, from JSON."""

each_workload = pytest.mark.parametrize(
    "workload", EXPECTED, ids=[each.name.rpartition(".")[2] for each in EXPECTED]
)


def result_here(workload: Any, local: str) -> object:
    """What a workload returns on this machine, from JSON."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FLYTE_DASK_LOCAL", local)
        found = workload()
    return json.loads(found) if isinstance(found, str) else found
