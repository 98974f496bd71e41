"""The cluster that the tests of the monitor harm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.backend import Cluster, cluster
from tests.support.faults import kill_workers
from tests.support.runner import CODE


@pytest.fixture
def started() -> Iterator[Cluster]:
    """One worker, which is not restarted."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made
        kill_workers(made)  # otherwise their end waits for their work
