"""A team file: its presets, its platform and its policy, read from TOML, YAML or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import final

import attrs

from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import PresetPackage
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.builder import Builder
from flyte_dask.team_files.convert import structured, wrong_text
from flyte_dask.team_files.discovery import prefix_of
from flyte_dask.team_files.parsers import FORMATS, Document, NotThatFormat, loaded
from flyte_dask.team_files.tables import AdviceTable, PlatformTable, PolicyTable, Tables

__all__ = ["TeamFile", "read"]


@final
@attrs.frozen
class TeamFile:
    """What a team file says."""

    path: Path
    """Where it is, absolute."""
    tables: Tables
    """As it is written."""
    presets: tuple[Preset, ...]
    """In its order."""
    platform: Platform
    """The site."""
    policy: Policy
    """What the team allows."""
    silence: tuple[str, ...]
    """Codes of advice that is not to be given."""
    fatal: tuple[str, ...]
    """Codes of advice that is an error."""

    @property
    def pack(self) -> PresetPackage:
        """Its presets, as those of packages."""
        return PresetPackage(self.path.name, presets=self.presets)


def read(path: str | PathLike[str]) -> TeamFile:
    """The team file at *path*, TOML, YAML or JSON by its suffix.

    Raises:
        InvalidConfig: with every problem of the file, each with its path and line.
        MissingExtra: if it is YAML, and PyYAML is not installed.
    """
    file = Path(path).absolute()
    try:
        state = file.stat()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        problem = Problem("file", path, f"cannot be read: {why}", "write its path")
        raise_if_any("the team file", [problem])
        raise
    version = (state.st_ino, state.st_ctime_ns, state.st_mtime_ns, state.st_size)
    return _read(file, version)


@lru_cache(maxsize=64)
def _read(path: Path, _: tuple[int, ...]) -> TeamFile:
    prefix = prefix_of(path)
    try:
        document = _document(path)
    except NotThatFormat as error:
        raise_if_any(str(path), [wrong_text(error, path.name)])
        raise
    tables, problems = structured(document, prefix)
    making = Builder(path, document, prefix, problems)
    made = TeamFile(
        path,
        tables,
        tuple(making.presets(tables.presets or {})),
        making.platform(tables.platform or PlatformTable()),
        making.policy(tables.policy or PolicyTable()),
        *making.advice(tables.advice or AdviceTable()),
    )
    raise_if_any(str(path), sorted(making.problems, key=_line))
    return made


def _line(problem: Problem) -> int:
    return problem.line or 0


def _document(path: Path) -> Document:
    fmt = FORMATS.get(path.suffix)
    if fmt is None:
        raise NotThatFormat(f"is none of {', '.join(FORMATS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotThatFormat(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NotThatFormat("is no text in UTF-8") from None
    document = loaded(text, fmt)
    data = document.data
    for key in prefix_of(path):
        data = data.get(key, {}) if isinstance(data, Mapping) else {}
    return attrs.evolve(document, data=data)
