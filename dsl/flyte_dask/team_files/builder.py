"""The presets, platform and policy of a team file's tables, and every problem with its line."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from itertools import chain, islice
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar

import attrs

from flyte_dask.catalog.preset import Preset
from flyte_dask.catalog.preset_packages import PresetPackage, known_packages
from flyte_dask.config.dask import Dask, map_origins
from flyte_dask.config.runtime import remedy_in_file
from flyte_dask.errors import InvalidConfig, Problem
from flyte_dask.errors.call_site import CallSite
from flyte_dask.errors.suggestions import MOST_NAMES, did_you_mean, listed
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform, split_limits
from flyte_dask.roles.base import with_values
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import Resources
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

_MAX_DEPTH = 100


class Builder:
    """Builds configs from tables, and collects the problems of all of them."""

    def __init__(
        self, path: Path, document: Document, prefix: Keys, problems: list[Problem]
    ) -> None:
        self._path = path
        self._document = document
        self._prefix = prefix
        self._tables: Mapping[str, PresetTable] = {}
        self._configs: dict[str, Dask | None] = {}
        self.problems: list[Problem] = problems

    @cached_property
    def _packages(self) -> tuple[PresetPackage, ...]:
        return known_packages()

    def presets(self, tables: Mapping[str, PresetTable]) -> list[Preset]:
        """The presets, each merged with those that it extends."""
        self._tables, self._configs = tables, {}
        built = []
        for name, table in tables.items():
            build = partial(Preset, name, self._config(name) or Dask(), table.doc or "")
            built.append(self._attempt(("presets", name), build))
        return [preset for preset in built if preset is not None]

    def platform(self, table: PlatformTable) -> Platform:
        """The platform."""
        limits, unlimited = split_limits(_arguments(table.limits))
        arguments: dict[str, Any] = {
            "base": table.base,
            "backend": table.backend,
            "defaults": self._resources(("platform", "defaults"), _arguments(table.defaults)),
            "limits": self._resources(("platform", "limits"), limits),
            "gpu_resource": table.gpu_resource,
        }
        given = {name: value for name, value in arguments.items() if value is not None}
        build = partial(Platform, unlimited=unlimited, **given)
        return self._located(("platform",), self._attempt(("platform",), build) or Platform())

    def policy(self, table: PolicyTable) -> Policy:
        """The policy."""
        build = partial(
            Policy,
            max_workers=table.max_workers,
            per_worker=self._resources(("policy", "per_worker"), _arguments(table.per_worker)),
            total=self._resources(("policy", "total"), _arguments(table.total)),
            registries=table.registries,
        )
        return self._located(("policy",), self._attempt(("policy",), build) or Policy())

    def advice(self, table: AdviceTable) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The codes to suppress, and those to treat as errors."""
        silence, fatal = table.silence or (), table.fatal or ()
        for name, codes in (("silence", silence), ("fatal", fatal)):
            self.problems += [
                self._placed(("advice",), problem) for problem in code_problems(name, codes)
            ]
        for code in sorted({*silence} & {*fatal}):
            rule, remedy = "is both silenced and fatal", "set one of the two"
            self.problems.append(self._placed(("advice",), Problem("fatal", code, rule, remedy)))
        return silence, fatal

    def _config(self, name: str, derived: Keys = ()) -> Dask | None:
        """The config of the preset *name*, which those *derived* extend; None if it is invalid."""
        if name not in self._configs:
            base, own = self._base(name, (*derived, name)), self._own(name, self._tables[name])
            self._configs[name] = None if base is None or own is None else base | own
        return self._configs[name]

    def _base(self, name: str, derived: Keys) -> Dask | None:
        """The config that the preset *name* extends: of this file, or of a known package."""
        base = self._tables[name].extends
        if base is None:
            return Dask()
        if base in self._tables and base != name:
            if base not in derived and len(derived) < _MAX_DEPTH:
                return self._config(base, derived)
            rule, remedy = "is part of a cycle", "remove one extends"
            if base not in derived:
                rule, remedy = f"is in a chain of over {_MAX_DEPTH} presets", "shorten the chain"
        else:
            packages = self._packages
            found = [
                (pack, each) for pack in packages for each in pack.presets if each.name == base
            ]
            if found and all(each == found[0][1] for _, each in found):
                return found[0][1]()
            if found:
                places = " and of ".join(str(pack) for pack, _ in found)
                rule, remedy = f"is a preset of {places}", "extend a preset with another name"
            else:
                known = dict.fromkeys(each.name for pack in packages for each in pack.presets)
                first = islice(chain(self._tables, known), MOST_NAMES)  # of any number
                names = [each for each in first if each != name]
                rule = "is this preset itself" if base == name else "is an unknown preset"
                remedy = did_you_mean(base, names) or f"known presets: {listed(names)}"
        problem = Problem("extends", base, rule, remedy)
        self.problems.append(self._placed(("presets", name), problem))
        return None

    def _own(self, name: str, table: PresetTable) -> Dask | None:
        """The config that the preset *name* sets itself, with its lines as origins."""
        at = ("presets", name)
        config, problems = Dask(inherit=table.inherit), len(self.problems)
        for call in _calls(table):
            config = self._attempt(at, partial(call, config)) or config
        if len(self.problems) > problems:
            return None
        return map_origins(config, partial(self._origin, at, name))

    def _resources(self, at: Keys, amounts: Mapping[str, Any]) -> Resources | None:
        """The valid *amounts*, so that others can validate them further."""
        valid = {}
        for name, value in amounts.items():
            resources = self._attempt(at, partial(Resources, **{name: value}))
            if resources is not None:
                valid[name] = getattr(resources, name)
        return Resources(**valid) if valid else None

    def _located(self, at: Keys, built: C) -> C:
        """*built*, with the lines of the file as origins."""
        origin = partial(self._origin, at, None)
        origins = {path: origin(path, old) for path, old in built.origins.items()}
        return with_values(built, _origins=origins)

    def _origin(self, at: Keys, preset: str | None, path: str, origin: Origin) -> Origin:
        keys = _keys(at, path)
        if keys[-1] == "image" and (*self._prefix, *keys) not in self._document.lines:
            keys = (*at, "image")  # of both roles
        line = self._document.line((*self._prefix, *keys))
        return Origin(str(at[0]), CallSite(str(self._path), line or 1), origin.value, preset)

    def _attempt(self, at: Keys, build: Callable[[], T]) -> T | None:
        """The result of *build*; None if that raises, whose problems are collected."""
        try:
            return build()
        except InvalidConfig as error:
            self.problems += [self._placed(at, problem) for problem in error.problems]
            return None

    def _placed(self, at: Keys, problem: Problem) -> Problem:
        """*problem* with its path and line in the file."""
        if at == ("platform",) and problem.path == "unlimited":  # which is a limit of 0 in a file
            problem = problem._replace(path=f"limits.{problem.value}", value=0)
        keys = _keys(at, problem.path)
        line = self._document.line((*self._prefix, *keys))
        placed = problem._replace(path=shown(keys), line=line)
        if problem.path.startswith("runtime."):
            placed = placed._replace(remedy=remedy_in_file(problem.path.partition(".")[2]))
        return placed


