"""Where the user's own code called us: the first frame outside of the libraries between."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import final

import attrs

__all__ = ["CallSite", "user_call_site"]

_LIBRARIES = frozenset({"attr", "attrs", "flyte_dask", "flytekit", "flytekitplugins", "functools"})


@final
@attrs.frozen
class CallSite:
    """A line of the user's code."""

    file: str
    """As Python names it: an absolute path, or a name such as ``<stdin>``."""
    line: int

    def __str__(self) -> str:
        """``file:line``, the file relative to the working directory where it lies below that."""
        path = Path(self.file)
        with suppress(ValueError, OSError):  # it lies elsewhere, or the directory is gone
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"


def user_call_site() -> CallSite | None:
    """The innermost line on the stack that is neither ours nor of a library that called us."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect.stack() reads sources
    while frame is not None and _is_library(frame):
        frame = frame.f_back
    return CallSite(frame.f_code.co_filename, frame.f_lineno) if frame else None


def _is_library(frame: FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    generated_by_attrs = frame.f_code.co_filename.startswith("<attrs generated")
    return generated_by_attrs or module.partition(".")[0] in _LIBRARIES
