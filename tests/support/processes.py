"""Real processes, which end with their test."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.support.forks import Forked, can_fork, fork
from tests.support.paths import PROJECT

BIN = Path(sys.executable).parent
"""Where the console scripts of this environment are."""

PATIENCE = 60.0
"""Seconds until a test fails whose condition does not come true."""


@attrs.define
class Running:
    """A started process and its output so far."""

    popen: subprocess.Popen[str] | Forked
    lines: list[str] = attrs.field(factory=list)
    match: re.Match[str] | None = None
    news: threading.Condition = attrs.field(factory=threading.Condition)

    @property
    def output(self) -> str:
        """Standard output and standard error so far."""
        return "".join(self.lines)

    def wait_for(self, text: str) -> None:
        """Return as soon as its output contains *text*."""
        with self.news:
            came = self.news.wait_for(lambda: text in self.output, PATIENCE)
        assert came, self.output

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Terminate it and its children, and return the exit status."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGCONT)  # it may have been stopped
            os.killpg(self.popen.pid, by)
        return self.popen.wait(PATIENCE)


@contextmanager
def running(
    command: Sequence[str],
    until: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Running]:
    """*command* in its own process group, as soon as its output matches the pattern *until*."""
    popen = _start([*command], {**os.environ, **(env or {})}, cwd)
    process, ready = Running(popen), threading.Event()

    def listen() -> None:
        for line in popen.stdout or ():
            with process.news:
                process.lines.append(line)
                process.news.notify_all()
            if process.match is None:
                process.match = re.search(until, line)
            if process.match:
                ready.set()
        ready.set()

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        ready.wait(PATIENCE)
        if process.match is None:
            raise AssertionError(f"{command} did not print {until!r}, but:\n{process.output}")
        yield process
    finally:
        try:
            process.stop()
        except subprocess.TimeoutExpired:
            process.stop(signal.SIGKILL)
        listener.join(PATIENCE)
        if popen.stdout:
            popen.stdout.close()


def _start(
    command: list[str], env: Mapping[str, str], cwd: Path | None
) -> subprocess.Popen[str] | Forked:
    if can_fork(command, env):
        return fork(command, env, cwd, start_new_session=True)
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        cwd=cwd,
        start_new_session=True,
    )


def run(
    *command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run *command* to its end; any exit status is accepted."""
    line, given = [str(part) for part in command], {**os.environ, **(env or {})}
    if can_fork(line, given):
        return _run_fork(line, given, cwd)
    return subprocess.run(
        line,
        cwd=cwd,
        env=given,
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE * 5,
    )


def _run_fork(
    command: list[str], env: Mapping[str, str], cwd: Path | None
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = fork(command, env, cwd, stderr=errors.fileno())
        timer = threading.Timer(PATIENCE * 5, process.kill)
        timer.start()
        with process.stdout:
            output = process.stdout.read()
        status = process.wait()
        if not timer.is_alive():
            raise subprocess.TimeoutExpired(command, PATIENCE * 5)
        timer.cancel()
        errors.seek(0)
        return subprocess.CompletedProcess(command, status, output, errors.read())


def pip_install(what: Path, target: Path) -> None:
    """Install the wheel or project *what* into the folder *target*, without a network."""
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    pip = [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", str(target)]
    done = run(*pip, what)
    assert done.returncode == 0, done.stderr


def unpack(archive: Path, folder: Path) -> None:
    """The files of a tar archive, below *folder*."""
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                path = folder / member.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def build_wheel(folder: Path) -> Path:
    """This project's wheel, built from its sdist, both into *folder*."""
    project = PROJECT
    done = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel
