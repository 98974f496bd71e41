"""What tables come to: presets, a platform, a policy; and every problem of them, by its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs

from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import known_packages
from flyte_dask.config.dask import Dask, map_origins
from flyte_dask.config.runtime import remedy_in_file
from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import with_origins
from flyte_dask.rules import code_problems
from flyte_dask.team_files.convert import Keys, shown
from flyte_dask.team_files.parsers import Document
from flyte_dask.team_files.tables import (
    AdviceTable,
    Amounts,
    PlatformTable,
    PolicyTable,
    PresetTable,
    RuntimeTable,
    SchedulerTable,
    Sides,
)

__all__ = ["Builder"]

C = TypeVar("C", Platform, Policy)
T = TypeVar("T")

_MOST_IN_A_ROW = 100


class Builder:
    """Makes what tables say, and collects what keeps it from being made."""

    def __init__(
        self, path: Path, document: Document, prefix: Keys, problems: list[Problem]
    ) -> None:
        self._path = path
        self._document = document
        self._prefix = prefix
        self._tables: Mapping[str, PresetTable] = {}
        self._configs: dict[str, Dask | None] = {}
        self.problems: list[Problem] = problems

    def presets(self, tables: Mapping[str, PresetTable]) -> list[Preset]:
        """Each preset, with what those that it builds on say."""
        self._tables, self._configs = tables, {}
        made = []
        for name, table in tables.items():
            make = partial(Preset, name, self._config(name) or Dask(), table.doc or "")
            made.append(self._attempt(("presets", name), make))
        return [preset for preset in made if preset is not None]

    def platform(self, table: PlatformTable) -> Platform:
        """The site."""
        defaults = self._resources(("platform", "defaults"), table.defaults)
        limits = self._resources(("platform", "limits"), table.limits)
        make = partial(Platform, backend=table.backend or "v1", defaults=defaults, limits=limits)
        return self._told(("platform",), self._attempt(("platform",), make) or Platform())

    def policy(self, table: PolicyTable) -> Policy:
        """What is allowed."""
        make = partial(
            Policy,
            max_workers=table.max_workers,
            per_worker=self._resources(("policy", "per_worker"), table.per_worker),
            total=self._resources(("policy", "total"), table.total),
            registries=table.registries,
        )
        return self._told(("policy",), self._attempt(("policy",), make) or Policy())

    def advice(self, table: AdviceTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The codes that are not wanted, and those that are errors."""
        silence, fatal = table.silence or (), table.fatal or ()
        for name, codes in (("silence", silence), ("fatal", fatal)):
            self.problems += [
                self._placed(("advice",), problem) for problem in code_problems(name, codes)
            ]
        for code in sorted({*silence} & {*fatal}):
            rule, remedy = "is silenced, and an error too", "say one of the two"
            self.problems.append(self._placed(("advice",), Problem("fatal", code, rule, remedy)))
        return silence, fatal

    def _config(self, name: str, above: Keys = ()) -> Dask | None:
        """The config of the preset *name*, on which those *above* build; None if it has none."""
        if name not in self._configs:
            base, own = self._base(name, (*above, name)), self._own(name, self._tables[name])
            self._configs[name] = None if base is None or own is None else base | own
        return self._configs[name]

    def _base(self, name: str, above: Keys) -> Dask | None:
        """What the preset *name* builds on: one of this file, or else one that is known anyway."""
        base = self._tables[name].extends
        if base is None:
            return Dask()
        if base in self._tables and base != name:
            if base not in above and len(above) < _MOST_IN_A_ROW:
                return self._config(base, above)
            rule, remedy = "builds on this one itself", "let one of them build on another"
            if base not in above:
                rule, remedy = "builds on too many others", "let it build on one of those"
        else:
            packages = known_packages()
            found = [
                (pack, each) for pack in packages for each in pack.presets if each.name == base
            ]
            if found and all(each == found[0][1] for _, each in found):
                return found[0][1]()
            if found:
                places = " and of ".join(str(pack) for pack, _ in found)
                rule, remedy = f"is a preset of {places}", "build on one of another name"
            else:
                known = dict.fromkeys(each.name for pack in packages for each in pack.presets)
                names = [each for each in (*self._tables, *known) if each != name]
                rule = "is itself" if base == name else "is no preset that is known here"
                remedy = did_you_mean(base, names) or f"known are {', '.join(names)}"
        problem = Problem("extends", base, rule, remedy)
        self.problems.append(self._placed(("presets", name), problem))
        return None

    def _own(self, name: str, table: PresetTable) -> Dask | None:
        """What the preset *name* says itself, told by its lines."""
        at = ("presets", name)
        config, problems = Dask(inherit=table.inherit), len(self.problems)
        for verb in _verbs(table):
            config = self._attempt(at, partial(verb, config)) or config
        if len(self.problems) > problems:
            return None
        return map_origins(config, partial(self._origin, at, name))

    def _resources(self, at: Keys, table: Amounts | None) -> Resources | None:
        """What *table* says, as far as it is right: so the rest is judged by others too."""
        right = {}
        for name, said in _said(table).items():
            made = self._attempt(at, partial(Resources, **{name: said}))
            if made is not None:
                right[name] = getattr(made, name)
        return Resources(**right) if right else None

    def _told(self, at: Keys, made: C) -> C:
        """*made*, of which each value is told by its line."""
        tell = partial(self._origin, at, None)
        return with_origins(made, {path: tell(path, each) for path, each in made.origins.items()})

    def _origin(self, at: Keys, preset: str | None, path: str, origin: Origin) -> Origin:
        keys = _keys(at, path)
        if keys[-1] == "image" and not self._is_said(keys):
            keys = (*at, "image")  # of both roles
        line = self._document.line((*self._prefix, *keys))
        return Origin(str(at[0]), CallSite(str(self._path), line or 1), origin.value, preset)

    def _is_said(self, keys: Keys) -> bool:
        data = self._document.data
        for key in keys:
            data = data.get(key) if isinstance(data, Mapping) else None
        return data is not None

    def _attempt(self, at: Keys, make: Callable[[], T]) -> T | None:
        """What *make* makes, or None and a problem more."""
        try:
            return make()
        except InvalidConfig as error:
            self.problems += [self._placed(at, problem) for problem in error.problems]
            return None

    def _placed(self, at: Keys, problem: Problem) -> Problem:
        """*problem* with its path and line in the file."""
        keys = _keys(at, problem.path)
        line = self._document.line((*self._prefix, *keys))
        placed = problem._replace(path=shown(keys), line=line)
        if problem.path.startswith("runtime."):
            placed = placed._replace(remedy=remedy_in_file(problem.path.partition(".")[2]))
        return placed


