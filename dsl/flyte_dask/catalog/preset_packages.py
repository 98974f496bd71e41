"""Packs of presets: the built-in one, and those that installed packages publish.

A package publishes presets by an entry point of the group ``flyte_dask.presets``, which names a
`Preset`, or a module and with it all public presets in there.
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
from flyte_dask.errors.suggestions import did_you_mean

if TYPE_CHECKING:  # takes longer to import than all of ours
    from importlib.metadata import EntryPoint

__all__ = ["BUILT_IN", "PresetPackage", "find", "installed_packages", "known_packages"]


@final
@attrs.frozen
class PresetPackage:
    """Presets that come from one place."""

    package: str
    """The distribution that brings them, such as ``acme-presets``, or the name of a file."""
    version: str | None = None
    """Its version; None for the built-in presets, and for those of a file."""
    presets: tuple[Preset, ...] = ()
    """Empty if they could not be loaded."""
    error: str | None = None
    """Why there are none."""

    def without(self, others: tuple[Preset, ...]) -> PresetPackage:
        """The same but for *others*, which its module only imports."""
        own = tuple(each for each in self.presets if each not in others)
        return attrs.evolve(self, presets=own)

    def __str__(self) -> str:
        """``acme-presets 1.2``, ``flyte-dask (built in)``, or the name of a file."""
        if self.version is None:
            return f"{self.package} (built in)" if self.package == BUILT_IN else self.package
        return f"{self.package} {self.version}"


BUILT_IN = "flyte-dask"
"""The package of the built-in presets."""


def known_packages() -> tuple[PresetPackage, ...]:
    """All that are known here but for team files: the built-in ones first."""
    ours = tuple(map(built_in, NAMES))
    others = (pack.without(ours) for pack in installed_packages())
    return (PresetPackage(BUILT_IN, presets=ours), *others)


@cache
def installed_packages() -> tuple[PresetPackage, ...]:
    """One for each entry point, by package; read once in a process. A broken one hides no other."""
    from importlib.metadata import entry_points  # noqa: PLC0415  # as above

    return tuple(sorted(map(_load, entry_points(group="flyte_dask.presets")), key=str))


def find(name: str, packages: Sequence[PresetPackage], source: str | None) -> Preset:
    """The preset *name*: that of the package *source*, or of the only package that has one."""
    raise_if_any("presets.get(...)", _type_problems(name=name, source=source))
    asked = [pack for pack in packages if source in {None, pack.package}]
    found = [(pack, each) for pack in asked for each in pack.presets if each.name == name]
    if not found:
        raise_if_any("presets.get(...)", _unknown(name, source, packages), UnknownPreset)
    if any(each != found[0][1] for _, each in found):
        places = [str(pack) for pack, _ in found]
        remedy = f"say which is meant: presets.get({name!r}, source={found[-1][0].package!r})"
        problem = Problem("name", name, f"is a preset of {' and of '.join(places)}", remedy)
        raise_if_any("presets.get(...)", [problem], ShadowedPreset)
    return found[0][1]


def _type_problems(name: object, source: object) -> Iterator[Problem]:
    if not isinstance(name, str):
        yield Problem("name", name, "is no name of a preset", "write one such as 'acme.etl'")
    if source is not None and not isinstance(source, str):
        yield Problem("source", source, "is no name of a package", "write one, or leave it out")


def _unknown(name: str, source: str | None, packages: Sequence[PresetPackage]) -> Iterator[Problem]:
    """Why there is no such preset: a misspelt name or package, or a pack that could not be read."""
    names = [pack.package for pack in packages]
    if source is not None and source not in names:
        remedy = did_you_mean(source, names) or f"known are {', '.join(names)}"
        yield Problem("source", source, "is no package that publishes presets here", remedy)
        return
    known = [
        each.name for pack in packages if source in {None, pack.package} for each in pack.presets
    ]
    remedy = did_you_mean(name, known) or f"known are {', '.join(known)}"
    yield Problem("name", name, "is no preset that is known here", remedy)
    for pack in packages:
        if pack.error:
            yield Problem("packages", str(pack), "could not be read", pack.error)


def _load(entry: EntryPoint) -> PresetPackage:
    package, version = (entry.dist.name, entry.dist.version) if entry.dist else (entry.value, "?")
    try:
        presets = _presets_in(entry.load())
    except (
        Exception,
        SystemExit,
    ) as error:  # whatever a stranger's module does when it is imported
        return PresetPackage(
            package, version, error=f"{entry.value}: {type(error).__name__}: {error}"
        )
    problem = None if presets else f"{entry.value} is no Preset, nor a module with one"
    return PresetPackage(package, version, presets, problem)


def _presets_in(loaded: object) -> tuple[Preset, ...]:
    if not isinstance(loaded, ModuleType):
        return (loaded,) if isinstance(loaded, Preset) else ()
    public = getattr(loaded, "__all__", [name for name in vars(loaded) if name[0] != "_"])
    values = [getattr(loaded, name, None) for name in public]
    return tuple(value for value in values if isinstance(value, Preset))
