"""The search for a module's team file."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import cast

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import plain_text

__all__ = ["NAME", "VARIABLE", "as_path", "find_for_module", "prefix_of"]

NAME = "flyte-dask.toml"
VARIABLE = "FLYTE_DASK_FILE"
"""The environment variable with the path of the team file, which overrides the search."""

_PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "flyte-dask")
_MENTIONS_TABLES = r"""(?m)tool["']?\s*\.\s*["']?flyte-dask|^\s*["']?flyte-dask["']?\s*[.=]"""
"""A pattern for text that mentions the tables, even if it is not valid TOML."""
_ENDS = (".git", ".hg")  # the root of a repository, where the search ends
_PATH = type(Path())
_INSTALLED = ("site-packages", "dist-packages")


def find_for_module(module: Path) -> Path | None:
    """The team file for the file *module*: in its folder, or in the nearest folder above.

    It is ``flyte-dask.toml``, or ``pyproject.toml`` if that has a table ``[tool.flyte-dask]``. The
    search ends at the root of the repository, or of the installed packages.

    A ``pyproject.toml`` that cannot be read, or that is not valid TOML and seems to have that
    table, is returned too, so that its reader reports what is wrong: it may hold a policy.

    Raises:
        InvalidConfig: if one folder has both, or *module* is not a path.
    """
    if type(module) is not _PATH:
        module = as_path("find_for_module(...)", "module", module)
    folder = os.path.dirname(os.path.abspath(module))  # noqa: PTH100, PTH120  # for each task
    while os.path.basename(folder) not in _INSTALLED:  # noqa: PTH119  # as above
        found = [path for name in (NAME, _PROJECT) if _is_one(path := f"{folder}{os.sep}{name}")]
        if len(found) > 1:
            rule = f"exists next to [tool.flyte-dask] in {_PROJECT}"
            problem = Problem("file", Path(found[0]), rule, "keep one of them")
            raise_if_any("the team file", [problem])
        if found:
            return Path(found[0])
        above = os.path.dirname(folder)  # noqa: PTH120  # as above
        if above == folder or any(os.path.exists(f"{folder}{os.sep}{end}") for end in _ENDS):  # noqa: PTH110  # as above
            return None
        folder = above
    return None


def as_path(subject: str, name: str, path: object) -> Path:
    """The argument *name* of *subject* as a `Path`.

    Raises:
        InvalidConfig: if it is neither a str nor a path of text.
    """
    text: object = None
    with suppress(Exception):  # whatever a class of the user's raises
        text = os.fspath(cast("str", path))
    if not isinstance(text, str):
        raise_if_any(subject, [Problem(name, path, "is not a path", "pass a str or a Path")])
    return Path(plain_text(cast("str", text)))


def prefix_of(path: Path) -> tuple[str, ...]:
    """The keys under which the tables are in the file at *path*."""
    return _IN_PROJECT if path.name == _PROJECT else ()


def _is_one(path: str) -> bool:
    if not os.path.isfile(path):  # noqa: PTH113  # as above
        return False
    return path.endswith(NAME) or _has_tables(Path(path))


def _has_tables(project: Path) -> bool:
    from flyte_dask.team_files.parsers import NotThatFormat, loaded  # noqa: PLC0415  # rarely needed

    try:
        text = project.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return True  # it may hold a policy, so its reader has to report the error
    if "flyte-dask" not in text:
        return False  # the usual case; parsing is slow
    try:
        data = loaded(text, "toml").data
    except NotThatFormat:
        return re.search(_MENTIONS_TABLES, text) is not None  # as above
    for key in prefix_of(project):
        data = data.get(key) if isinstance(data, dict) else None
    return data is not None
