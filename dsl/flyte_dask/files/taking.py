"""Presets for a module, of which some are a team file's."""

from __future__ import annotations

import sys
from os import PathLike
from pathlib import Path
from types import ModuleType

from flyte_dask.callsite import user_call_site
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.files.finding import find_beside
from flyte_dask.files.taken import Taken, taken
from flyte_dask.files.team import TeamFile, read
from flyte_dask.packs import find, known_packs
from flyte_dask.preset import Preset

__all__ = ["preset"]


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


def _taken(preset: Preset, team: TeamFile, module: Path | None) -> Preset:
    """*preset*; if it is of *team*, then its file has to go wherever the module goes.

    ``pyflyte`` takes along the files of the modules that a program has loaded: so it is one.
    """
    if preset in team.presets:
        taken[Taken(team.path, preset.name, module)] = None
        name = f"flyte_dask_team_file:{team.path}"
        if name not in sys.modules:
            loaded_file = ModuleType(name)
            loaded_file.__file__ = str(team.path)
            sys.modules[name] = loaded_file
    return preset
