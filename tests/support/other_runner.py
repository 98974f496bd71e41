"""Tasks of the other SDK, run as processes, on their own or next to a real cluster."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs

from tests.support.other_sdk import ACTION, IMAGE
from tests.support.paths import PROJECT
from tests.support.processes import PATIENCE, Running, run, running

CODE = {"PYTHONPATH": str(PROJECT)}
"""The environment of an image that holds the tasks' code."""

ON_FLYTE = {ACTION: "a1", IMAGE: "acme/other:1"}
"""The environment of a pod."""

SHORT = {"FLYTE_DASK_STALL_TIMEOUT": "2", "FLYTE_DASK_SCHEDULER_TIMEOUT": "4"}

_MAIN = "import sys; from tests.support.other_sdk import main; main(*sys.argv[1:])"


@attrs.frozen
class Outcome:
    """How a task ended."""

    log: str
    """Standard output and standard error."""
    values: dict[str, Any]

    @property
    def result(self) -> Any:
        """What the task returned."""
        assert self.values["failure"] is None, self.values["failure"]
        return self.values["result"]

    @property
    def report(self) -> str:
        """The page of the only report."""
        (page,) = self.values["reports"].values()
        assert isinstance(page, str)
        return page

    def failed(self, error: str, *texts: str, is_retried: bool, is_own_class: bool = True) -> None:
        """Assert that it failed with this class, and with these texts in its message."""
        failure = dict(self.values["failure"])
        message = failure.pop("message")
        assert failure == {
            "class": error,
            "is_retried": is_retried,
            "is_own_class": is_own_class,
        }, message
        assert [each for each in texts if each not in message] == [], message


def run_other(task: str, folder: Path, env: Mapping[str, str]) -> Outcome:
    """The *task* of `tests.support.other_tasks`, run to its end in a process of its own."""
    done = run(*_command(task, folder), env={**CODE, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return _outcome(done.stdout + done.stderr, folder)


def run_other_and_act(
    task: str, folder: Path, env: Mapping[str, str], act: Callable[[], object]
) -> Outcome:
    """Like `run_other`, but *act* is called once its work runs."""
    given = {**CODE, **ON_FLYTE, **SHORT, "ACME_FILE": str(folder / "file"), **env}
    with running(_command(task, folder), "it works", given) as runner:
        act()
        assert _ended(runner) == 0, runner.output
        return _outcome(runner.output, folder)


def _ended(runner: Running) -> int:
    return runner.popen.wait(PATIENCE)


def _command(task: str, folder: Path) -> list[str]:
    path = str(folder / "outcome.json")
    return [sys.executable, "-c", _MAIN, f"tests.support.other_tasks:{task}", path]


def _outcome(log: str, folder: Path) -> Outcome:
    values = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
    assert values["sdks"] == [], "the engine needs no SDK"
    return Outcome(log, values)
