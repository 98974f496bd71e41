"""Clusters of Flyte 2 tasks that fail: each ends in time, in an error of the right kind."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support import flyte2_tasks as tasks
from tests.support.backend import cluster, scheduler
from tests.support.faults import finish, kill_workers
from tests.support.flyte2_runner import CODE, SHORT, run_and_act, run_task, started

pytestmark = pytest.mark.fault

RETRIED = "This was attempt 1 of 3: Flyte retries the task."
NOT_RETRIED = "The task has retries=0, so it is not retried: set @env.task(retries=2)."


def test_killed_workers(tmp_path: Path) -> None:
    with started() as made:
        done = run_and_act(tasks.waits, tmp_path, made.env, lambda: kill_workers(made))
    texts = "hasty.waits: ", "worker", RETRIED
    done.failed("WorkersLost", *texts, is_retried=True)


def test_killed_workers_of_a_coroutine_function(tmp_path: Path) -> None:
    with started() as made:
        task = tasks.waits_without_retries
        done = run_and_act(task, tmp_path, made.env, lambda: kill_workers(made))
    done.failed("WorkersLost", "hasty.waits_without_retries: ", NOT_RETRIED, is_retried=True)


def test_a_killed_scheduler(tmp_path: Path) -> None:
    with started() as made:
        kill = lambda: made.scheduler.stop(signal.SIGKILL)  # noqa: E731  # an argument
        done = run_and_act(tasks.waits, tmp_path, made.env, kill)
    done.failed("SchedulerLost", "hasty.waits: ", RETRIED, is_retried=True)


def test_a_frozen_scheduler(tmp_path: Path) -> None:
    with started() as made:
        pid = made.scheduler.popen.pid
        done = run_and_act(tasks.waits, tmp_path, made.env, lambda: os.kill(pid, signal.SIGSTOP))
        os.kill(pid, signal.SIGCONT)  # its workers ask it before they end
        finish(tmp_path)
    done.failed("SchedulerLost", "hasty.waits: ", RETRIED, is_retried=True)


def test_work_that_kills_its_workers(tmp_path: Path) -> None:
    impatient = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}
    with cluster(workers=2, env={**CODE, **impatient}) as made:
        env = {**made.env, **SHORT, "ACME_DEATH": "SIGKILL"}
        done = run_task(tasks.dies, tmp_path, env)
    done.failed("WorkersKilled", "etl.dies: ", RETRIED, is_retried=True)


def test_workers_that_never_come(tmp_path: Path) -> None:
    with ExitStack() as stack:
        made = scheduler(stack)
        env = {**made.env, "FLYTE_DASK_WORKER_TIMEOUT": "2"}
        done = run_task(tasks.computes, tmp_path, env)
    done.failed("ClusterUnavailable", "alone.computes: ", is_retried=True)


def test_a_scheduler_that_never_comes(tmp_path: Path) -> None:
    env = {"DASK_SCHEDULER_ADDRESS": "tcp://127.0.0.1:1", "FLYTE_DASK_CONNECT_TIMEOUT": "2"}
    done = run_task(tasks.computes, tmp_path, env)
    done.failed("ClusterUnavailable", "alone.computes: ", is_retried=True)


def test_work_that_no_worker_may_do(tmp_path: Path) -> None:
    with started() as made:
        done = run_task(tasks.needs_a_gpu, tmp_path, {**made.env, **SHORT})
    done.failed("NoValidWorker", "etl.needs_a_gpu: ", "GPU", is_retried=False)


def test_an_output_in_the_cluster(tmp_path: Path) -> None:
    with started() as made:
        done = run_task(tasks.returns_a_future, tmp_path, made.env)
    done.failed("InvalidOutput", "etl.returns_a_future: ", "Future", is_retried=False)


def test_a_cluster_that_the_function_shuts_down(tmp_path: Path) -> None:
    with started() as made:
        done = run_task(tasks.computes_after_shutdown, tmp_path, made.env)
    done.failed("ClusterShutDown", "etl.computes_after_shutdown: ", is_retried=False)


def test_a_module_that_the_cluster_lacks(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "acme_steps.py").write_text("def step(number):\n    return number + 1\n")
    with started() as made:
        env = {**made.env, "PYTHONPATH": f"{CODE['PYTHONPATH']}:{tmp_path / 'lib'}"}
        done = run_task(tasks.uses_a_module, tmp_path / "run", env)
    done.failed("WrongEnvironment", "No module named 'acme_steps'", is_retried=False)


def test_more_workers_than_there_are(tmp_path: Path) -> None:
    with started() as made:
        done = run_task(tasks.waits_for_workers, tmp_path, made.env)
    done.failed("TooFewWorkers", "etl.waits_for_workers: ", is_retried=False)
