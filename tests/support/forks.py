"""Scripts of this environment as forks of a process that has imported what they need.

These tests start thousands of processes, each of which would take a second or more to import other
people's packages. None of those imported before the fork is Flyte's or ours, or reads what a test
sets for a process: Dask is imported only for its own commands, without settings for it.

As a program, by its path, this module is the process that is forked.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

__all__ = ["Forked", "can_fork", "fork"]

_PROJECT = Path(__file__).parents[2]
_PACKAGES = (
    *("aiohttp", "click", "cloudpickle", "docker", "google.protobuf.json_format", "grpc"),
    *("jinja2", "keyring", "marshmallow_enum", "marshmallow_jsonschema", "mashumaro.mixins.json"),
    *("msgpack", "numpy", "obstore", "pandas", "psutil", "pyarrow.dataset"),
    *("pyarrow.parquet", "pydantic", "pygments.lexers", "requests", "rich.console", "rich_click"),
    *("tblib", "tornado.httpserver", "tornado.web", "yaml", "zict"),
)
_DASK = ("dask.cli", "distributed.cli.dask_scheduler", "distributed.cli.dask_worker")
_HANDLED = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE"}
_MOST = 2**17  # bytes of a request


class Forked:
    """A process that was forked, with those members of `subprocess.Popen` that tests use."""

    def __init__(self, command: Sequence[str], replies: socket.socket, stdout: IO[str]) -> None:
        self.args = command
        self.stdout = stdout
        self.returncode: int | None = None
        self._ended = threading.Event()
        lines = replies.makefile("r")
        self.pid = int(lines.readline())
        threading.Thread(target=self._listen, args=(replies, lines), daemon=True).start()

    def _listen(self, replies: socket.socket, lines: IO[str]) -> None:
        with replies, lines:
            self.returncode = int(lines.readline() or -signal.SIGKILL)
        self._ended.set()

    def poll(self) -> int | None:
        """The exit status, or minus the signal that ended it; None while it runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, once it has ended."""
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def can_fork(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a fork can run *command*: a script of this Python, started with its usual options."""
    script = Path(command[0])
    if not hasattr(os, "pidfd_open") or script.parent != Path(sys.executable).parent:
        return False
    given = {name for name in env if name.startswith("PYTHON") and name not in _HANDLED}
    is_usual = all(env[name] == os.environ.get(name) for name in given)
    folders = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    return is_usual and _is_python(script) and not any(map(_replaces_modules, folders))


def _replaces_modules(folder: str) -> bool:
    """Whether *folder* has other versions of modules that a fork may have, or changes the start."""
    path = Path(folder)
    if path == _PROJECT or not path.is_dir():
        return False
    names = {each.stem for each in path.iterdir() if each.stem.isidentifier()}
    return "sitecustomize" in names or any(map(find_spec, names))


@cache
def _is_python(script: Path) -> bool:
    with script.open("rb") as file:
        first = file.readline().decode(errors="replace")
    return first.startswith("#!") and first.rstrip().endswith(Path(sys.executable).resolve().name)


def fork(
    command: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | None = None,
    *,
    stderr: int | None = None,
    start_new_session: bool = False,
) -> Forked:
    """Start *command*; its errors are part of the output, or go to the file *stderr*."""
    reader, writer = os.pipe()
    ours, theirs = socket.socketpair()
    request = {
        "command": [*command],
        "env": {**env},
        "cwd": str(cwd or Path.cwd()),
        "session": start_new_session,
    }
    try:
        files = [theirs.fileno(), writer, writer if stderr is None else stderr]
        server = _server(for_dask=_is_plain_dask(command, env))
        socket.send_fds(server, [json.dumps(request).encode()], files)
    finally:
        theirs.close()
        os.close(writer)
    return Forked(command, ours, os.fdopen(reader, encoding="utf-8"))


def _is_plain_dask(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether *command* is one of Dask's, and imports it as it would without any settings."""
    given = {name for name, value in env.items() if value != os.environ.get(name)}
    is_set = any(each.startswith(("DASK_", "FSSPEC_", "HOME", "XDG_")) for each in given)
    return Path(command[0]).name.startswith("dask") and not is_set


@cache
def _server(*, for_dask: bool) -> socket.socket:
    """The connection to the process that is forked; it ends with this one, but is no child."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONPATH" and not name.startswith("DASK_")
    }
    packages = _DASK if for_dask else _PACKAGES
    with theirs:
        subprocess.run(
            [sys.executable, __file__, str(theirs.fileno()), *packages],
            check=True,
            env=env,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
    return ours


def _serve(requests: socket.socket) -> dict[str, Any]:
    """Fork for each request, and return in the fork; exit when there can be no more requests."""
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fileobj is not requests:
                _report_end(selector, key)
                continue
            message, files, _, _ = socket.recv_fds(requests, _MOST, 3)
            if not message:
                sys.exit()
            pid = os.fork()
            if pid == 0:
                for each in [*selector.get_map().values()]:
                    os.close(each.fd)
                    if each.data:
                        each.data[1].close()
                selector.close()
                requests.detach()
                return {**json.loads(message), "files": files}
            replies = socket.socket(fileno=files[0])
            for file in files[1:]:
                os.close(file)
            replies.send(b"%d\n" % pid)
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, replies))


def _report_end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    selector.unregister(key.fileobj)
    os.close(key.fd)
    pid, replies = key.data
    _, status = os.waitpid(pid, 0)
    with replies, suppress(OSError):  # nobody may listen any more
        replies.send(b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(request: Mapping[str, Any], first_path: Sequence[str]) -> str:
    """Make this process what it would be if it had been started with *request*; its script."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if request["session"]:
        os.setsid()
    replies, stdout, stderr = request["files"]
    os.close(replies)
    for number, file in enumerate((stdout, stderr), 1):
        os.dup2(file, number)
    for file in {stdout, stderr}:
        os.close(file)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        before = getattr(sys, name)  # its state belongs to another file
        stream = open(before.fileno(), mode, errors=before.errors, closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    sys.argv = request["command"]
    script = str(sys.argv[0])
    added = os.environ.get("PYTHONPATH", "")
    sys.path[:] = [str(Path(script).parent), *filter(None, added.split(os.pathsep)), *first_path]
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    return script


if __name__ == "__main__":
    if os.fork():
        os._exit(0)  # tests count their children, and end them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the process that started it
    for package in sys.argv[2:]:
        with suppress(ImportError):  # an older Flyte or Dask needs others
            import_module(package)
    gc.freeze()
    wanted = _serve(socket.socket(fileno=int(sys.argv[1])))
    __name__ = "runpy"  # errors name the line of the user's code, which this is not
    runpy.run_path(_become(wanted, sys.path[1:]), run_name="__main__")
