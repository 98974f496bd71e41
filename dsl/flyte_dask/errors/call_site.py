"""Where the user's own code called us: the first frame outside of the libraries between."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

import sys
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from types import FrameType
from typing import NamedTuple, final

__all__ = ["CallSite", "decoration_site", "importing_module", "is_library", "user_call_site"]

_LIBRARIES = frozenset(
    {
        *("attr", "attrs", "click", "dataclasses", "flyte_dask", "flyte_dask_cli", "flytekit"),
        *("functools", "importlib"),
    }
)
_PLUGIN = "flytekitplugins.dask"  # beside which others have theirs
# Ours, but there it says the sizes of the built-in presets as a user's module says others.
_BUILT_IN = ("flyte_dask.catalog.builtin", "<lambda>")


@final
class CallSite(NamedTuple):
    """A line of the user's code."""

    file: str
    """As Python names it: an absolute path, or a name such as ``<stdin>``."""
    line: int
    """Counted from 1."""

    def __str__(self) -> str:
        """``file:line``, the file relative to the working directory where it lies below that."""
        from pathlib import Path  # noqa: PLC0415  # slow to import, and for display only

        path = Path(self.file)
        with suppress(ValueError, OSError):  # it lies elsewhere, or the directory is gone
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"


def user_call_site() -> CallSite | None:
    """The innermost line on the stack that is neither ours nor of a library that called us."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # inspect.stack() reads sources
    while frame is not None and is_library(frame):
        frame = frame.f_back
    return CallSite(frame.f_code.co_filename, frame.f_lineno) if frame else None


def importing_module() -> str | None:
    """The file of the user's module that is being imported, the innermost one.

    None if there is none: in a function that is called later, or in a script that is run.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # as above
    while frame is not None and (frame.f_code.co_name != "<module>" or is_library(frame)):
        frame = frame.f_back
    if frame is None or frame.f_globals.get("__name__") == "__main__":
        return None
    return frame.f_code.co_filename


def decoration_site(function: Callable[..., object]) -> CallSite | None:
    """The line of the decorator that is at work on *function*.

    Python 3.10 takes that of the ``def`` for it, and does not tell which decorator it is: there it
    is the first one's.
    """
    site = user_call_site()
    if site is None or sys.version_info >= (3, 11):
        return site
    from inspect import unwrap  # noqa: PLC0415  # slow to import

    code = getattr(unwrap(function), "__code__", None)
    if code is None or code.co_filename != site.file:
        return site
    body = min((line for _, _, line in code.co_lines() if line is not None), default=0)
    # elsewhere it was no decorator, as in task(...)(function)
    return site._replace(line=code.co_firstlineno) if site.line <= body else site


def is_library(frame: FrameType) -> bool:
    """Whether it runs our code, or that of a library that calls us or that we call."""
    code, module = frame.f_code, frame.f_globals.get("__name__")
    if (module, code.co_name) == _BUILT_IN:
        return False
    return _is_library_module(module) or _is_generated(code.co_filename, code.co_name)


@lru_cache(maxsize=1024)
def _is_library_module(name: object) -> bool:
    module = str(name)
    return module.partition(".")[0] in _LIBRARIES or f"{module}.".startswith(f"{_PLUGIN}.")


def _is_generated(file: str, function: str) -> bool:
    """Whether the code is what attrs or dataclasses make, or Python's own import machinery."""
    return file.startswith(("<attrs generated", "<frozen importlib")) or (file, function) == (
        "<string>",
        "__init__",
    )
