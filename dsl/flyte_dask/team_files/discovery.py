"""Which team file is meant: the one next to a module."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flyte_dask.errors import Problem, raise_if_any

__all__ = ["NAME", "VARIABLE", "find_beside", "prefix_of"]

NAME = "flyte-dask.toml"
VARIABLE = "FLYTE_DASK_FILE"
"""The variable of the environment that says the path of the team file, whatever the module."""

_PROJECT = "pyproject.toml"
_IN_PROJECT = ("tool", "flyte-dask")
_SAYS_TABLES = r"""(?m)tool["']?\s*\.\s*["']?flyte-dask|^\s*["']?flyte-dask["']?\s*[.=]"""
"""What a text holds that is to have these tables, even if it is no TOML."""
_ENDS = (".git", ".hg")  # a repository ends here, and what is above it is another matter
_INSTALLED = ("site-packages", "dist-packages")


def find_beside(module: Path) -> Path | None:
    """The team file of the file *module*: in its folder, or in the nearest one above it.

    It is ``flyte-dask.toml``, or ``pyproject.toml`` if that has a table ``[tool.flyte-dask]``. The
    search ends where the repository does, and for installed modules where those are.

    A ``pyproject.toml`` that cannot be read, or that is no TOML and seems to have that table, is
    one too: who reads it tells what is wrong. To pass it over would be to pass over a policy.

    Raises:
        InvalidConfig: if one folder has both.
    """
    folder = os.path.dirname(os.path.abspath(module))  # noqa: PTH100, PTH120  # for each task
    while os.path.basename(folder) not in _INSTALLED:  # noqa: PTH119  # as above
        found = [path for name in (NAME, _PROJECT) if _is_one(path := f"{folder}{os.sep}{name}")]
        if len(found) > 1:
            rule = f"is there, and so is [tool.flyte-dask] of {_PROJECT} beside it"
            problem = Problem("file", Path(found[0]), rule, "keep one of them")
            raise_if_any("the team file", [problem])
        if found:
            return Path(found[0])
        above = os.path.dirname(folder)  # noqa: PTH120  # as above
        if above == folder or any(os.path.exists(f"{folder}{os.sep}{end}") for end in _ENDS):  # noqa: PTH110  # as above
            return None
        folder = above
    return None


def prefix_of(path: Path) -> tuple[str, ...]:
    """Where in the file at *path* the tables are."""
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
        return True  # a policy may be in it: so who reads it has to say that it cannot be read
    if "flyte-dask" not in text:
        return False  # most have none, and parsing takes long
    try:
        data = loaded(text, "toml").data
    except NotThatFormat:
        return re.search(_SAYS_TABLES, text) is not None  # as above; of others, others will say it
    for key in prefix_of(project):
        data = data.get(key) if isinstance(data, dict) else None
    return data is not None
