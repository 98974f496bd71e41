"""The command `flyte-dask` in processes of its own, and on a terminal."""

from __future__ import annotations

import os
import pty
import struct
import termios
from collections.abc import Iterator
from fcntl import ioctl
from pathlib import Path
from subprocess import PIPE, CompletedProcess, Popen

from tests.support.paths import RECORDED
from tests.support.processes import BIN, PATIENCE, run

__all__ = ["COMMAND", "FOLDER", "flyte_dask", "in_shell", "on_terminal", "read_terminal"]

COMMAND = BIN / "flyte-dask"
FOLDER = RECORDED / "command"


def flyte_dask(folder: Path, *args: str, **env: str) -> CompletedProcess[str]:
    """Run the command in *folder*."""
    return run(COMMAND, *args, cwd=folder, env={"PYTHONDONTWRITEBYTECODE": "1", **env})


def in_shell(line: str, folder: Path) -> CompletedProcess[str]:
    """Run a line of bash in *folder*."""
    return run("bash", "-c", line, cwd=folder, env={"PATH": f"{BIN}:{os.environ['PATH']}"})


def on_terminal(folder: Path, columns: int, *args: str, **env: str) -> tuple[str, int]:
    """What the command shows on a terminal of that width, and its exit code."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    unset = {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}
    given = {name: value for name, value in os.environ.items() if name not in unset}
    process = Popen(
        [COMMAND, *args],
        cwd=folder,
        env={**given, "TERM": "xterm-256color", **env},
        stdin=theirs,
        stdout=theirs,
        stderr=PIPE,
    )
    os.close(theirs)
    with process:
        shown = b"".join(read_terminal(ours))
        process.communicate(timeout=PATIENCE)
    os.close(ours)
    return shown.decode(errors="replace").replace("\r\n", "\n"), process.returncode


def read_terminal(descriptor: int) -> Iterator[bytes]:
    """All output until the other end is closed, which Linux reports as an error."""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            return
        if not data:
            return
        yield data
