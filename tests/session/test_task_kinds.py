"""All kinds of tasks and calls, run here."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support import kinds as typed_kinds
from tests.support.paths import PROJECT
from tests.support.processes import BIN, run

kinds: Any = typed_kinds  # flytekit's annotations do not say what a call returns here

CALLS: dict[str, tuple[Any, Any]] = {
    "a function": (lambda: kinds.doubled(x=21), 42),
    "a coroutine function": (lambda: asyncio.run(kinds.awaited(x=21)), 42),
    "by position": (lambda: asyncio.run(kinds.awaited(21)), 42),
    "a dynamic task": (lambda: kinds.built(x=2), 8),
    "a workflow": (lambda: kinds.flow(x=1), 16),
    "map tasks": (lambda: tuple(kinds.mapped(xs=[1, 2], y=5)), ([2, 4], [6, 7])),
}


@pytest.mark.parametrize("call", CALLS)
def test_plain_python_calls(call: str) -> None:
    function, result = CALLS[call]
    assert function() == result


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("doubled", "42"),
        ("awaited", "42"),
        ("built", "84"),
        ("flow", "336"),
        ("eagerly", "168"),
    ],
)
def test_pyflyte_run(name: str, result: str, tmp_path: Path) -> None:
    shutil.copy(typed_kinds.__file__, tmp_path)
    done = run(BIN / "pyflyte", "run", "kinds.py", name, "--x", "21", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == result


def script(x: int) -> CompletedProcess[str]:
    """A run of a script, with nothing but the standard library."""
    program = (
        f"import asyncio; from tests.support import kinds; print(asyncio.run(kinds.inverse(x={x})))"
    )
    return run(sys.executable, "-c", program, cwd=PROJECT)


@pytest.mark.slow
def test_a_script() -> None:
    done = script(1)
    assert (done.stdout, done.stderr, done.returncode) == ("1\n", "", 0)


@pytest.mark.slow
def test_an_error_in_a_coroutine_function_is_its_own() -> None:
    done = script(0)
    assert done.returncode == 1
    assert "\nZeroDivisionError: " in done.stderr
