"""The runner next to a real cluster: the cluster is used and logged, or there is an error."""

from __future__ import annotations

import json
import platform
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec
from flyteidl.core.errors_pb2 import ContainerError
from flyteidl.core.execution_pb2 import ExecutionError
from flytekit.configuration import SERIALIZED_CONTEXT_ENV_VAR

from tests.flytekit.test_task import SETTINGS
from tests.support import faulty, using
from tests.support.backend import ADDRESS, SCHEDULER_HERE, Cluster, cluster, scheduler, worker
from tests.support.faults import RETRIED
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


def _registering(started: Cluster) -> dict[str, str]:
    """The environment of a task that registers others: it has the settings of its registration."""
    return {**started.env, SERIALIZED_CONTEXT_ENV_VAR: SETTINGS.serialized_context}


@pytest.mark.slow
class TestTheClusterIsUsed:
    """By every kind of function, in every way."""

    def test_by_a_function(self, started: Cluster, tmp_path: Path) -> None:
        result = run_task(using.sees, tmp_path, started.env).result
        assert {result.pop("one delayed"), result.pop("submit")} <= {*NAMES}
        assert result == SEEN

    def test_by_a_coroutine_function(self, started: Cluster, tmp_path: Path) -> None:
        result = run_task(using.awaits, tmp_path, started.env).result
        assert {result.pop("one delayed"), result.pop("submit")} <= {*NAMES}
        assert result == {**SEEN, "asynchronous client": [True, 3]}

    def test_by_a_dynamic_function(self, started: Cluster, tmp_path: Path) -> None:
        """While it builds the workflow, which gets what it has computed; it has a report too."""
        done = run_task(using.builds, tmp_path, _registering(started))
        spec = DynamicJobSpec.FromString((done.outputs / "futures.pb").read_bytes())
        (node,) = (each for each in spec.nodes if each.HasField("task_node"))
        (given,) = node.inputs
        result = json.loads(given.binding.scalar.primitive.string_value)
        assert {result.pop("one delayed"), result.pop("submit")} <= {*NAMES}
        assert result == SEEN
        assert "<h1>2 workers, busy" in (done.outputs / "deck.html").read_text(encoding="utf-8")

    def test_by_a_client_of_its_own_only(self, started: Cluster, tmp_path: Path) -> None:
        """If the config sets it."""
        assert run_task(using.without_client, tmp_path, started.env).result == [[], NAMES]


