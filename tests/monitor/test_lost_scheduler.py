"""A scheduler that is lost or restarted ends its task in time, in a retryable error."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import faulty
from tests.support.backend import SCHEDULER_HERE, Cluster, cluster, scheduler
from tests.support.faults import (
    LOOK,
    NOT_RETRIED,
    RETRIED,
    finish,
    freeze,
    is_retried,
    run_and_act,
)
from tests.support.network import network_to
from tests.support.processes import BIN, PATIENCE, Running
from tests.support.runner import CODE

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def lasting() -> Iterator[Cluster]:
    """A cluster for tests that freeze it for a while."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


@pytest.fixture
def freezing(lasting: Cluster, tmp_path: Path) -> Iterator[Cluster]:
    """That cluster, which is resumed after the test, without the test's work."""
    yield lasting
    finish(tmp_path)
    os.kill(lasting.scheduler.popen.pid, signal.SIGCONT)


class TestTheScheduler:
    """Killed, frozen, unreachable or restarted."""

    def test_killed(self, started: Cluster, tmp_path: Path) -> None:
        done = run_and_act(
            faulty.waits, tmp_path, started.env, lambda _: started.scheduler.stop(signal.SIGKILL)
        )
        is_retried(
            done,
            "SchedulerLost",
            f"tests.support.faulty.waits: lost the scheduler at {started.address}: its process "
            "exited, or the connection was closed. When it last responded it used ",
            f" MiB of memory of its limit of 1Gi. {LOOK} why its pod ended. {RETRIED}",
        )

    def test_killed_while_nothing_waits_for_it(self, started: Cluster, tmp_path: Path) -> None:
        def act(_: Running) -> None:
            started.scheduler.stop(signal.SIGKILL)
            finish(tmp_path)

        is_retried(
            run_and_act(faulty.computes_alone, tmp_path, started.env, act), "SchedulerLost", RETRIED
        )

    @pytest.mark.parametrize("task", [faulty.waits, faulty.awaits])
    def test_frozen(self, task: Any, freezing: Cluster, tmp_path: Path) -> None:
        """The address in the environment may lack the protocol."""
        env = {"DASK_SCHEDULER_ADDRESS": freezing.address.removeprefix("tcp://")}
        done = run_and_act(task, tmp_path, env, freeze(freezing))
        is_retried(
            done,
            "SchedulerLost",
            f"{task.name}: the scheduler at {freezing.address} did not respond for 4 s. When it "
            "last responded it used ",
            f"{LOOK} whether its pod is running. If it was only busy, raise "
            f"Runtime(scheduler_timeout=...). {RETRIED}",
        )

    def test_frozen_and_every_wait_for_it_ends(self, freezing: Cluster, tmp_path: Path) -> None:
        act = freeze(freezing)
        done = run_and_act(faulty.waits_in_every_way, tmp_path, freezing.env, act)
        lost, closed = "SchedulerLost", "CommClosedError"
        assert done.result == {
            "as_completed": lost,
            "compute": lost,
            "event": closed,
            "gather": lost,
            "lock": closed,
            "queue": closed,
            "result": lost,
            "run": closed,
            "wait": lost,
        }

    def test_frozen_while_workers_are_waited_for(self, freezing: Cluster, tmp_path: Path) -> None:
        until = r"waiting for workers \(1/2, "
        done = run_and_act(faulty.loses_one, tmp_path, freezing.env, freeze(freezing), until)
        is_retried(done, "SchedulerLost", "did not respond for 4 s. See Flyte's", NOT_RETRIED)

    def test_frozen_when_the_function_returns(self, freezing: Cluster, tmp_path: Path) -> None:
        def act(_: Running) -> None:
            freeze(freezing)(_)
            finish(tmp_path)

        done = run_and_act(faulty.returns, tmp_path, freezing.env, act)
        assert done.result == 1
        line = "tests.support.faulty.returns: the scheduler did not respond: no metrics"
        assert done.logged()[-1] == ("INFO", line)

    def test_cut_off(self, freezing: Cluster, tmp_path: Path) -> None:
        with network_to(freezing.address) as network:
            env = {"DASK_SCHEDULER_ADDRESS": network.address}
            done = run_and_act(faulty.waits, tmp_path, env, lambda _: network.cut())
        is_retried(done, "SchedulerLost", f"at {network.address} did not respond for 4 s.", RETRIED)

    def test_restarted(self, started: Cluster, tmp_path: Path) -> None:
        """Flyte's scheduler pods restart always."""
        port = started.address.rpartition(":")[2]
        line = [str(BIN / "dask"), "scheduler", *SCHEDULER_HERE[:-1], port]
        with ExitStack() as stack:

            def act(_: Running) -> None:
                started.scheduler.stop(signal.SIGKILL)
                scheduler(stack, line, CODE)
                finish(tmp_path)

            patient = {**started.env, "FLYTE_DASK_SCHEDULER_TIMEOUT": str(PATIENCE)}
            done = run_and_act(faulty.computes_alone, tmp_path, patient, act)
        is_retried(done, "SchedulerLost", "it was restarted, without the work so far", RETRIED)
