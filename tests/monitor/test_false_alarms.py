"""A slow cluster is not reported as lost, and a function's own errors are left alone."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from flyte_dask_engine.errors import WorkersLost
from flyte_dask_engine.session.session import session
from flytekitplugins.dask import Dask
from tests.support import faulty, steps
from tests.support.backend import Cluster, cluster
from tests.support.faults import (
    finish,
    freeze,
    is_not_retried,
    is_retried,
    kill_workers,
    run_and_act,
)
from tests.support.processes import Running
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def healthy() -> Iterator[Cluster]:
    """A cluster for tests that do not harm it."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


class TestTheFunctionsOwnErrors:
    """They stay what they are."""

    def test_on_a_worker(self, healthy: Cluster, tmp_path: Path) -> None:
        done = run_task(faulty.fails_by_itself, tmp_path, healthy.env)
        is_not_retried(done, "ZeroDivisionError", "division by zero")
        assert re.search(r'tests/support/steps\.py", line \d+, in divided', done.message)

    def test_that_it_lacks_a_module(self, healthy: Cluster, tmp_path: Path) -> None:
        done = run_task(faulty.lacks_a_module_itself, tmp_path, healthy.env)
        is_not_retried(done, "ModuleNotFoundError", "No module named 'acme_nowhere'")

    def test_about_its_cluster_are_the_clusters(self, started: Cluster, tmp_path: Path) -> None:
        """Next to its own."""
        done = run_and_act(faulty.wraps, tmp_path, started.env, lambda _: kill_workers(started))
        is_retried(done, "WorkersLost", "there was no worker for 2 s ")
        assert "ValueError: the nightly report failed" in done.message

    @pytest.mark.parametrize("number", [0, 1])
    def test_after_it_went_on_without_a_cluster(
        self, number: int, started: Cluster, tmp_path: Path
    ) -> None:
        env = {**started.env, "ACME_NUMBER": str(number)}
        done = run_and_act(faulty.goes_on_without, tmp_path, env, lambda _: kill_workers(started))
        if number:
            assert done.result == 1
        else:
            is_not_retried(done, "ZeroDivisionError", "division by zero")


VERY_SHORT = {"FLYTE_DASK_STALL_TIMEOUT": "1.5", "FLYTE_DASK_SCHEDULER_TIMEOUT": "1.5"}


class TestNoFalseAlarm:
    """A slow cluster is not reported as lost."""

    def test_of_work_that_holds_workers_and_runner(self, healthy: Cluster, tmp_path: Path) -> None:
        done = run_task(faulty.is_slow, tmp_path, {**healthy.env, **VERY_SHORT})
        assert done.result == 1

    def test_of_much_work(self, healthy: Cluster, tmp_path: Path) -> None:
        env = {**healthy.env, **VERY_SHORT, "FLYTE_DASK_SCHEDULER_TIMEOUT": "10"}
        assert run_task(faulty.does_much, tmp_path, env).result == 2_000

    def test_of_a_stopped_runner(self, healthy: Cluster, tmp_path: Path) -> None:
        """All its threads stop, as in a debugger; meanwhile the scheduler responds."""

        def act(runner: Running) -> None:
            os.kill(runner.popen.pid, signal.SIGSTOP)
            time.sleep(4)  # longer than the timeouts
            os.kill(runner.popen.pid, signal.SIGCONT)
            finish(tmp_path)

        assert run_and_act(faulty.waits, tmp_path, {**healthy.env, **VERY_SHORT}, act).result == 1

    def test_of_a_stopped_cluster(self, healthy: Cluster, tmp_path: Path) -> None:
        """As in a debugger, if the timeouts are disabled."""
        never = {"FLYTE_DASK_STALL_TIMEOUT": "never", "FLYTE_DASK_SCHEDULER_TIMEOUT": "never"}

        def act(runner: Running) -> None:
            freeze(healthy)(runner)
            time.sleep(4)  # longer than the timeouts
            os.kill(healthy.scheduler.popen.pid, signal.SIGCONT)
            finish(tmp_path)

        assert run_and_act(faulty.waits, tmp_path, {**healthy.env, **never}, act).result == 1

    def test_of_a_session_next_to_one_that_is_lost(
        self, healthy: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both use the same cluster, and leave nothing in it."""
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", healthy.address.removeprefix("tcp://"))
        with distributed.Client(healthy.address) as client:
            before = client.run_on_scheduler(steps.plugins_and_handlers)
            with session(Dask(), "outer") as outer:
                one: Any = outer.client.submit(steps.slowly, "one")
                with session(Dask(), "inner") as inner:
                    two: Any = inner.client.submit(steps.slowly, "two")
                    inner._monitor.assessment.conclude(WorkersLost("inner"))
                    with pytest.raises(WorkersLost, match="inner"):
                        two.result()
                assert one.result() == "one"
                assert client.submit(steps.slowly, "three").result() == "three"
            after = client.run_on_scheduler(steps.plugins_and_handlers)
        assert after == before