@pytest.mark.once
class TestItIsLogged:
    """One line at the start, and one at the end."""

    def test_logs_the_cluster_and_what_it_did(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(using.sees, tmp_path, started.env)
        first, last = done.logged()
        port = _dashboard(started)
        config: Any = using.sees.task_config
        line = (
            f"tests.support.using.sees: cluster at {started.address}; config {config.fingerprint}, "
            f"workers 2/2, threads 2, memory 2.00 GiB, {_VERSIONS}, "
            f"dashboard http://127.0.0.1:{port}/status"
        )
        assert first == ("INFO", line)
        pattern = (
            r"tests.support.using.sees: finished: 10 tasks "
            r"\(default-worker-0: (\d+), default-worker-1: (\d+)\), "
            r"failed 0, spilled 0 B, wall time \d+\.\d s"
        )
        match = re.fullmatch(pattern, last[1])
        assert match, last
        assert int(match[1]) + int(match[2]) == 10

    def test_warns_if_the_workers_ran_no_tasks(self, started: Cluster, tmp_path: Path) -> None:
        *_, last = run_task(using.idles, tmp_path, started.env).logged()
        line = (
            "tests.support.using.idles: the workers ran no tasks. Use .compute(), dask.compute() "
            "or the client's submit(), or use a plain @task, which does not pay for a cluster"
        )
        assert last == ("WARNING", line)

    def test_warns_of_unfinished_tasks(self, started: Cluster, tmp_path: Path) -> None:
        *_, last = run_task(using.leaves, tmp_path, started.env).logged()
        line = (
            "tests.support.using.leaves: ended while 3 tasks were unfinished; they are lost. Wait "
            "for results with result(), gather() or wait() before the function returns, and "
            "cancel() what is not needed"
        )
        assert last == ("WARNING", line)

    def test_warns_if_a_dynamic_task_only_built_a_workflow(
        self, started: Cluster, tmp_path: Path
    ) -> None:
        *_, last = run_task(using.builds_only, tmp_path, _registering(started)).logged()
        line = (
            "tests.support.using.builds_only: the workers ran no tasks. Use .compute(), "
            "dask.compute() or the client's submit(), or use a plain @dynamic, which does not pay "
            "for a cluster"
        )
        assert last == ("WARNING", line)

    def test_that_tasks_failed(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(using.fails, tmp_path, {**started.env, "ACME_PASSWORD": "hunter2"})
        _, (_, line) = done.logged()
        assert "hunter2" not in done.log + done.message
        assert "ZeroDivisionError" in done.error.message
        assert re.search(r"1 task \(.*\), failed 1, ", line)

    def test_also_if_the_function_closes_the_client(self, started: Cluster, tmp_path: Path) -> None:
        """That is not an error: the result is returned."""
        done = run_task(using.closes, tmp_path, started.env)
        assert done.result == 3
        assert re.match(
            r"tests.support.using.closes: finished: 1 task \(.*\), failed 0, ", done.logged()[-1][1]
        )

    def test_that_memory_was_spilled(self, tmp_path: Path) -> None:
        with cluster(workers=2, memory_limit="400MiB", env=CODE) as small:
            done = run_task(using.spills, tmp_path, small.env)
        _, (_, line) = done.logged()
        assert done.result == 40_000_000
        assert re.search(r"spilled \d+\.\d\d MiB", line), line


@pytest.mark.once
def test_an_output_in_the_cluster_is_the_functions_own_error(
    started: Cluster, tmp_path: Path
) -> None:
    done = run_task(using.points, tmp_path, started.env)
    assert done.error.kind == ContainerError.NON_RECOVERABLE
    assert done.error.origin == ExecutionError.USER
    assert (
        "tests.support.using.points: the output o0['totals'][1] is a Future. It refers to what is "
        "in the cluster, which ends with the task: return its result: result(), or gather() for "
        "many"
    ) in done.error.message
    assert "unfinished" not in done.log


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
    """The operator starts the runner without waiting for the cluster."""

    def test_until_scheduler_and_workers_are_there(self, tmp_path: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        address = f"tcp://127.0.0.1:{port}"
        with ExitStack() as stack:
            runner = stack.enter_context(
                running_task(using.sees, tmp_path, {ADDRESS: address}, "waiting for the scheduler")
            )
            line = [str(BIN / "dask"), "scheduler", *SCHEDULER_HERE[:-1], port]
            scheduler(stack, line, CODE)
            worker(stack, address, 0, env=CODE)
            runner.wait_for("sees: waiting for workers (1/2, ")
            worker(stack, address, 1, env=CODE)
            runner.popen.wait(60)
        result = Done(runner.output, tmp_path / "outputs").result
        assert result["bare compute"] == NAMES

    def test_not_forever_for_the_scheduler(self, tmp_path: Path) -> None:
        env = {ADDRESS: "tcp://127.0.0.1:9", "FLYTE_DASK_CONNECT_TIMEOUT": "1.5"}
        error = run_task(using.sees, tmp_path, env).error
        assert error.kind == ContainerError.RECOVERABLE
        assert (
            "tests.support.using.sees: the scheduler at tcp://127.0.0.1:9 did not respond within "
            "1.5 s. See Flyte's console or `kubectl describe pod` for why its pod does not start. "
            "If it only needs more time, raise Runtime(connect_timeout=...). The task has "
            "retries=0, so it is not retried: set @task(retries=2)."
        ) in error.message

    @pytest.mark.parametrize(
        ("before", "text"),
        [
            ("0", "This was attempt 1 of 3: Flyte retries the task."),
            ("2", "This was attempt 3 of 3, so the task is not retried again: for more attempts "),
            ("-1", RETRIED),
        ],
    )
    def test_the_error_knows_the_attempt(self, before: str, text: str, tmp_path: Path) -> None:
        """If Flyte sets it as it should."""
        env = {
            ADDRESS: "tcp://127.0.0.1:9",
            "FLYTE_DASK_CONNECT_TIMEOUT": "0.5",
            "FLYTE_ATTEMPT_NUMBER": before,
        }
        assert text in run_task(faulty.waits, tmp_path, env).error.message

    def test_not_forever_for_workers(self, tmp_path: Path) -> None:
        with cluster(workers=1) as small:
            env = {**small.env, "FLYTE_DASK_WORKER_TIMEOUT": "1.5"}
            error = run_task(using.sees, tmp_path, env).error
        assert error.kind == ContainerError.RECOVERABLE
        assert "tests.support.using.sees: only 1 of 2 workers joined within 1.5 s." in error.message


@pytest.mark.slow
class TestWithoutACluster:
    """A platform may not have enabled Dask clusters."""

    def test_it_is_an_error(self, tmp_path: Path) -> None:
        error = run_task(using.sees, tmp_path, {}).error
        assert error.kind == ContainerError.NON_RECOVERABLE
        assert (
            "tests.support.using.sees runs on Flyte, but DASK_SCHEDULER_ADDRESS is not set: "
            "Flyte started no Dask cluster for it. Enable the dask plugin of the Flyte platform "
            "(enabled_plugins), or use a plain @task; Runtime(require_cluster=False) starts a "
            "cluster in the task's pod"
        ) in error.message

    def test_one_is_started_in_the_pod_if_configured(self, tmp_path: Path) -> None:
        done = run_task(using.anywhere, tmp_path, {})
        (_, first), _ = done.logged()
        assert done.result == 3
        assert ": local cluster in threads: " in first
