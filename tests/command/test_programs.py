"""Whole programs with a local cluster: scripts, terminals, notebooks, users' tests; their ends."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from tests.support.command import read_terminal
from tests.support.processes import BIN, PATIENCE, run, running

pytestmark = pytest.mark.once

SCRIPT = """
import sys, time
import distributed
from dask.base import compute
from dask.delayed import delayed
from flytekit import task
from flytekitplugins.dask import Dask, presets


@task(task_config=presets.medium(workers=2))
def total(n: int, seconds: float) -> int:
    return sum(compute(*[delayed(slow)(each, seconds) for each in range(n)]))


def slow(number, seconds):
    time.sleep(seconds)
    return number


@task(task_config=Dask())
def never_ends() -> int:
    return distributed.default_client().submit(waits).result()


def waits():
    print("the task has started", flush=True)
    time.sleep(600)


@task(task_config=Dask())
def never_ends_in_its_pod() -> int:
    result = distributed.default_client().submit(sum, [1, 2]).result()
    waits()
    return result


if __name__ != "etl":  # the name under which others import it
    if "never" in sys.argv:
        never_ends_in_its_pod()
    else:
        print(total(n=60, seconds=0.05))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """A script without the ``if __name__ == "__main__"`` guard."""
    path = tmp_path / "etl.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """Environment variables with a temporary folder that only the program uses."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return {"TMPDIR": str(folder)}


def left_in(env: dict[str, str]) -> list[str]:
    """The files that Dask has left in the temporary folder."""
    return [path.name for path in Path(env["TMPDIR"]).iterdir() if "dask" in path.name]


LOGGING = """
import logging, time
import distributed
from flytekit import current_context, task
from flytekitplugins.dask import Dask


@task(task_config=Dask(workers=2))
def total() -> int:
    client = distributed.default_client()
    futures = client.map(slow, range(60), pure=False)
    for number in range(12):
        distributed.wait(futures[: 5 * (number + 1)])
        logging.getLogger("etl").warning("line %s", number)
        logging.getLogger("flytekit").warning("written")
    return sum(client.gather(futures))


def slow(number):
    time.sleep(0.2)
    return number


logging.basicConfig(format="%(message)s")
print(total())
"""

BAR = "\N{BOX DRAWINGS HEAVY HORIZONTAL}"

KINDS = pytest.mark.parametrize("kind", ["threads", "processes"])


@KINDS
def test_an_unguarded_script(script: Path, kind: str, env: dict[str, str]) -> None:
    """It prints its result only: without a terminal there are no messages and no progress."""
    done = run(sys.executable, script, env={**env, "FLYTE_DASK_LOCAL": kind})
    assert (done.stdout, done.stderr, done.returncode) == ("1770\n", "", 0)
    assert left_in(env) == []


class TestItsEnd:
    """However a program ends, no processes are left."""

    @KINDS
    def test_by_ctrl_c(self, script: Path, kind: str, env: dict[str, str]) -> None:
        command = [str(BIN / "pyflyte"), "run", str(script), "never_ends"]
        with running(command, "the task has started", {**env, "FLYTE_DASK_LOCAL": kind}) as program:
            children = psutil.Process(program.popen.pid).children(recursive=True)
            status = program.stop(signal.SIGINT)
            gone, alive = psutil.wait_procs(children, PATIENCE)
        assert status != 0
        assert bool(gone) == (kind == "processes")
        assert alive == []
        assert left_in(env) == []

    def test_by_a_kill(self, script: Path, env: dict[str, str]) -> None:
        """Workers exit when their scheduler is gone; their folder remains."""
        command = [sys.executable, str(script), "never"]
        given = {**env, "FLYTE_DASK_LOCAL": "processes"}
        with running(command, "the task has started", given) as program:
            children = psutil.Process(program.popen.pid).children(recursive=True)
            program.popen.kill()
            gone, alive = psutil.wait_procs(children, PATIENCE)
        assert gone
        assert alive == []


class TestProgress:
    """The progress bar of a long computation on a terminal."""

    def test_it_is_shown_on_a_terminal(self, script: Path) -> None:
        shown = on_a_terminal([sys.executable, str(script)])
        assert re.search(r"etl\.total .* \d+/60 .*tasks", shown)
        assert re.search(r"etl\.total: local cluster in threads", shown)
        assert "finished: 60 tasks " in shown
        assert shown.endswith("1770\r\n")

    @pytest.mark.parametrize("columns", [200, 40])
    def test_a_line_of_the_log_does_not_continue_its_line(
        self, tmp_path: Path, columns: int
    ) -> None:
        """Neither a line of Python's own handler, nor one of flytekit's; also if it is narrow."""
        (tmp_path / "etl.py").write_text(LOGGING)
        raw = raw_on_a_terminal([sys.executable, str(tmp_path / "etl.py")], columns=columns)
        assert BAR in raw.decode()
        lines = on_screen(raw.decode())
        numbered = [each for each in lines if "line " in each]
        assert numbered == [f"line {number}" for number in range(12)]
        assert sum("written" in each for each in lines) == 12
        assert [each for each in lines if BAR in each] == []

    @pytest.mark.parametrize("setting", [{"FLYTE_DASK_PROGRESS": "0"}, {"TERM": "dumb"}])
    def test_it_can_be_switched_off(self, script: Path, setting: dict[str, str]) -> None:
        shown = on_a_terminal([sys.executable, str(script)], setting)
        assert not re.search(r"\d+/60", shown)

    def test_it_is_not_shown_in_tests(self, script: Path) -> None:
        test = (
            "from etl import total\n\n\ndef test_total():\n    assert total(n=60, seconds=0.05)\n"
        )
        (script.parent / "test_etl.py").write_text(test)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-s",
            "-p",
            "no:cacheprovider",
            "--rootdir",
        ]
        shown = on_a_terminal([*command, str(script.parent), str(script.with_name("test_etl.py"))])
        assert "1 passed" in shown
        assert not re.search(r"\d+/60", shown)


