"""The typing contract, under mypy: what must pass passes, and every marked line fails as marked."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.processes import run

FOLDER = Path(__file__).parent / "typing"
PROJECT = FOLDER.parent.parent


def test_what_must_pass_passes() -> None:
    assert _errors("accepted.py") == {}


def test_every_marked_line_fails_with_its_message() -> None:
    lines = (FOLDER / "refused.py").read_text(encoding="utf-8").splitlines()
    marked = {
        number: line.partition("  # E: ")[2]
        for number, line in enumerate(lines, start=1)
        if "  # E: " in line
    }
    errors = _errors("refused.py")
    assert marked
    assert errors.keys() == marked.keys()
    for number, message in marked.items():
        assert message in errors[number]


def _errors(name: str) -> dict[int, str]:
    """What mypy says about the file, by line."""
    done = run(sys.executable, "-m", "mypy", FOLDER / name, cwd=PROJECT)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    found = re.findall(rf"^\S*{re.escape(name)}:(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    assert found or done.returncode == 0, done.stdout
    return {int(number): message for number, message in found}
