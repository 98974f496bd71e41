"""Faults of real clusters: how they are made, and what a task has to end in then."""

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

LOOK = "Flyte's console and `kubectl describe pod` show"
TRIES = "Flyte tries again, if any of its retries=2 are left."
TRIES_NOT = "The task has retries=0, so nothing tries again; @task(retries=2) would."

Act = Callable[[Running], object]
"""What happens to a runner's cluster."""


def run_and_act(
    task: Any, folder: Path, env: Mapping[str, str], act: Act, until: str = "it works"
) -> Done:
    """*task*, run to its end; *act* happens when it says *until*."""
    given = {**SHORT, "ACME_FILE": str(folder / "file"), **env}
    with running_task(task, folder, given, until) as runner:
        act(runner)
        assert runner.popen.wait(PATIENCE) == 0
        return Done(runner.output, folder / "outputs")


def finish(folder: Path) -> None:
    """Let the work end for which tasks wait."""
    (folder / "file").touch()


def freeze(started: Cluster) -> Act:
    """Stops the scheduler as a debugger would; the test's end lets it go on."""
    return lambda _: os.kill(started.scheduler.popen.pid, signal.SIGSTOP)


def kill_workers(started: Cluster) -> None:
    """With their nannies."""
    for each in started.workers:
        each.stop(signal.SIGKILL)


def is_retried(done: Done, error: str, *texts: str) -> None:
    """It ended in that recoverable error, whose message has these texts in this order."""
    assert done.error.kind == ContainerError.RECOVERABLE, done.message
    _says(done, error, *texts)


def is_not_retried(done: Done, error: str, *texts: str) -> None:
    """The same, of one that is final."""
    assert done.error.kind == ContainerError.NON_RECOVERABLE, done.message
    _says(done, error, *texts)


def _says(done: Done, error: str, *texts: str) -> None:
    summary = done.message.rpartition("\nMessage:\n")[2].strip()
    assert re.match(".*".join(map(re.escape, (f"{error}: ", *texts))), summary, re.DOTALL), summary
