"""What people use Dask for works in tasks on this machine, whose workers are processes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.workloads import EXPECTED, each_workload, result_here

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of what these libraries use of each other
]


@each_workload
def test_it_works(workload: Any) -> None:
    assert result_here(workload, "processes") == EXPECTED[workload]
