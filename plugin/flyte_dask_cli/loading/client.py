"""The client of the server process, which imports users' modules.

Importing a module may do anything: print, exit, crash, hang. So it happens in a process of its own;
this one needs no flytekit, and reports how the other ended.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import partial
from secrets import token_hex
from typing import IO, Literal, TypeAlias, cast, final

import attrs
import click

from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask.team_files.discovery import VARIABLE
from flyte_dask_cli.loading.findings import finding
from flyte_dask_cli.loading.targets import Target

__all__ = ["Form", "Request", "Response", "ServerFailed", "request_responses"]

Form: TypeAlias = Literal["summary", "findings", "migration", "custom", "template", "pods"]
"""What a request wants of each task; all forms have the findings too."""

# Python puts the working directory first on its path, where a module may shadow one of ours.
_START = (
    "import sys; sys.path[:] = [each for each in sys.path if each]; "
    "from flyte_dask_cli.loading.start import main; main()"
)


@final
@attrs.frozen
class Request:
    """What to return of every task of some modules."""

    form: Form
    file: str | None = None
    """The path of the team file; None is the nearest one of each module."""
    base: str | None = None
    """The starting point of the platform; None is the team file's platform."""
    backend: str | None = None
    """The backend, as the amounts below; None is that of the team file."""
    defaults: Mapping[str, str] = {}
    limits: Mapping[str, str] = {}
    images: tuple[str, ...] = ()
    """Images as ``pyflyte`` takes them: ``reference`` or ``name=reference``."""
    timeout: float = 300
    """Seconds that a module may take to import."""


@final
@attrs.frozen
class Response:
    """The tasks of one module, and its findings."""

    target: Target
    tasks: tuple[Json, ...] = ()
    findings: tuple[Json, ...] = ()
    failed: int = 0
    """The number of tasks that are not in `tasks`, since they have errors."""


class ServerFailed(click.ClickException):
    """The server process does not start, or rejects the request."""


def request_responses(
    request: Request, targets: Sequence[Target], waiting: Callable[[int, str], None]
) -> Iterator[Response]:
    """One response for each target. A server that a module ends is replaced by another.

    Args:
        request: what to return of each task.
        targets: the modules.
        waiting: called again and again while a module is imported, with its number, counted from
            1, and its name; while the server starts, with 0 and ``flytekit``.

    Raises:
        ServerFailed: if the server does not start, or rejects the request.
    """
    remaining = list(targets)
    while remaining:
        with closing(_Server(request, remaining)) as server:
            server.wait_until_ready(partial(waiting, 0, "flytekit"))
            while remaining and not server.has_ended:
                target = remaining.pop(0)
                tick = partial(waiting, len(targets) - len(remaining), target.name)
                yield server.response(target, request.timeout, tick)


class _Server:
    """The process that imports modules, and the messages that it sends."""

    def __init__(self, request: Request, targets: Sequence[Target]) -> None:
        self.has_ended = False
        self._number = 0
        self._token = token_hex(8)
        self._messages: queue.SimpleQueue[Json] = queue.SimpleQueue()
        utf8 = {} if sys.getfilesystemencoding() == "utf-8" else {"PYTHONUTF8": "1"}
        file = {VARIABLE: request.file} if request.file else {}
        self._popen = subprocess.Popen(
            [sys.executable, "-u", "-c", _START],  # unbuffered: a crash must not lose output
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **utf8, **file},
            start_new_session=True,  # a group, which is killed with all that modules start
        )
        threading.Thread(target=self._read, daemon=True).start()
        message = {"request": attrs.asdict(request), "targets": list(map(attrs.asdict, targets))}
        stream = cast("IO[bytes]", self._popen.stdin)
        with suppress(BrokenPipeError), stream:
            stream.write(json.dumps({**message, "token": self._token}).encode())

    def response(self, target: Target, timeout: float, waiting: Callable[[], None]) -> Response:
        """The response about *target*, which is the next one."""
        self._number += 1
        try:
            message = self._next(timeout, waiting)
        except TimeoutError:
            self.has_ended = True
            rule = f"import timed out after {timeout:g} s"
            return _failure(target, rule, "import it by hand to see why, or raise --timeout")
        if message is None or message["number"] != self._number:
            self.has_ended = True
            rule = f"import terminated Python ({_exit_text(self._popen.wait())})"
            return _failure(target, rule, "move its side effects out of module level")
        findings = tuple(message["findings"])
        return Response(target, tuple(message["tasks"]), findings, message["failed"])

    def wait_until_ready(self, waiting: Callable[[], None]) -> None:
        """Wait until it can import modules.

        Raises:
            ServerFailed: if it does not start, or rejects the request.
        """
        message = self._next(None, waiting)
        if message is None:
            raise ServerFailed("cannot import flytekit or its Dask plugin: see the error above")
        if message["error"]:
            raise ServerFailed(message["error"])

    def close(self) -> None:
        """Kill it, with all processes that modules have started and left."""
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._popen.kill()
            else:
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def _read(self) -> None:
        """Read the lines that start with our token: modules may write to any descriptor."""
        token = self._token.encode()
        for line in cast("IO[bytes]", self._popen.stdout):
            if line.startswith(token):
                with suppress(ValueError):  # it ended while it wrote the line
                    self._messages.put(json.loads(line.removeprefix(token)))

    def _next(self, timeout: float | None, waiting: Callable[[], None]) -> Json | None:
        """The next message; None if the process has ended. *waiting* is called until then.

        The end of its stream is no sign of that: processes that it started may keep it open.

        Raises:
            TimeoutError: after *timeout* seconds without a message.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            waiting()
            has_ended = self._popen.poll() is not None
            with suppress(queue.Empty):
                return self._messages.get(timeout=_GRACE if has_ended else _POLL_INTERVAL)
            if has_ended:
                return None
            if until is not None and time.monotonic() > until:
                raise TimeoutError


_POLL_INTERVAL, _GRACE = 0.1, 1.0
"""Seconds between two polls of the process, and to wait for its last message after its end."""


def _exit_text(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"


def _failure(target: Target, rule: str, remedy: str) -> Response:
    line = CallSite(target.file, 1) if target.file else None
    not_checked = [{"module": target.name, "imports": []}]
    found = finding("error", "import", rule, line, remedy=remedy, not_checked=not_checked)
    return Response(target, findings=(found,))
