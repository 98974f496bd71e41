"""A team file: its presets, its platform and its policy, read from TOML, YAML or JSON."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import final

import attrs

from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import PresetPackage
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.suggestions import few_suggestions
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from flyte_dask.team_files.builder import Builder
from flyte_dask.team_files.convert import structured, wrong_text
from flyte_dask.team_files.discovery import as_path, prefix_of
from flyte_dask.team_files.parsers import (
    FORMATS,
    MOST_CHARACTERS,
    Document,
    NotThatFormat,
    loaded,
    too_long,
)
from flyte_dask.team_files.tables import AdviceTable, PlatformTable, PolicyTable, Tables

__all__ = ["TeamFile", "read"]


@final
@attrs.frozen
class TeamFile:
    """The contents of a team file."""

    path: Path
    """The absolute path."""
    tables: Tables
    """The tables as they are written."""
    presets: tuple[Preset, ...]
    """The presets in their order."""
    platform: Platform
    """The platform."""
    policy: Policy
    """The team's policy."""
    silence: tuple[str, ...]
    """Codes of advice to suppress."""
    fatal: tuple[str, ...]
    """Codes of advice to treat as errors."""

    @property
    def preset_package(self) -> PresetPackage:
        """The presets, as those of an installed package."""
        return PresetPackage(self.path.name, presets=self.presets)


def read(path: str | PathLike[str]) -> TeamFile:
    """The team file at *path*: TOML, YAML or JSON, by its suffix.

    Raises:
        InvalidConfig: with every problem of the file, each with its path and line.
        MissingExtra: if it is YAML, and PyYAML is not installed.
    """
    file = as_path("the team file", "file", path).absolute()
    try:
        state = file.stat()
    except (OSError, ValueError) as error:
        raise_if_any("the team file", [_unreadable(path, error)])
        raise
    if not (stat.S_ISREG(state.st_mode) or stat.S_ISDIR(state.st_mode)):
        stream = ValueError("it is a stream, which may never end")
        raise_if_any("the team file", [_unreadable(path, stream)])
    version = (state.st_ino, state.st_ctime_ns, state.st_mtime_ns, state.st_size)
    return _read(file, version)


def _unreadable(path: object, error: OSError | ValueError) -> Problem:
    why = error.strerror if isinstance(error, OSError) else error
    remedy = "pass the path of a team file"
    return Problem("file", path, f"cannot be read: {why}", remedy)


@lru_cache(maxsize=64)
def _read(path: Path, _: tuple[int, ...]) -> TeamFile:
    prefix = prefix_of(path)
    try:
        document = _document(path)
    except NotThatFormat as error:
        raise_if_any(str(path), [wrong_text(error, path.name)])
        raise
    with few_suggestions():
        tables, problems = structured(document, prefix)
        builder = Builder(path, document, prefix, problems)
        team_file = TeamFile(
            path,
            tables,
            tuple(builder.presets(tables.presets or {})),
            builder.platform(tables.platform or PlatformTable()),
            builder.policy(tables.policy or PolicyTable()),
            *builder.advice(tables.advice or AdviceTable()),
        )
    raise_if_any(str(path), sorted(builder.problems, key=lambda problem: problem.line or 0))
    return team_file


def _document(path: Path) -> Document:
    fmt = FORMATS.get(path.suffix)
    if fmt is None:
        raise NotThatFormat(f"must end in one of {', '.join(FORMATS)}")
    try:
        if path.stat().st_size > 4 * MOST_CHARACTERS[fmt]:  # without reading it
            raise too_long(fmt)
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise NotThatFormat(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NotThatFormat("is not UTF-8 text") from None
    document = loaded(text, fmt)
    data = document.data
    for key in prefix_of(path):
        data = data.get(key, {}) if isinstance(data, Mapping) else {}
    return attrs.evolve(document, data=data)
