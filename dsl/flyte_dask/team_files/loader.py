"""Team files and their presets, as loaded by a module."""

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
from flyte_dask.team_files.discovery import as_path, find_for_module
from flyte_dask.team_files.team_file import TeamFile
from flyte_dask.team_files.tracking import TrackedFile, tracked

__all__ = ["preset", "read"]


def read(path: str | PathLike[str]) -> TeamFile:
    """The team file at *path*: TOML, YAML or JSON, by its suffix.

    A module that reads one while it is imported does so in the runner too. The file therefore has
    to be shipped with the module, and it is an error to register a task without it.

    Raises:
        InvalidConfig: with every problem of the file, each with its path and line.
        MissingExtra: if it is YAML, and PyYAML is not installed.
    """
    team = files.read(path)
    module = importing_module()
    if module is not None and Path(module).is_file():
        _track(TrackedFile(team.path.absolute(), None, Path(module)))
    return team


def preset(name: str, source: str | None, file: str | PathLike[str] | None) -> Preset:
    """The preset *name* for the calling module; see `flyte_dask.presets.get`."""
    call_site = user_call_site()
    module = Path(call_site.file) if call_site else None
    caller = module if module is not None and module.is_file() else None
    if file is not None:
        team = files.read(_resolved(caller, as_path("presets.get(...)", "file", file)))
        return _tracked(find(name, [team.preset_package], source), team, caller)
    path = find_for_module(caller) if caller else None
    if path is None:
        return find(name, known_packages(), source)
    team = files.read(path)
    return _tracked(find(name, [*known_packages(), team.preset_package], source), team, caller)


def _resolved(module: Path | None, file: Path) -> Path:
    if file.is_absolute():
        return file
    if module is None:
        rule = "is relative, and there is no module to resolve it against"
        problem = Problem("file", file, rule, "use an absolute path")
        raise_if_any("presets.get(...)", [problem])
        raise ValueError(file)
    return module.absolute().parent / file


def _tracked(preset: Preset, team: TeamFile, module: Path | None) -> Preset:
    """*preset*; if it is from *team*, its file is tracked."""
    if preset in team.presets:
        _track(TrackedFile(team.path, preset.name, module))
    return preset


def _track(file: TrackedFile) -> None:
    """Record that *file* has to be shipped with its module.

    ``pyflyte`` ships the files of all loaded modules, so the team file is registered as one.
    """
    tracked[file] = None
    name = f"flyte_dask_team_file:{file.path}"
    if name not in sys.modules:
        loaded_file = ModuleType(name)
        loaded_file.__file__ = str(file.path)
        sys.modules[name] = loaded_file
