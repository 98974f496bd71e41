"""Private or undocumented parts of Python that are used here."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.machinery import FileFinder
from types import FrameType


def test_finders_list_their_folders_as_path_cache() -> None:
    """`flyte_dask` uses that to see whether the official plugin is installed next to it."""
    finders = [each for each in sys.path_importer_cache.values() if isinstance(each, FileFinder)]
    listed = {name for finder in finders for name in getattr(finder, "_path_cache")}  # noqa: B009
    version = importlib.metadata.version("attrs")
    assert f"attrs-{version}.dist-info" in listed


def test_getframe_finds_the_callers_line() -> None:
    """Errors use it to name the user's line; `inspect.stack` would read all sources."""

    def called() -> FrameType | None:
        return sys._getframe(1)

    frame = called()
    assert frame is not None
    code = frame.f_code
    assert (code.co_filename, code.co_name) == (__file__, "test_getframe_finds_the_callers_line")
