"""Tests of a function with the fixture `dask_session`, of a task, and of a config.

    python -m pytest examples/test_array_reduction.py

pytest finds the fixture automatically if flyte-dask is installed.
"""

import math

import pandas as pd
import pytest
from distributed import get_task_stream

from examples.array_reduction import RADIUS, SOUTH, WEST, distances, farthest_from
from flyte_dask.advice import advise
from flyte_dask_pytest import OpenSession
from flytekitplugins.dask import presets

CORNER = pd.DataFrame({"lat": [SOUTH], "lon": [WEST]})  # an airport at the first point of the grid
DEGREE = RADIUS * math.pi / 180  # km, along a meridian


def test_a_function_uses_the_cluster(dask_session: OpenSession) -> None:
    client = dask_session(presets.small(workers=2))
    with get_task_stream(client) as stream:
        computed = distances(1.0, CORNER).compute()
    assert computed.shape == (4, 7, 1)
    assert computed[:, 0, 0] == pytest.approx([0, DEGREE, 2 * DEGREE, 3 * DEGREE])
    assert stream.data


def test_a_task_starts_its_own_cluster() -> None:
    place = farthest_from(airports=CORNER, step=1.0)
    assert (place.latitude, place.longitude) == (40.0, -103.05)


def test_its_config_has_no_advice() -> None:
    config = farthest_from.task_config
    assert config == presets.medium(workers=5)
    assert advise(config) == ()