def _keys(at: Keys, path: str) -> Keys:
    """Where in the file *path* is, which is one of a config."""
    names = path.partition("[")[0].split(".")
    if names == ["name"]:
        return at
    if len(names) == 3:
        role, side, dimension = names
        names = [role, dimension, side.removesuffix("s")]
    return (*at, *("count" if name == "number_of_workers" else name for name in names))


def _verbs(table: PresetTable) -> Iterator[Callable[[Dask], Dask]]:
    """The calls that say what *table* says; an image of a role goes before that of both."""
    if table.image is not None:
        yield partial(_called, "with_image", (table.image,), {})
    for name, role in (("with_workers", table.workers), ("with_scheduler", table.scheduler)):
        if _said(role):
            yield partial(_called, name, (), _said(role))
    if _said(table.runtime):
        times = {
            name: None if each == "never" else each for name, each in _said(table.runtime).items()
        }
        yield partial(_called, "with_runtime", (), times)
    if table.silence:
        yield partial(_called, "without_advice", table.silence, {})


def _called(
    verb: str, args: tuple[object, ...], kwargs: Mapping[str, object], config: Dask
) -> Dask:
    made: Dask = getattr(config, verb)(*args, **kwargs)
    return made


def _said(table: SchedulerTable | RuntimeTable | Amounts | None) -> dict[str, Any]:
    """What is written in *table*, as arguments."""
    if table is None:
        return {}
    said = {name: getattr(table, name) for name in attrs.fields_dict(type(table))}
    return {
        name: (each.request, each.limit) if isinstance(each, Sides) else each
        for name, each in said.items()
        if each is not None
    }
