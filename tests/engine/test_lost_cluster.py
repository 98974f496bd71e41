"""A lost cluster under an SDK that retries almost everything: retried, with that SDK's errors."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.backend import Cluster, cluster, worker
from tests.support.faults import IMPATIENT, kill_workers
from tests.support.other_runner import CODE, ON_FLYTE, run_other, run_other_and_act
from tests.support.other_sdk import ATTEMPT

pytestmark = pytest.mark.fault


@pytest.fixture
def started() -> Iterator[Cluster]:
    """A worker that nothing restarts."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made
        kill_workers(made)  # which would wait for their work


def test_a_killed_scheduler(started: Cluster, tmp_path: Path) -> None:
    env = {**started.env, ATTEMPT: "3"}
    done = run_other_and_act("waits", tmp_path, env, lambda: started.scheduler.stop(signal.SIGKILL))
    done.failed(
        "flyte_dask_engine.errors.SchedulerLost",
        f"tests.support.other_tasks.waits: lost the scheduler at {started.address}",
        "attempt 3 of 3",
        "@env.task(retries=4)",
        is_retried=True,
    )


def test_killed_workers(started: Cluster, tmp_path: Path) -> None:
    done = run_other_and_act(
        "waits_without_retries", tmp_path, started.env, lambda: kill_workers(started)
    )
    error = "flyte_dask_engine.errors.WorkersLost"
    done.failed(error, "@env.task(retries=2)", "default-worker-0", is_retried=True)


def test_work_that_kills_its_workers(tmp_path: Path) -> None:
    env = {**CODE, **IMPATIENT}
    with cluster(workers=2, memory_limit="300MiB", env=env) as restarting:
        given = {**ON_FLYTE, **restarting.env, "ACME_DEATH": "SIGKILL"}
        done = run_other("dies", tmp_path, given)
    error = "flyte_dask_engine.errors.WorkersKilled"
    done.failed(error, "killed by SIGKILL", "@env.task(retries=2)", is_retried=True)


def test_workers_that_never_come(tmp_path: Path) -> None:
    with cluster(workers=0) as empty:
        env = {**ON_FLYTE, **empty.env, "FLYTE_DASK_WORKER_TIMEOUT": "1.5"}
        done = run_other("sees", tmp_path, env)
    error = "flyte_dask_engine.errors.ClusterUnavailable"
    done.failed(error, "0 of 2 workers", "@env.task(retries=2)", is_retried=True)


def test_a_worker_that_comes_back_in_time(started: Cluster, tmp_path: Path) -> None:
    with ExitStack() as stack:

        def act() -> None:
            kill_workers(started)
            worker(stack, started.address, 7, env=CODE)
            (tmp_path / "file").touch()

        env = {**started.env, "FLYTE_DASK_STALL_TIMEOUT": "30"}
        assert run_other_and_act("waits", tmp_path, env, act).result == 1
