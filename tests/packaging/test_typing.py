"""The typing contract: valid code passes, and marked lines fail, in two type checkers."""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.paths import PROJECT
from tests.support.processes import run

pytestmark = pytest.mark.once

FOLDER = PROJECT / "tests" / "typing"
PROJECT = FOLDER.parent.parent

Checker = Callable[[Path], dict[int, str]]


def mypy(path: Path) -> dict[int, str]:
    """The errors of mypy in the file, by line."""
    done = run(sys.executable, "-m", "mypy", path, cwd=PROJECT)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = re.findall(
        rf"^\S*{re.escape(path.name)}:(\d+): error: (.*)$", done.stdout, re.MULTILINE
    )
    assert found or done.returncode == 0, done.stdout
    return {int(number): message for number, message in found}


def pyright(path: Path) -> dict[int, str]:
    """The errors of pyright in the file, by line; run from outside, as for a user's project."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    with tempfile.TemporaryDirectory() as outside:
        done = run(*command, path, cwd=Path(outside))
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = json.loads(done.stdout)["generalDiagnostics"]
    return {
        each["range"]["start"]["line"] + 1: each["message"]
        for each in found
        if each["severity"] == "error"
    }


CHECKERS: dict[str, Checker] = {"mypy": mypy, "pyright": pyright}


def marks() -> list[tuple[int, list[str]]]:
    """The marked lines of ``rejected.py``, with the error that each checker must report."""
    lines = (FOLDER / "rejected.py").read_text(encoding="utf-8").splitlines()
    numbered = enumerate(lines, start=1)
    return [
        (number, line.partition("  # E: ")[2].split(" || "))
        for number, line in numbered
        if "  # E: " in line
    ]


@pytest.mark.parametrize("checker", CHECKERS)
def test_valid_code_passes(checker: str) -> None:
    assert CHECKERS[checker](FOLDER / "accepted.py") == {}


@pytest.mark.parametrize("checker", CHECKERS)
def test_every_marked_line_fails_with_its_message(checker: str) -> None:
    found = CHECKERS[checker](FOLDER / "rejected.py")
    expected = {
        number: dict(zip(CHECKERS, messages, strict=True))[checker] for number, messages in marks()
    }
    assert {
        number: expected[number] if expected.get(number, "?") in message else message
        for number, message in found.items()
    } == expected
