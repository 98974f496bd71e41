"""Faults of real clusters: how to inject them, and the error that a task must end with."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flyteidl.core.errors_pb2 import ContainerError

from tests.support.backend import Cluster
from tests.support.processes import PATIENCE, Running
from tests.support.runner import Done, running_task

SHORT = {"FLYTE_DASK_STALL_TIMEOUT": "2", "FLYTE_DASK_SCHEDULER_TIMEOUT": "4"}
IMPATIENT = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}

LOOK = "See Flyte's console or `kubectl describe pod` for"
RETRIED = "Flyte retries the task, if any of its retries=2 are left."
NOT_RETRIED = "The task has retries=0, so it is not retried: set @task(retries=2)."

Act = Callable[[Running], object]
"""A fault of a runner's cluster."""


def run_and_act(
    task: Any, folder: Path, env: Mapping[str, str], act: Act, until: str = "it works"
) -> Done:
    """Run *task* to its end, and call *act* when it prints *until*."""
    env = {**SHORT, "ACME_FILE": str(folder / "file"), **env}
    with running_task(task, folder, env, until) as runner:
        act(runner)
        assert runner.popen.wait(PATIENCE) == 0
        return Done(runner.output, folder / "outputs")


def finish(folder: Path) -> None:
    """Complete the work that tasks wait for."""
    (folder / "file").touch()


def freeze(started: Cluster) -> Act:
    """Stop the scheduler as a debugger would; the end of the test resumes it."""
    return lambda _: os.kill(started.scheduler.popen.pid, signal.SIGSTOP)


def kill_workers(started: Cluster) -> None:
    """Kill all workers and their nannies."""
    for each in started.workers:
        each.stop(signal.SIGKILL)


def is_retried(done: Done, error: str, *texts: str) -> None:
    """Assert that it ended in a recoverable *error* with these *texts* in this order."""
    assert done.error.kind == ContainerError.RECOVERABLE, done.message
    _contains(done, error, *texts)


def is_not_retried(done: Done, error: str, *texts: str) -> None:
    """Assert that it ended in a non-recoverable *error* with these *texts* in this order."""
    assert done.error.kind == ContainerError.NON_RECOVERABLE, done.message
    _contains(done, error, *texts)


def _contains(done: Done, error: str, *texts: str) -> None:
    summary = done.message.rpartition("\nMessage:\n")[2].strip()
    assert re.match(".*".join(map(re.escape, (f"{error}: ", *texts))), summary, re.DOTALL), summary
