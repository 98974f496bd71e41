"""Questions about a user's modules, to a process that imports them.

Importing may do anything: print, exit, crash, hang. So it happens in a process of its own, and this
one, which needs no flytekit, tells what became of it.
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from secrets import token_hex
from typing import IO, Literal, TypeAlias, cast, final

import attrs

from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask.team_files.discovery import VARIABLE
from flyte_dask_cli.loading.findings import finding
from flyte_dask_cli.loading.targets import Target

__all__ = ["Answer", "Form", "NoAnswer", "Question", "ask"]

Form: TypeAlias = Literal["facts", "findings", "custom", "template", "pods"]
"""What is asked of each task."""

# Python puts the working directory first on its path, where a module may hide one of ours.
_START = (
    "import sys; sys.path[:] = [each for each in sys.path if each]; "
    "from flyte_dask_cli.loading.server import main; main()"
)


@final
@attrs.frozen
class Question:
    """What is asked of every task of some modules."""

    form: Form
    file: str | None = None
    """The team file, if it is not that beside each module."""
    backend: str | None = None
    """The backend, if it is not that of the team file; and the same of the amounts below."""
    defaults: Mapping[str, str] = {}
    limits: Mapping[str, str] = {}
    images: tuple[str, ...] = ()
    """As ``pyflyte`` takes them: ``reference`` or ``name=reference``."""
    timeout: float = 300
    """Seconds that a module may take."""


@final
@attrs.frozen
class Answer:
    """What one module has, and what is wrong with it."""

    target: Target
    tasks: tuple[Json, ...] = ()
    findings: tuple[Json, ...] = ()
    failed: int = 0
    """How many tasks have no answer, but findings instead."""


class NoAnswer(RuntimeError):
    """Nothing can be asked at all."""


def ask(question: Question, targets: Sequence[Target]) -> Iterator[Answer]:
    """One answer for each target. A process that a module ends is followed by another.

    Raises:
        NoAnswer: if the process can't start, or the question is none.
    """
    left = list(targets)
    while left:
        with _answering(question, left) as process:
            while left and not process.is_over:
                yield process.answer(left.pop(0), question.timeout)


class _Process:
    """The process that imports, and what it says."""

    def __init__(self, question: Question, targets: Sequence[Target]) -> None:
        self.is_over = False
        self._number = 0
        self._token = token_hex(8)
        self._said: queue.SimpleQueue[Json] = queue.SimpleQueue()
        utf8 = {} if sys.getfilesystemencoding() == "utf-8" else {"PYTHONUTF8": "1"}
        file = {VARIABLE: question.file} if question.file else {}
        self._popen = subprocess.Popen(
            [sys.executable, "-u", "-c", _START],  # what modules print is not lost if they crash
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **utf8, **file},
            start_new_session=True,  # with all that modules start in it, it can be ended
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._ask({"question": attrs.asdict(question), "targets": list(map(attrs.asdict, targets))})

    def answer(self, target: Target, timeout: float) -> Answer:
        """That about the next target, which is this one."""
        self._number += 1
        try:
            said = self._next(timeout)
        except TimeoutError:
            self.is_over = True
            rule, remedy = "is not imported", "import it by hand to see why, or say more --timeout"
            return _lost(target, f"{rule} after {timeout:g} s", remedy)
        if said is None or said["number"] != self._number:
            self.is_over = True
            rule = f"ended Python when it was imported: {_how(self._popen.wait())}"
            return _lost(target, rule, "keep what it does out of import")
        return Answer(target, tuple(said["tasks"]), tuple(said["findings"]), said["failed"])

    def expect_ready(self) -> None:
        """Wait until it can import modules.

        Raises:
            NoAnswer: if it never can, or the question is none.
        """
        said = self._next(None)
        if said is None:
            raise NoAnswer("flytekit or its plugin cannot be imported here: the error is above")
        if said["refused"]:
            raise NoAnswer(said["refused"])

    def end(self) -> None:
        """End it, with all that modules have started and left."""
        with suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._popen.kill()
            else:
                os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()

    def _ask(self, question: Json) -> None:
        stream = cast("IO[bytes]", self._popen.stdin)
        with suppress(BrokenPipeError), stream:
            stream.write(json.dumps({**question, "token": self._token}).encode())

    def _listen(self) -> None:
        """Hear what has our token: modules may write anywhere."""
        token = self._token.encode()
        for line in cast("IO[bytes]", self._popen.stdout):
            if line.startswith(token):
                with suppress(ValueError):  # what was cut off when it ended
                    self._said.put(json.loads(line.removeprefix(token)))

    def _next(self, timeout: float | None) -> Json | None:
        """What it says next; None if it has ended.

        Its end is not that of its stream, which what it started may still have.

        Raises:
            TimeoutError: if it says nothing for so long.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            has_ended = self._popen.poll() is not None
            with suppress(queue.Empty):
                return self._said.get(timeout=_GRACE if has_ended else _BREATH)
            if has_ended:
                return None
            if until is not None and time.monotonic() > until:
                raise TimeoutError


_BREATH, _GRACE = 0.1, 1.0
"""Seconds between two looks at the process, and after its end until its last word is heard."""


def _how(code: int) -> str:
    if code >= 0:
        return f"it exited with status {code}"
    with suppress(ValueError):
        return f"it died of {signal.Signals(-code).name}"
    return f"it died of signal {-code}"


def _lost(target: Target, rule: str, remedy: str) -> Answer:
    site = CallSite(target.file, 1) if target.file else None
    return Answer(target, (), (finding("error", "import", rule, site=site, remedy=remedy),))


@contextmanager
def _answering(question: Question, targets: Sequence[Target]) -> Iterator[_Process]:
    """A process that answers about *targets*, and is gone in the end."""
    process = _Process(question, targets)
    try:
        process.expect_ready()
        yield process
    finally:
        process.end()