def on_a_terminal(command: list[str], env: dict[str, str] | None = None) -> str:
    """What *command* writes to a terminal of 200 columns, without colours."""
    return _CODE.sub("", raw_on_a_terminal(command, env).decode())


_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_screen(raw: str) -> list[str]:
    """The lines that a terminal has after *raw*: cursors go up, and to the start of a line."""
    lines, row, column = [""], 0, 0
    for text in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|.", raw, re.DOTALL):
        if text == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif text == "\r":
            column = 0
        elif text == "\x1b[2K":
            lines[row] = ""
        elif text == "\x1b[1A":
            row -= 1
        elif not _CODE.fullmatch(text):
            before = lines[row].ljust(column)
            lines[row] = f"{before[:column]}{text}{before[column + 1 :]}"
            column += 1
    return lines


def raw_on_a_terminal(
    command: list[str], env: dict[str, str] | None = None, columns: int = 200
) -> bytes:
    """What *command* writes to a terminal."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 50, columns, 0, 0))
    given = {**os.environ, "TERM": "xterm", **(env or {})}
    del given["PYTEST_CURRENT_TEST"]  # the program is not a test
    popen = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=given)
    os.close(theirs)
    shown = b"".join(read_terminal(ours))
    os.close(ours)
    assert popen.wait(PATIENCE) == 0, shown
    return shown


class TestNotebooks:
    """Notebooks, where an event loop runs already."""

    @pytest.fixture
    def cell(self, env: dict[str, str]) -> Iterator[Any]:
        """A function that runs a cell in a real kernel, and returns what it prints."""
        manager, client = start_new_kernel(env={**os.environ, **env}, startup_timeout=PATIENCE)

        def execute(code: str) -> str:
            printed = []

            def listen(message: dict[str, Any]) -> None:
                if message["msg_type"] in {"stream", "error"}:
                    content = message["content"]
                    printed.append(content.get("text") or "\n".join(content["traceback"]))

            client.execute_interactive(code, output_hook=listen, timeout=PATIENCE)
            return "".join(printed)

        try:
            yield execute
        finally:
            client.stop_channels()
            manager.shutdown_kernel()
        assert left_in(env) == []

    @KINDS
    def test_functions_and_coroutine_functions(self, cell: Any, kind: str) -> None:
        cell(f"import os\nos.environ['FLYTE_DASK_LOCAL'] = '{kind}'")
        cell(
            "import distributed\nfrom flytekit import task\nfrom flytekitplugins.dask import Dask\n"
            "def double(x):\n    return 2 * x\n"
            "@task(task_config=Dask(workers=2))\n"
            "def doubled(x: int) -> int:\n"
            "    return distributed.default_client().submit(double, x).result()\n"
            "@task(task_config=Dask(workers=2))\n"
            "async def awaited(x: int) -> int:\n"
            "    async with distributed.Client(asynchronous=True) as client:\n"
            "        return await client.submit(double, x)\n"
        )
        assert cell("print(doubled(x=21))") == "42\n"
        assert cell("print(await awaited(x=21))") == "42\n"


class TestTheFixture:
    """The pytest fixture, in a project that has flyte-dask installed."""

    TEST = """
import dask
from flyte_dask import Parent, Resources
from flytekitplugins.dask import Dask, presets
import distributed
import pytest


def where():
    return distributed.get_worker().address


def test_what_a_task_calls_uses_the_cluster(dask_session):
    client = dask_session(presets.medium(workers=2))
    assert distributed.default_client() is client
    assert dask.delayed(where)().compute() in client.nthreads()


def test_a_test_may_have_none_and_several(dask_session):
    with pytest.raises(ValueError, match="No client"):
        distributed.default_client()
    first, second = dask_session(), dask_session(Dask(), parent=Parent(limits=Resources(cpu=2)))
    assert first.scheduler.address != second.scheduler.address
    assert distributed.default_client() is second


def test_it_ends_with_its_test():
    with pytest.raises(ValueError, match="No client"):
        distributed.default_client()
"""

    def test_it_is_found(self, tmp_path: Path, env: dict[str, str]) -> None:
        (tmp_path / "test_etl.py").write_text(self.TEST)
        pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = run(*pytest_, "--rootdir", tmp_path, "test_etl.py", cwd=tmp_path, env=env)
        assert "3 passed" in done.stdout, done.stdout + done.stderr
        assert left_in(env) == []

    def test_it_does_not_load_flytekit_unless_it_is_used(self, tmp_path: Path) -> None:
        test = (
            "import sys\n\n\ndef test_nothing():\n"
            "    assert not {'flytekit', 'dask', 'distributed', 'flyte_dask'} & set(sys.modules)\n"
        )
        (tmp_path / "test_etl.py").write_text(test)
        pytest_ = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        done = run(*pytest_, "--rootdir", tmp_path, "test_etl.py", cwd=tmp_path)
        assert "1 passed" in done.stdout, done.stdout + done.stderr
