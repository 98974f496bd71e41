"""A cluster of the backend of Flyte 2."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backend import Cluster
from tests.support.flyte2_runner import started


@pytest.fixture(scope="module")
def two() -> Iterator[Cluster]:
    """A scheduler and two workers."""
    with started() as made:
        yield made
