"""Packages of presets: the built-in one, and installed ones.

A package publishes presets by an entry point of the group ``flyte_dask.presets``, which refers to a
`Preset`, or to a module with all its public presets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, final

import attrs

from flyte_dask.catalog.builtin import NAMES, built_in
from flyte_dask.catalog.preset import Preset
from flyte_dask.errors import Problem, ShadowedPreset, UnknownPreset, raise_if_any
from flyte_dask.errors.suggestions import did_you_mean, listed

if TYPE_CHECKING:  # takes longer to import than all of flyte_dask
    from importlib.metadata import EntryPoint

__all__ = ["BUILT_IN", "PresetPackage", "find", "installed_packages", "known_packages"]


@final
@attrs.frozen
class PresetPackage:
    """The presets of one package or team file."""

    package: str
    """The name of the distribution, such as ``acme-presets``, or of the team file."""
    version: str | None = None
    """The version of the distribution; None for the built-in presets and for a team file."""
    presets: tuple[Preset, ...] = ()
    """The presets; empty if they could not be loaded."""
    error: str | None = None
    """Why the presets could not be loaded; None if they were."""

    def __str__(self) -> str:
        """``acme-presets 1.2``, ``flyte-dask (built in)``, or the name of a file."""
        if self.version is None:
            return f"{self.package} (built in)" if self.package == BUILT_IN else self.package
        return f"{self.package} {self.version}"


BUILT_IN = "flyte-dask"
"""The package of the built-in presets."""


def known_packages() -> tuple[PresetPackage, ...]:
    """The built-in presets, and then those of all installed packages; without team files."""
    known = [PresetPackage(BUILT_IN, presets=tuple(map(built_in, NAMES)))]
    for package in installed_packages():  # whose modules may import built-in ones
        own = tuple(each for each in package.presets if each not in known[0].presets)
        known.append(attrs.evolve(package, presets=own))
    return tuple(known)


@cache
def installed_packages() -> tuple[PresetPackage, ...]:
    """One for each entry point, sorted; loaded once per process, with errors kept per entry."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # as above

    return tuple(sorted(map(_load, entry_points(group="flyte_dask.presets")), key=str))


def find(name: str, packages: Sequence[PresetPackage], source: str | None) -> Preset:
    """The preset *name* of the package *source*, or of the only package that has it."""
    subject = "presets.get(...)"
    raise_if_any(subject, _type_problems(name=name, source=source))
    searched = [package for package in packages if source in {None, package.package}]
    found = [
        (package, each) for package in searched for each in package.presets if each.name == name
    ]
    if not searched:
        names = [package.package for package in packages]
        remedy = did_you_mean(str(source), names) or f"known packages: {listed(names)}"
        problem = Problem("source", source, "is an unknown preset package", remedy)
        raise_if_any(subject, [problem], UnknownPreset)
    if not found:
        raise_if_any(subject, _unknown(name, searched, packages), UnknownPreset)
    if any(each != found[0][1] for _, each in found):
        owners = " and of ".join(str(package) for package, _ in found)
        remedy = f"select one: presets.get({name!r}, source={found[-1][0].package!r})"
        problem = Problem("name", name, f"is a preset of {owners}", remedy)
        raise_if_any(subject, [problem], ShadowedPreset)
    return found[0][1]


def _type_problems(name: object, source: object) -> Iterator[Problem]:
    if not isinstance(name, str):
        rule = f"must be a str, not {type(name).__name__}"
        yield Problem("name", name, rule, "pass a name such as 'acme.etl'")
    if source is not None and not isinstance(source, str):
        rule = f"must be a str, not {type(source).__name__}"
        yield Problem("source", source, rule, "pass the name of a package, or omit it")


def _unknown(
    name: str, searched: Sequence[PresetPackage], packages: Sequence[PresetPackage]
) -> Iterator[Problem]:
    """Why the preset is unknown: its name, and packages that could not be loaded."""
    known = [each.name for package in searched for each in package.presets]
    remedy = did_you_mean(name, known) or f"known presets: {listed(known)}"
    yield Problem("name", name, "is an unknown preset", remedy)
    for package in packages:
        if package.error:
            yield Problem("packages", str(package), "could not be loaded", package.error)


def _load(entry: EntryPoint) -> PresetPackage:
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else (entry.value, "?")
    try:
        presets = _presets_in(entry.load())
    except (Exception, SystemExit) as error:  # anything may happen in an import of foreign code
        reason = f"{entry.value}: {type(error).__name__}: {error}"
        return PresetPackage(package, version, error=reason)
    problem = None if presets else f"{entry.value} is neither a Preset nor a module with presets"
    return PresetPackage(package, version, presets, problem)


def _presets_in(loaded: object) -> tuple[Preset, ...]:
    if not isinstance(loaded, ModuleType):
        return (loaded,) if isinstance(loaded, Preset) else ()
    public = getattr(loaded, "__all__", [name for name in vars(loaded) if name[0] != "_"])
    values = [getattr(loaded, name, None) for name in public]
    return tuple(value for value in values if isinstance(value, Preset))
