"""Which team file is meant: the one next to a module, or the one whose path is said."""

from __future__ import annotations

import os
import sys
from os import PathLike
from pathlib import Path
from types import ModuleType

import attrs

from flyte_dask.callsite import user_call_site
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.files.team import PROJECT, TeamFile, prefix_of, read
from flyte_dask.files.texts import NotThatFormat, loaded
from flyte_dask.packs import find, known_packs
from flyte_dask.preset import Preset

__all__ = ["NAME", "Taken", "find_beside", "preset", "taken"]

NAME = "flyte-dask.toml"

_ENDS = (".git", ".hg")  # a repository ends here, and what is above it is another matter
_INSTALLED = ("site-packages", "dist-packages")


def find_beside(module: Path) -> Path | None:
    """The team file of the file *module*: in its folder, or in the nearest one above it.

    It is ``flyte-dask.toml``, or ``pyproject.toml`` if that has a table ``[tool.flyte-dask]``. The
    search ends where the repository does, and for installed modules where those are.

    Raises:
        InvalidConfig: if one folder has both.
    """
    folder = os.path.dirname(os.path.abspath(module))  # noqa: PTH100, PTH120  # for each task
    while os.path.basename(folder) not in _INSTALLED:  # noqa: PTH119  # as above
        found = [path for name in (NAME, PROJECT) if _is_one(path := f"{folder}{os.sep}{name}")]
        if len(found) > 1:
            rule = f"is there, and so is [tool.flyte-dask] of {PROJECT} beside it"
            problem = Problem("file", found[0], rule, "keep one of them")
            raise_if_any("the team file", [problem])
        if found:
            return Path(found[0])
        above = os.path.dirname(folder)  # noqa: PTH120  # as above
        if above == folder or any(os.path.exists(f"{folder}{os.sep}{end}") for end in _ENDS):  # noqa: PTH110  # as above
            return None
        folder = above
    return None


def _is_one(path: str) -> bool:
    if not os.path.isfile(path):  # noqa: PTH113  # as above
        return False
    return path.endswith(NAME) or _has_tables(Path(path))


def _has_tables(project: Path) -> bool:
    try:
        text = project.read_text(encoding="utf-8", errors="replace")
        if "flyte-dask" not in text:
            return False  # most have none, and parsing takes long
        data = loaded(text, "toml").data
    except (NotThatFormat, OSError):
        return False  # which others will say
    for key in prefix_of(project):
        data = data.get(key) if isinstance(data, dict) else None
    return data is not None


def preset(name: str, source: str | None, file: str | PathLike[str] | None) -> Preset:
    """The preset *name*, for the module that calls; see `flyte_dask.presets.get`."""
    site = user_call_site()
    module = Path(site.file) if site else None
    caller = module if module is not None and module.is_file() else None
    if file is not None:
        team = read(_beside(caller, Path(file)))
        return _taken(find(name, [team.pack], source), team, caller)
    path = find_beside(caller) if caller else None
    if path is None:
        return find(name, known_packs(), source)
    team = read(path)
    return _taken(find(name, [*known_packs(), team.pack], source), team, caller)


def _beside(module: Path | None, file: Path) -> Path:
    if file.is_absolute():
        return file
    if module is None:
        rule = "is relative, and there is no module next to which it could be"
        problem = Problem("file", str(file), rule, "write an absolute path")
        raise_if_any("presets.get(...)", [problem])
        raise ValueError(file)
    return module.absolute().parent / file


@attrs.frozen
class Taken:
    """A team file whose presets a module has."""

    path: Path
    preset: str
    """One of them."""
    module: Path | None


taken: dict[Path, Taken] = {}
"""All files of which a preset was taken in this process."""


def _taken(preset: Preset, team: TeamFile, module: Path | None) -> Preset:
    """*preset*; if it is of *team*, then its file has to go wherever the module goes.

    ``pyflyte`` takes along the files of the modules that a program has loaded: so it is one.
    """
    if preset in team.presets:
        taken[team.path] = Taken(team.path, preset.name, module)
        name = f"flyte_dask_team_file:{team.path}"
        if name not in sys.modules:
            loaded_file = ModuleType(name)
            loaded_file.__file__ = str(team.path)
            sys.modules[name] = loaded_file
    return preset
