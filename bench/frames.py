"""Tasks that pass a frame of about 1 GB: collected in the runner, or written by the workers."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import numpy as np
import pandas as pd
from flytekit import task

from flytekitplugins.dask import Dask

PARTITIONS, ROWS = 20, 900_000
TWO = Dask(workers=2).with_runtime(min_workers=2)


def part(number: int) -> pd.DataFrame:
    """A partition of 43 MB."""
    random = np.random.default_rng(number)
    rows: pd.DataFrame = pd.DataFrame(
        {
            "day": np.repeat(np.arange(ROWS // 1000), 1000),
            "price": random.random(ROWS),
            "tax": random.random(ROWS),
            "shop": random.integers(0, 50_000, ROWS),
            "amount": random.integers(0, 100, ROWS),
            "discount": random.random(ROWS),
        }
    )
    return rows


def frame() -> Any:
    """All partitions, which the workers generate."""
    return dd.from_map(part, range(PARTITIONS))


@task(task_config=TWO)
def collects() -> pd.DataFrame:
    """Pulls all of it into the runner, whose handler of pandas writes it."""
    made: pd.DataFrame = frame().compute()
    return made


@task(task_config=TWO)
def writes() -> dd.DataFrame:
    """Lets the workers write it."""
    made: dd.DataFrame = frame()
    return made


@task(task_config=TWO)
def reads_in_runner(rows: pd.DataFrame) -> float:
    """Reads all of it in the runner, and distributes it."""
    return float(dd.from_pandas(rows, npartitions=PARTITIONS).price.mean().compute())


@task(task_config=TWO)
def reads(rows: dd.DataFrame) -> float:
    """Lets the workers read it."""
    prices: Any = rows["price"]
    return float(prices.mean().compute())
