"""The runner beside a real cluster: it is used, and told of; or the error says why not."""

from __future__ import annotations

import platform
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.errors_pb2 import ContainerError

from tests.support import using
from tests.support.backend import ADDRESS, SCHEDULER_HERE, Cluster, cluster, scheduler, worker
from tests.support.processes import BIN
from tests.support.runner import CODE, Done, run_task, running_task

NAMES = ["default-worker-0", "default-worker-1"]


SEEN = {
    "bare compute": NAMES,
    "get_client": True,
    "synchronous": True,
    "own client joined": True,
}


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, env=CODE) as made:
        yield made


@pytest.mark.slow
class TestTheClusterIsUsed:
    """Whatever the function does, and of whatever kind it is."""

    def test_by_a_function(self, started: Cluster, tmp_path: Path) -> None:
        result = run_task(using.sees, tmp_path, started.env).result
        assert {result.pop("one delayed"), result.pop("submit")} <= {*NAMES}
        assert result == SEEN

    def test_by_a_coroutine_function(self, started: Cluster, tmp_path: Path) -> None:
        result = run_task(using.awaits, tmp_path, started.env).result
        assert {result.pop("one delayed"), result.pop("submit")} <= {*NAMES}
        assert result == {**SEEN, "asynchronous client": [True, 3]}

    def test_by_a_client_of_its_own_only(self, started: Cluster, tmp_path: Path) -> None:
        """If the config says so."""
        assert run_task(using.without_client, tmp_path, started.env).result == [[], NAMES]


@pytest.mark.once
class TestItIsToldOf:
    """One line at the start, and one at the end."""

    def test_what_there_is_and_what_it_did(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(using.sees, tmp_path, started.env)
        first, last = done.told()
        port = _dashboard(started)
        config: Any = using.sees.task_config
        line = (
            f"tests.support.using.sees starts on {started.address}: config {config.fingerprint}, "
            f"workers 2/2, threads 2, memory 2.00 GiB, {_VERSIONS}, "
            f"dashboard http://127.0.0.1:{port}/status"
        )
        assert first == ("INFO", line)
        pattern = (
            r"tests.support.using.sees ended: tasks 10 "
            r"\(default-worker-0: (\d+), default-worker-1: (\d+)\), "
            r"failed 0, spilled 0 B, wall time \d+\.\d s"
        )
        match = re.fullmatch(pattern, last[1])
        assert match, last
        assert int(match[1]) + int(match[2]) == 10

    def test_that_the_workers_did_nothing(self, started: Cluster, tmp_path: Path) -> None:
        *_, last = run_task(using.idles, tmp_path, started.env).told()
        line = (
            "tests.support.using.idles: its workers did nothing. Use .compute(), dask.compute() "
            "or the "
            "client's submit(), or run it as a plain @task, without a cluster to pay for"
        )
        assert last == ("WARNING", line)

    def test_that_tasks_failed(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(using.fails, tmp_path, {**started.env, "ACME_PASSWORD": "hunter2"})
        _, (_, line) = done.told()
        assert "hunter2" not in done.log + done.message
        assert "ZeroDivisionError" in done.error.message
        assert re.search(r"tasks 1 \(.*\), failed 1, ", line)

    def test_also_if_the_function_closes_the_client(self, started: Cluster, tmp_path: Path) -> None:
        """Which is its own affair: what it returns is returned."""
        done = run_task(using.closes, tmp_path, started.env)
        assert done.result == 3
        assert re.match(
            r"tests.support.using.closes ended: tasks 1 \(.*\), failed 0, ", done.told()[-1][1]
        )

    def test_that_memory_was_spilled(self, tmp_path: Path) -> None:
        with cluster(workers=2, memory_limit="400MiB", env=CODE) as small:
            done = run_task(using.spills, tmp_path, small.env)
        _, (_, line) = done.told()
        assert done.result == 40_000_000
        assert re.search(r"spilled \d+\.\d\d MiB", line), line


_VERSIONS = ", ".join(
    [
        f"Python {platform.python_version()}",
        *(f"{package} {version(package)}" for package in ("dask", "distributed")),
    ]
)


def _dashboard(started: Cluster) -> str:
    match = re.search(r"dashboard at:\s*http://127.0.0.1:(\d+)", started.scheduler.output)
    assert match
    return match[1]


@pytest.mark.once
class TestItIsWaitedFor:
    """The operator starts the runner beside it, without waiting."""

    def test_until_scheduler_and_workers_are_there(self, tmp_path: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        address = f"tcp://127.0.0.1:{port}"
        with ExitStack() as stack:
            runner = stack.enter_context(
                running_task(using.sees, tmp_path, {ADDRESS: address}, "waits for the scheduler")
            )
            line = [str(BIN / "dask"), "scheduler", *SCHEDULER_HERE[:-1], port]
            scheduler(stack, line, CODE)
            worker(stack, address, 0, env=CODE)
            runner.wait_for("sees waits for workers: 1/2")
            worker(stack, address, 1, env=CODE)
            runner.popen.wait(60)
        result = Done(runner.output, tmp_path / "outputs").result
        assert result["bare compute"] == NAMES

    def test_not_for_ever_for_the_scheduler(self, tmp_path: Path) -> None:
        env = {ADDRESS: "tcp://127.0.0.1:9", "FLYTE_DASK_CONNECT_TIMEOUT": "1.5"}
        error = run_task(using.sees, tmp_path, env).error
        assert error.kind == ContainerError.RECOVERABLE
        assert (
            "tests.support.using.sees: the scheduler at tcp://127.0.0.1:9 did not answer within "
            "1.5 s. "
            "Flyte's console and `kubectl describe pod` show what keeps its pod from starting. If "
            "it only needs longer, raise Runtime(connect_timeout=...). The task has retries=0, so "
            "nothing tries again; @task(retries=2) would."
        ) in error.message

    def test_not_for_ever_for_workers(self, tmp_path: Path) -> None:
        with cluster(workers=1) as small:
            env = {**small.env, "FLYTE_DASK_WORKER_TIMEOUT": "1.5"}
            error = run_task(using.sees, tmp_path, env).error
        assert error.kind == ContainerError.RECOVERABLE
        assert "tests.support.using.sees: 1 of 2 workers were there after 1.5 s." in error.message


@pytest.mark.slow
class TestWithoutACluster:
    """Flyte has none for sites that did not enable it."""

    def test_it_is_an_error(self, tmp_path: Path) -> None:
        error = run_task(using.sees, tmp_path, {}).error
        assert error.kind == ContainerError.NON_RECOVERABLE
        assert (
            "tests.support.using.sees runs on Flyte, but DASK_SCHEDULER_ADDRESS is not set: "
            "Flyte started "
            "no Dask cluster for it. Enable the dask plugin in this site's Flyte "
            "(enabled_plugins), or run the function as a plain @task; "
            "Runtime(require_cluster=False) starts a cluster in its pod"
        ) in error.message

    def test_one_is_started_in_the_pod_if_that_is_said(self, tmp_path: Path) -> None:
        done = run_task(using.anywhere, tmp_path, {})
        (_, first), _ = done.told()
        assert done.result == 3
        assert "starts on a local cluster in threads" in first
