"""Workers that are lost, or killed by their work, end their task in a retryable error in time."""

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
    NOT_RETRIED,
    RETRIED,
    SHORT,
    finish,
    is_retried,
    kill_workers,
    run_and_act,
)
from tests.support.processes import Running
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def restarting() -> Iterator[Cluster]:
    """Two workers, which their nannies restart."""
    with cluster(workers=2, memory_limit="300MiB", env={**CODE, **IMPATIENT}) as made:
        yield made


class TestTheWorkers:
    """Lost, all or some, or paused."""

    def test_no_worker_ever_connects(self, tmp_path: Path) -> None:
        with cluster(workers=0) as empty:
            env = {**SHORT, **empty.env, "FLYTE_DASK_WORKER_TIMEOUT": "1.5"}
            done = run_task(faulty.waits, tmp_path, env)
        is_retried(
            done,
            "ClusterUnavailable",
            "tests.support.faulty.waits: only 0 of 1 workers joined within 1.5 s.",
            f"min_workers. {RETRIED}",
        )

    def test_all_killed(self, started: Cluster, tmp_path: Path) -> None:
        done = run_and_act(faulty.waits, tmp_path, started.env, lambda _: kill_workers(started))
        is_retried(
            done,
            "WorkersLost",
            "tests.support.faulty.waits: there was no worker for 2 s while 1 Dask task waited. "
            f"{LOOK} why no worker came back. If they only need more time, raise "
            f"Runtime(stall_timeout=...). {RETRIED}\nWorker deaths:\n",
            "  default-worker-0   cause unknown; last reported memory: ",
            " MiB of 1.00 GiB",
        )

    def test_all_frozen(self, tmp_path: Path) -> None:
        """Dask notices it by missing heartbeats, after its ``worker-ttl``.

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
        is_retried(done, "WorkersLost", "there was no worker for 2 s ", "cause unknown")

    def test_all_killed_and_back_in_time(self, started: Cluster, tmp_path: Path) -> None:
        with ExitStack() as stack:

            def act(_: Running) -> None:
                kill_workers(started)
                worker(stack, started.address, 7, env=CODE)
                finish(tmp_path)

            env = {**started.env, "FLYTE_DASK_STALL_TIMEOUT": "30"}
            assert run_and_act(faulty.waits, tmp_path, env, act).result == 1

    def test_one_of_them_killed(self, restarting: Cluster, tmp_path: Path) -> None:
        """Its work is retried, and the task does not notice."""
        env = {**SHORT, **restarting.env, "ACME_FILE": str(tmp_path / "file")}
        assert run_task(faulty.loses_one, tmp_path, env).result == sum(range(8))

    def test_paused_for_good(self, tmp_path: Path) -> None:
        with cluster(workers=1, memory_limit="300MiB", env=CODE) as small:
            done = run_task(faulty.pauses, tmp_path, {**SHORT, **small.env})
        is_retried(
            done,
            "WorkersLost",
            "tests.support.faulty.pauses: no worker (of 1) accepted tasks for 2 s while 1 Dask "
            "task waited, as happens when their memory is full. Raise workers.limits.mem from "
            "512Mi: ",
        )

    def test_killed_while_outputs_are_converted(self, restarting: Cluster, tmp_path: Path) -> None:
        """The value that a function returns may be lazy."""
        env = {**restarting.env, "ACME_DEATH": "SIGKILL"}
        done = run_task(faulty.dies_lazily, tmp_path, env)
        what = "tests.support.faulty.dies_lazily: Dask task die-"
        killed = " killed 2 workers. "
        is_retried(done, "WorkersKilled", what, killed, RETRIED, "killed by SIGKILL")

    def test_whole_pods_killed_again_and_again(self, tmp_path: Path) -> None:
        with cluster(workers=2, env={**CODE, **IMPATIENT}) as made:
            done = run_task(faulty.dies, tmp_path, {**made.env, "ACME_DEATH": "whole pod"})
        is_retried(
            done,
            "WorkersKilled",
            "tests.support.faulty.dies: Dask task die-",
            " killed 2 workers. Cause unknown: the workers last reported little of their memory "
            "limits. See `kubectl describe pod` for why their containers ended. ",
            f"{NOT_RETRIED}\nWorker deaths:\n",
            "cause unknown; last reported memory: ",
        )


class TestWorkThatKillsItsWorkers:
    """Their nannies know how they died, and restart them."""

    @pytest.mark.parametrize(
        ("death", "remedy", "evidence"),
        [
            ("SIGKILL", "Cause unknown; most often it is memory,", "killed by SIGKILL"),
            ("SIGSEGV", "Native code crashed: compare the package versions", "killed by SIGSEGV"),
            ("7", "A worker process exited by itself:", "exited with status 7"),
            (
                "memory",
                "Raise workers.limits.mem from 512Mi: with_workers(mem=...); or let each worker",
                "terminated by its nanny near the memory limit: ",
            ),
        ],
    )
    def test_causes_are_distinguished(
        self, death: str, remedy: str, evidence: str, restarting: Cluster, tmp_path: Path
    ) -> None:
        done = run_task(faulty.dies, tmp_path, {**restarting.env, "ACME_DEATH": death})
        what, how_often = "tests.support.faulty.dies: Dask task die-", " killed 2 workers. "
        is_retried(done, "WorkersKilled", what, how_often, remedy, NOT_RETRIED, evidence, evidence)


class TestOnThisMachine:
    """The same errors, as far as a local cluster can fail."""

    @pytest.fixture(autouse=True)
    def _impatient(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
        monkeypatch.setenv("FLYTE_DASK_STALL_TIMEOUT", "2")
        monkeypatch.setenv("ACME_FILE", str(tmp_path / "file"))
        with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
            yield
        gc.collect()  # while warnings of the collector are expected

    @pytest.mark.parametrize(
        ("death", "evidence"),
        [
            ("SIGKILL", "killed by SIGKILL"),
            ("memory", "terminated by its nanny near the memory limit"),
        ],
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
            pytest.raises(WorkersLost, match="there was no worker for 2 s"),
        ):
            task()

    def test_a_worker_that_is_lost_costs_a_try(self) -> None:
        task: Any = faulty.loses_one
        assert task() == sum(range(8))
