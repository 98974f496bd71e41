"""A session under an SDK that is not flytekit: the cluster is used, and the log is that SDK's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Cluster, cluster
from tests.support.other_runner import CODE, ON_FLYTE, run_other
from tests.support.other_sdk import LEVEL

pytestmark = pytest.mark.once

NAMES = ["default-worker-0", "default-worker-1"]


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, nannies=False, env=CODE) as made:
        yield made


def test_a_bare_compute_uses_the_cluster(started: Cluster, tmp_path: Path) -> None:
    """It runs in the thread in which this SDK calls the function."""
    done = run_other("sees", tmp_path, {**ON_FLYTE, **started.env})
    assert done.result == {
        "bare compute": NAMES,
        "own client joined": True,
        "in this process": False,
        "SDKs in the cluster": [[], [], []],
    }
    name = "tests.support.other_tasks.sees"
    start = f"other_sdk.runtime INFO {name}: cluster at {started.address}; "
    assert [line for line in done.log.splitlines() if line.startswith(start)]


def test_a_warning_names_the_sdks_decorator(started: Cluster, tmp_path: Path) -> None:
    done = run_other("idles", tmp_path, {**ON_FLYTE, **started.env})
    (warning,) = [line for line in done.log.splitlines() if "other_sdk.runtime WARNING" in line]
    assert "@env.task" in warning


def test_the_sdks_variable_sets_the_level_of_the_log(started: Cluster, tmp_path: Path) -> None:
    done = run_other("idles", tmp_path, {**ON_FLYTE, **started.env, LEVEL: "ERROR"})
    assert done.result == 1
    assert "other_sdk" not in done.log


def test_an_error_of_the_function_is_its_own(started: Cluster, tmp_path: Path) -> None:
    """It stays in the SDK's wrapper, which decides on retries."""
    done = run_other("divides_by_zero", tmp_path, {**ON_FLYTE, **started.env})
    error = "tests.support.other_sdk.FunctionError"
    done.failed(error, "ZeroDivisionError", is_retried=True, is_own_class=False)


def test_without_a_cluster_on_flyte_it_fails_for_good(tmp_path: Path) -> None:
    done = run_other("sees", tmp_path, ON_FLYTE)
    error = "tests.support.other_sdk.NoCluster"
    done.failed(error, "DASK_SCHEDULER_ADDRESS", "@env.task", is_retried=False)
