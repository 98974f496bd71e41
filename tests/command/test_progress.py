"""The progress of imports, on a terminal only."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen

import pytest

from tests.support.command import COMMAND, flyte_dask, read_terminal
from tests.support.processes import PATIENCE

pytestmark = pytest.mark.once

# It is imported as soon as the other end of the pipe is opened.
WAITS = "print('imported', open('go').read())"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a module that waits for the test, and another one."""
    os.mkfifo(tmp_path / "go")
    (tmp_path / "a_waits.py").write_text(WAITS)
    (tmp_path / "b_fine.py").write_text("")
    return tmp_path


def test_the_module_and_the_time_are_shown(project: Path) -> None:
    """While it is imported; at the end the line is cleared."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    command = [str(COMMAND), "check", "a_waits.py", "b_fine.py"]
    process = Popen(command, cwd=project, env=env, stdin=DEVNULL, stdout=DEVNULL, stderr=theirs)
    os.close(theirs)
    try:
        shown = ""
        pieces: Iterator[bytes] = read_terminal(ours)
        for piece in pieces:
            shown += piece.decode()
            if "importing 1/2: a_waits (1 s)" in shown:
                break
        assert "importing 1/2: a_waits (1 s)" in shown
        (project / "go").write_text("now")
        shown += b"".join(pieces).decode()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(ours)
    assert "imported now" in shown
    assert shown.endswith("\r\x1b[K")


def test_nothing_is_shown_in_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("")
    assert flyte_dask(tmp_path, "check", "module.py").stderr == ""
