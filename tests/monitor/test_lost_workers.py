"""Workers that are gone, or die over their work, end their task in time, in a retryable error."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dask.config
import distributed
import pytest

from flyte_dask_engine.errors import WorkersKilled, WorkersLost
from tests.support import faulty
from tests.support.backend import Cluster, cluster, worker
from tests.support.faults import (
    IMPATIENT,
    LOOK,
    SHORT,
    TRIES,
    TRIES_NOT,
    finish,
    is_retried,
    kill_workers,
    run_and_act,
)
from tests.support.processes import Running
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault


@pytest.fixture
def started() -> Iterator[Cluster]:
    """A worker, which nobody starts again."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made
        kill_workers(made)  # which would wait for their work


@pytest.fixture(scope="module")
def restarting() -> Iterator[Cluster]:
    """Two workers, which their nannies start again."""
    with cluster(workers=2, memory_limit="300MiB", env={**CODE, **IMPATIENT}) as made:
        yield made


class TestTheWorkers:
    """Gone, all or some, or of no use."""

    def test_none_ever(self, tmp_path: Path) -> None:
        with cluster(workers=0) as empty:
            env = {**SHORT, **empty.env, "FLYTE_DASK_WORKER_TIMEOUT": "1.5"}
            done = run_task(faulty.waits, tmp_path, env)
        is_retried(
            done,
            "ClusterUnavailable",
            "tests.support.faulty.waits: 0 of 1 workers were there after 1.5 s.",
            f"min_workers. {TRIES}",
        )

    def test_all_killed(self, started: Cluster, tmp_path: Path) -> None:
        done = run_and_act(faulty.waits, tmp_path, started.env, lambda _: kill_workers(started))
        is_retried(
            done,
            "WorkersLost",
            "tests.support.faulty.waits: for 2 s there was no worker, while work waits (Dask "
            "tasks: 1). "
            f"{LOOK} what keeps workers from coming back. If they only need longer, raise "
            f"Runtime(stall_timeout=...). {TRIES}\nDeaths of workers that were seen:\n",
            "  default-worker-0   gone without a word; when last heard of it used ",
            " MiB of 1.00 GiB",
        )

    def test_all_frozen(self, tmp_path: Path) -> None:
        """Which Dask sees by their heartbeats, after its ``worker-ttl``.

        It would then wait half a minute for nannies, which are frozen too.
        """
        ttl = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "1s"}
        with cluster(workers=1, nannies=False, env={**CODE, **ttl}) as made:
            (only,) = made.workers
            done = run_and_act(
                faulty.waits,
                tmp_path,
                made.env,
                lambda _: os.killpg(only.popen.pid, signal.SIGSTOP),
            )
            kill_workers(made)
        is_retried(done, "WorkersLost", "for 2 s there was no worker, ", "gone without a word")

    def test_all_killed_and_back_in_time(self, started: Cluster, tmp_path: Path) -> None:
        with ExitStack() as stack:

            def act(_: Running) -> None:
                kill_workers(started)
                worker(stack, started.address, 7, env=CODE)
                finish(tmp_path)

            env = {**started.env, "FLYTE_DASK_STALL_TIMEOUT": "30"}
            assert run_and_act(faulty.waits, tmp_path, env, act).result == 1

    def test_one_of_them_killed(self, restarting: Cluster, tmp_path: Path) -> None:
        """Which costs its work another try, and the task nothing."""
        env = {**SHORT, **restarting.env, "ACME_FILE": str(tmp_path / "file")}
        assert run_task(faulty.loses_one, tmp_path, env).result == sum(range(8))

    def test_paused_for_good(self, tmp_path: Path) -> None:
        with cluster(workers=1, memory_limit="300MiB", env=CODE) as small:
            done = run_task(faulty.pauses, tmp_path, {**SHORT, **small.env})
        is_retried(
            done,
            "WorkersLost",
            "tests.support.faulty.pauses: for 2 s no worker (of 1) took work, as happens when "
            "their memory "
            "is full, while work waits (Dask tasks: 1). Raise workers.limits.mem from 512Mi: ",
        )

    def test_killed_while_outputs_are_converted(self, restarting: Cluster, tmp_path: Path) -> None:
        """For what a function returns may be lazy."""
        env = {**restarting.env, "ACME_DEATH": "SIGKILL"}
        done = run_task(faulty.dies_lazily, tmp_path, env)
        is_retried(done, "WorkersKilled", "tests.support.faulty.dies_lazily: workers died ", TRIES)

    def test_whole_pods_killed_again_and_again(self, tmp_path: Path) -> None:
        with cluster(workers=2, env={**CODE, **IMPATIENT}) as made:
            done = run_task(faulty.dies, tmp_path, {**made.env, "ACME_DEATH": "whole pod"})
        is_retried(
            done,
            "WorkersKilled",
            "tests.support.faulty.dies: workers died 2 times over the same work, die-",
            "Nobody told why. Memory is what most often does it; then `kubectl describe pod` says "
            "OOMKilled. If so: Raise workers.limits.mem from 512Mi: ",
            f"{TRIES_NOT}\nDeaths of workers that were seen:\n",
            "gone without a word; when last heard of it used ",
        )


class TestWorkThatKillsItsWorkers:
    """Their nannies know how, and start them again."""

    @pytest.mark.parametrize(
        ("death", "remedy", "evidence"),
        [
            ("SIGKILL", "Nobody told why. Memory is what most often does it;", "killed by SIGKILL"),
            ("SIGSEGV", "Native code crashed: compare the versions", "killed by SIGSEGV"),
            ("7", "A process was ended from within:", "exited with status 7"),
            (
                "memory",
                "Raise workers.limits.mem from 512Mi: with_workers(mem=...); or give a worker less",
                "ended by its nanny near its memory limit, at ",
            ),
        ],
    )
    def test_is_told_apart(
        self, death: str, remedy: str, evidence: str, restarting: Cluster, tmp_path: Path
    ) -> None:
        done = run_task(faulty.dies, tmp_path, {**restarting.env, "ACME_DEATH": death})
        what = "tests.support.faulty.dies: workers died 2 times over the same work, die-"
        is_retried(done, "WorkersKilled", what, remedy, TRIES_NOT, evidence, evidence)


class TestOnThisMachine:
    """The same errors, as far as a local cluster can fail."""

    @pytest.fixture(autouse=True)
    def _impatient(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
        monkeypatch.setenv("FLYTE_DASK_STALL_TIMEOUT", "2")
        monkeypatch.setenv("ACME_FILE", str(tmp_path / "file"))
        with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
            yield
        gc.collect()  # while what the collector says of it is expected

    @pytest.mark.parametrize(
        ("death", "evidence"),
        [("SIGKILL", "killed by SIGKILL"), ("memory", "ended by its nanny near its memory limit")],
    )
    def test_work_that_kills_its_workers(
        self, death: str, evidence: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ACME_DEATH", death)
        task: Any = faulty.dies
        with pytest.raises(WorkersKilled, match=evidence) as caught:
            task()
        assert isinstance(caught.value.__cause__, distributed.KilledWorker)

    def test_no_worker_is_left(self) -> None:
        task: Any = faulty.loses_all
        patient = {"distributed.scheduler.allowed-failures": 3}  # its work may see both die
        with (
            dask.config.set(patient),
            pytest.raises(WorkersLost, match="for 2 s there was no worker"),
        ):
            task()

    def test_a_worker_that_is_lost_costs_a_try(self) -> None:
        task: Any = faulty.loses_one
        assert task() == sum(range(8))
