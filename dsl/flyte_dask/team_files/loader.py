"""Team files for a module, and their presets beside others."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from types import ModuleType

from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import find, known_packages
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import importing_module, user_call_site
from flyte_dask.team_files import team_file as files
from flyte_dask.team_files.discovery import find_beside
from flyte_dask.team_files.team_file import TeamFile
from flyte_dask.team_files.tracking import TrackedFile, taken

__all__ = ["preset", "read"]


def read(path: str | PathLike[str]) -> TeamFile:
    """The team file at *path*, TOML, YAML or JSON by its suffix.

    A module that reads one while it is imported does so in the runner too: so the file has to go
    wherever the module goes, and it is an error to register a task without it.

    Raises:
        InvalidConfig: with every problem of the file, each with its path and line.
        MissingExtra: if it is YAML, and PyYAML is not installed.
    """
    team = files.read(path)
    module = importing_module()
    if module is not None and Path(module).is_file():
        _goes_along(TrackedFile(team.path.absolute(), None, Path(module)))
    return team


def preset(name: str, source: str | None, file: str | PathLike[str] | None) -> Preset:
    """The preset *name*, for the module that calls; see `flyte_dask.presets.get`."""
    site = user_call_site()
    module = Path(site.file) if site else None
    caller = module if module is not None and module.is_file() else None
    if file is not None:
        team = files.read(_beside(caller, Path(file)))
        return _taken(find(name, [team.pack], source), team, caller)
    path = find_beside(caller) if caller else None
    if path is None:
        return find(name, known_packages(), source)
    team = files.read(path)
    return _taken(find(name, [*known_packages(), team.pack], source), team, caller)


def _beside(module: Path | None, file: Path) -> Path:
    if file.is_absolute():
        return file
    if module is None:
        rule = "is relative, and there is no module next to which it could be"
        problem = Problem("file", file, rule, "write an absolute path")
        raise_if_any("presets.get(...)", [problem])
        raise ValueError(file)
    return module.absolute().parent / file


def _taken(preset: Preset, team: TeamFile, module: Path | None) -> Preset:
    """*preset*; if it is of *team*, then its file has to go wherever the module goes."""
    if preset in team.presets:
        _goes_along(TrackedFile(team.path, preset.name, module))
    return preset


def _goes_along(file: TrackedFile) -> None:
    """Note that *file* has to go wherever its module goes.

    ``pyflyte`` takes along the files of the modules that a program has loaded: so it is one.
    """
    taken[file] = None
    name = f"flyte_dask_team_file:{file.path}"
    if name not in sys.modules:
        loaded_file = ModuleType(name)
        loaded_file.__file__ = str(file.path)
        sys.modules[name] = loaded_file
