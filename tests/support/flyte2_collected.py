"""Tasks of Flyte 2 that pass Dask DataFrames."""

# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false
# (attributes of frames, which pyright does not find)

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import Annotated, Any, cast

import dask.dataframe as dd
import flyte
import pandas as pd
from flyte.io import DataFrame

from flyteplugins.flyte_dask import Dask, ReadOptions

ROWS = 24

env = flyte.TaskEnvironment(name="etl", plugin_config=Dask(workers=2).with_runtime(min_workers=2))
plain = flyte.TaskEnvironment(name="plain")


def frame() -> dd.DataFrame:
    """A frame of 12 partitions."""
    plain_frame = pd.DataFrame({"n": range(ROWS), "text": [f"n{each}" for each in range(ROWS)]})
    made: dd.DataFrame = dd.from_pandas(plain_frame, npartitions=12)
    return made


Two = Annotated[dd.DataFrame, OrderedDict(n=int)]


@dataclasses.dataclass
class Both:
    """A frame and a number."""

    frame: DataFrame
    number: int


@env.task
def makes() -> dd.DataFrame:
    return frame()


@env.task
def makes_one_column() -> Two:
    return frame()


@env.task
def wraps() -> DataFrame:
    return DataFrame.wrap_df(frame())


@env.task
def makes_several() -> tuple[dd.DataFrame, list[dd.DataFrame], Both]:
    """One of them in three places."""
    made = frame()
    return made, [made, made[made.n < 3]], Both(DataFrame.wrap_df(made), 3)


@env.task
def sums(rows: dd.DataFrame) -> int:
    return int(rows.n.sum().compute())


@env.task
def counts_partitions(rows: Annotated[dd.DataFrame, ReadOptions(blocksize=1)]) -> int:
    return int(rows.npartitions)


@env.task
async def opens(rows: DataFrame) -> int:
    made: Any = await rows.open(dd.DataFrame).all()
    return int(made.n.sum().compute())


@plain.task
def sums_in_pandas(rows: pd.DataFrame) -> int:
    return int(rows.n.sum())


@plain.task
def makes_without_a_cluster() -> dd.DataFrame:
    return frame()


@env.task(retries=2)
def of_another_type() -> dd.DataFrame:
    """That its annotation does not say."""
    made: Any = pd.DataFrame({"n": [1]})
    return cast("dd.DataFrame", made)


@env.task(retries=2)
def is_said_to_be_pandas() -> pd.DataFrame:
    return cast("pd.DataFrame", frame())


@env.task(retries=2)
def in_two_types() -> dd.DataFrame:
    """In one of its partitions a column has texts."""

    def change(part: Any) -> Any:
        return part.assign(n=part.n.astype(str)) if part.n.iloc[0] == 2 else part

    made: dd.DataFrame = frame().map_partitions(change, meta=frame()._meta)
    return made


@env.task
def reads_csv() -> int:
    """From S3, with no options of its own, as in any program."""
    read: Any = dd.read_csv
    return int(read("s3://acme/in/*.csv").amount.sum().compute())
