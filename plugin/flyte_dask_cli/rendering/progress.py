"""The progress of imports: one line on standard error, if that is a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import time
from types import TracebackType
from typing import TextIO, final

__all__ = ["Progress"]

_CLEAR = "\r\x1b[K"
_DELAY = 1.0
"""Seconds until the line is shown: what modules print goes to the same terminal."""


@final
class Progress:
    """A line that says which module is being imported, and for how long; cleared at the end.

    Args:
        total: the number of modules.
        stream: where it is written, if that is a terminal; default: standard error.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._is_shown = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._what = self._text = ""
        self._start = self._since = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write("")

    def update(self, number: int, module: str) -> None:
        """Show that *module* is being imported, the one with this *number*; 0 is Flyte's SDK."""
        what = f"importing {number}/{self._total}: {module}" if number else f"importing {module}"
        now = time.monotonic()
        if what != self._what:
            self._what, self._since = what, now
        if now - self._start >= _DELAY:
            seconds = int(now - self._since)
            self._write(f"{what} ({seconds} s)" if seconds else what)

    def _write(self, text: str) -> None:
        if not self._is_shown or text == self._text:
            return
        self._text = text
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"{_CLEAR}{text[: columns - 1]}")
        self._stream.flush()