def _keys(at: Keys, path: str) -> Keys:
    """The keys in the file of the *path* of a config."""
    names = path.partition("[")[0].split(".")
    if names == ["name"]:
        return at
    if len(names) == 3:
        role, side, dimension = names
        names = [role, dimension, side.removesuffix("s")]
    return (*at, *("count" if name == "number_of_workers" else name for name in names))


def _calls(table: PresetTable) -> Iterator[Callable[[Dask], Dask]]:
    """The calls that apply *table* to a config; the image of both roles is the first."""
    workers, scheduler = _arguments(table.workers), _arguments(table.scheduler)
    runtime = {
        name: None if value == "never" else value
        for name, value in _arguments(table.runtime).items()
    }
    if table.image is not None:
        yield methodcaller("with_image", table.image)
    if workers:
        yield methodcaller("with_workers", **workers)
    if scheduler:
        yield methodcaller("with_scheduler", **scheduler)
    if runtime:
        yield methodcaller("with_runtime", **runtime)
    if table.silence:
        yield methodcaller("without_advice", *table.silence)


def _arguments(table: SchedulerTable | RuntimeTable | Amounts | None) -> dict[str, Any]:
    """The values that are set in *table*, as arguments."""
    values = attrs.asdict(table, recurse=False) if table else {}
    return {
        name: (each.request, each.limit) if isinstance(each, Sides) else each
        for name, each in values.items()
        if each is not None
    }
