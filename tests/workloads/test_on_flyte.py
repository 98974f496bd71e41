"""What people use Dask for works in tasks on Flyte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.backend import Cluster, cluster
from tests.support.runner import CODE, run_task
from tests.support.workloads import EXPECTED, MEMORY, each_workload

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers as Flyte starts them."""
    with cluster(workers=2, memory_limit=MEMORY, env=CODE) as made:
        yield made


@each_workload
def test_it_works(workload: Any, started: Cluster, tmp_path: Path) -> None:
    assert run_task(workload, tmp_path, started.env).result == EXPECTED[workload]
