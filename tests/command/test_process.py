"""The process of the command: what it imports, how it ends, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from flyte_dask_cli.main import cli, main
from tests.support.command import COMMAND, flyte_dask, in_shell
from tests.support.processes import PATIENCE, run, running

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    "args",
    [
        *[("presets",), ("presets", "large", "--format", "json"), ("schema",), ("--help",)],
        *[(name, "--help") for name in cli.commands],
    ],
    ids=" ".join,
)
def test_flytekit_is_not_imported_without_tasks(args: tuple[str, ...]) -> None:
    code = (
        "import atexit, sys; sys.argv = ['flyte-dask', *sys.argv[1:]]\n"
        "from flyte_dask_cli.main import main\n"
        "atexit.register(lambda: print(sorted(UNNEEDED & set(sys.modules)), file=sys.stderr))\n"
        "UNNEEDED = {'flytekit', 'dask', 'distributed', 'betterproto', 'rich', 'yaml'}\n"
        "main()"
    )
    done = run(sys.executable, "-c", code, *args)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_a_reader_may_close_the_pipe_early(project: Path) -> None:
    line = "set -o pipefail; flyte-dask schema | head -n 1; echo ${PIPESTATUS[0]}"
    done = in_shell(line, project)
    first, status = done.stdout.splitlines()
    assert (first, done.stderr) == ("{", "")
    assert status in {"0", "1"}  # it may have finished before


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_leaves_nothing_behind(tmp_path: Path, by: signal.Signals) -> None:
    """Neither the server process, nor processes that modules have started in it."""
    (tmp_path / "hangs.py").write_text(
        "import subprocess, threading\n"
        "process = subprocess.Popen(['sleep', '100'])\n"
        "print('hangs with', process.pid, flush=True)\n"
        "threading.Event().wait()\n"
    )
    command = [str(COMMAND), "check", "hangs.py"]
    with running(command, r"hangs with (\d+)", cwd=tmp_path) as process:
        assert process.match is not None
        other = psutil.Process(int(process.match[1]))
        importing = other.parent()
        status = process.stop(by)
    assert (status, process.output.splitlines()[-1]) == (130, "interrupted")
    gone, alive = psutil.wait_procs([each for each in (other, importing) if each], PATIENCE)
    assert (len(gone), alive) == (2, [])


def test_an_os_error_without_a_number_is_reported(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Some file systems raise them, and wrappers of standard output."""

    def fail(**_: object) -> None:
        raise OSError("the pipe is gone")

    monkeypatch.setattr(cli, "main", fail)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with Path(os.devnull).open("w") as output:  # main replaces its descriptor
        monkeypatch.setattr(sys, "stdout", output)
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code, capfd.readouterr().err) == (1, "Error: the pipe is gone\n")


def test_an_incomplete_message_is_ignored(tmp_path: Path) -> None:
    """Python may be killed while it writes one."""
    (tmp_path / "cut.py").write_text(
        "import os, sys\n"
        "frame = sys._getframe()\n"
        "while not callable(send := frame.f_locals.get('send')):\n"
        "    frame = frame.f_back\n"
        "messages, token = (cell.cell_contents for cell in send.__closure__)\n"
        "messages.write(token + '{')\n"
        "messages.flush()\n"
        "os._exit(3)\n"
    )
    done = flyte_dask(tmp_path, "check", "cut.py")
    assert (done.returncode, done.stderr) == (1, "")
    assert "import terminated Python (exit status 3)" in done.stdout
