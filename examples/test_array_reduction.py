"""Tests as users write them: of a function, with the fixture `dask_session`; a task; a config.

    python -m pytest examples/test_array_reduction.py

pytest finds the fixture by itself where both are installed.
"""

import math

import pandas as pd
import pytest
from distributed import get_task_stream

from examples.array_reduction import RADIUS, SOUTH, WEST, distances, farthest_from
from flyte_dask.advice import advise
from flyte_dask_pytest import OpenSession
from flytekitplugins.dask import presets

CORNER = pd.DataFrame({"lat": [SOUTH], "lon": [WEST]})  # an airport where the grid begins
DEGREE = RADIUS * math.pi / 180  # as long as it is on a meridian


def test_a_function_uses_the_cluster(dask_session: OpenSession) -> None:
    client = dask_session(presets.small(workers=2))
    with get_task_stream(client) as stream:
        computed = distances(1.0, CORNER).compute()
    assert computed.shape == (4, 7, 1)
    assert computed[:, 0, 0] == pytest.approx([0, DEGREE, 2 * DEGREE, 3 * DEGREE])
    assert stream.data


def test_a_task_has_a_cluster_of_its_own() -> None:
    place = farthest_from(airports=CORNER, step=1.0)
    assert (place.latitude, place.longitude) == (40.0, -103.05)


def test_its_config_is_as_it_should_be() -> None:
    config = farthest_from.task_config
    assert config == presets.medium(workers=5)
    assert advise(config) == ()
