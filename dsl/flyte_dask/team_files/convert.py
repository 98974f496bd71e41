"""Conversion of plain data to tables and back, with all problems of a file at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin

import attrs
from cattrs import ClassValidationError, Converter, IterableValidationError
from cattrs.errors import BaseValidationError, ForbiddenExtraKeysError
from cattrs.gen import make_dict_structure_fn, mapping_structure_factory

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.misplaced import set_by_task
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions
from flyte_dask.errors.usage_errors import type_problems
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.base import checked
from flyte_dask.team_files.parsers import FORMATS, Document, Format, NotThatFormat, dumped, loaded
from flyte_dask.team_files.tables import SCHEMA_KEY, PresetTable, Sides, Tables

__all__ = ["Keys", "parse", "shown", "structured", "write", "wrong_text"]

_KINDS = {
    str: ("must be a string", "put it in quotes"),
    int: ("must be an integer", "use a number such as 4"),
    bool: ("must be a boolean", "use true or false"),
}


Keys: TypeAlias = tuple[str | int, ...]
"""The path of a value: the keys of tables, and the index in a list."""


class _InvalidValue(ValueError):
    """A value that does not fit the type of its field, with the rule and the remedy."""


@checked("parse(...)")
def parse(text: str, fmt: Format) -> Tables:
    """The tables in *text*.

    Raises:
        InvalidConfig: with every problem, each with its path and line.
        MissingExtra: if the parser of the format is not installed.
    """
    problems = [*_format_problems(fmt)]
    if not isinstance(text, str):
        rule = f"must be a str, not {type(text).__name__}"
        problems.insert(0, Problem("text", text, rule, "pass the contents of a team file"))
    raise_if_any("parse(...)", problems)
    try:
        with few_suggestions():
            tables, problems = structured(loaded(plain_text(text), fmt))
    except NotThatFormat as error:
        raise_if_any("the text", [wrong_text(error, fmt)])
        raise
    raise_if_any("the text", problems)
    return tables


def wrong_text(error: NotThatFormat, name: str) -> Problem:
    """The problem of a text named *name*."""
    value = error.path[-1] if error.path else name
    return Problem(shown(error.path), value, error.rule, "fix it", error.line)


@checked("write(...)")
def write(tables: Tables, fmt: Format) -> str:
    """*tables* as text, which `parse` reads back as equal tables.

    Raises:
        InvalidConfig: if *tables* are no `Tables`, or *fmt* is unknown.
        MissingExtra: if the package that writes the format is not installed.
    """
    problems = [*type_problems(tables=(tables, Tables)), *_format_problems(fmt)]
    raise_if_any("write(...)", problems)
    return dumped(_converter().unstructure(tables), fmt)


def _format_problems(fmt: object) -> Iterator[Problem]:
    if not isinstance(fmt, str) or fmt not in FORMATS.values():
        yield Problem("fmt", fmt, "is an unknown format", "use 'toml', 'yaml' or 'json'")


def structured(document: Document, prefix: Keys = ()) -> tuple[Tables, list[Problem]]:
    """The tables of *document*, without invalid values, and the problems of those."""
    data = document.data
    if isinstance(data, Mapping) and isinstance(data.get(SCHEMA_KEY), str):
        data = {key: value for key, value in data.items() if key != SCHEMA_KEY}
    problems: list[Problem] = []
    reported: set[Keys] = set()
    """The paths of what was removed, and of all above it."""
    while True:
        try:
            return _converter().structure(data, Tables), problems
        except (BaseValidationError, _InvalidValue) as error:
            found = dict(_invalid_values(error, data, ()))
        for keys, invalid in found.items():
            if keys in reported:
                continue  # a result of the removal
            line = document.line((*prefix, *keys))
            value, rule, remedy = invalid.args
            problems.append(Problem(shown(keys), value, rule, remedy, line))
        reported.update(keys[:end] for keys in found for end in range(len(keys) + 1))
        data = _without(data, found)


def _without(data: Any, paths: Iterable[Keys]) -> Any:
    """*data* without the values at *paths*."""
    below: dict[str | int, list[Keys]] = {}
    for path in paths:
        if not path:
            return {}
        below.setdefault(path[0], []).append(path[1:])
    if isinstance(data, list):
        return [value for number, value in enumerate(data) if number not in below]
    return {
        name: _without(value, below[str(name)]) if str(name) in below else value
        for name, value in data.items()
        if () not in below.get(str(name), ())
    }


@cache
def _converter() -> Converter:
    converter = Converter(
        forbid_extra_keys=True, omit_if_default=True, unstruct_collection_overrides={tuple: list}
    )
    for kind in _KINDS:
        converter.register_structure_hook(kind, _plain)
    converter.register_structure_hook_func(_is_any(Literal), _literal)
    converter.register_structure_hook_func(_is_any(Union, UnionType), _union)
    converter.register_structure_hook_func(_is_any(tuple), _texts)
    converter.register_structure_hook_factory(attrs.has, _table)
    converter.register_structure_hook_factory(_is_any(dict), _table)
    return converter


def _is_any(*origins: Any) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) in origins


def _plain(value: Any, kind: Any) -> Any:
    if type(value) is not kind:
        raise _InvalidValue(value, *_KINDS[kind])
    return value


def _literal(value: Any, kind: Any) -> Any:
    allowed = get_args(kind)
    if not isinstance(value, str) or value not in allowed:
        near = did_you_mean(value, allowed) if isinstance(value, str) else None
        raise _InvalidValue(value, "is an unknown value", near or f"use {_listed(allowed)}")
    return value


def _union(value: Any, kind: Any) -> Any:
    """The value of a field, in whose type None stands for a missing key."""
    kinds = [each for each in get_args(kind) if each is not type(None)]
    if value is None:
        raise _InvalidValue(value, "must not be null", "omit it")
    if len(kinds) == 1:
        return _converter().structure(value, kinds[0])
    if value == {} and Sides in kinds:
        raise _InvalidValue(value, "is empty", "set request, limit, or both")
    if isinstance(value, Mapping) and Sides in kinds:
        return _converter().structure(value, Sides)
    return _scalar(value, kinds)


def _scalar(value: Any, kinds: list[Any]) -> Any:
    """A value of one of several plain types; the range of amounts is validated later."""
    allowed = tuple(
        each for kind in kinds if get_origin(kind) is Literal for each in get_args(kind)
    )
    plain_kinds = tuple(kind for kind in kinds if isinstance(kind, type) and kind is not Sides)
    is_flag = isinstance(value, bool)
    if is_flag == (bool in plain_kinds) and isinstance(value, plain_kinds):
        return value
    if isinstance(value, str) and value in allowed:
        return value
    if bool in plain_kinds:
        raise _InvalidValue(value, "is an unknown value", f"use true, false or {_listed(allowed)}")
    if allowed:
        raise _InvalidValue(value, "is not a number of seconds", f"use one, or {_listed(allowed)}")
    remedy = "use one such as 2 or '16Gi'"
    if Sides in kinds:
        remedy += ", or { request = ..., limit = ... }"
    raise _InvalidValue(value, "is not an amount", remedy)


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _InvalidValue(value, "must be a list of strings", 'use ["...", "..."]')
    return tuple(_converter().structure(value, list[str]))


def _table(kind: Any) -> Callable[[Any, Any], Any]:
    """Cattrs' own hook for a class or a dict, after a check that there is a table."""
    structure: Callable[[Any, Any], Any]
    if attrs.has(kind):
        structure = make_dict_structure_fn(kind, _converter())
        keys = ", ".join(attrs.fields_dict(kind))
    else:
        structure = mapping_structure_factory(kind, _converter())
        keys = "a name for each"

    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _InvalidValue(value, "must be a table", f"use one with {keys}")
        return structure(value, kind)

    return hook


def _invalid_values(
    error: BaseException, data: Any, keys: Keys
) -> Iterator[tuple[Keys, _InvalidValue]]:
    """The invalid values in *data*, which is at *keys*, with their paths."""
    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        for each, field in named:
            yield from _invalid_values(each, data[field.name], (*keys, field.name))
        for each in others:
            yield from _invalid_values(each, data, keys)
    elif isinstance(error, IterableValidationError):
        items, _ = error.group_exceptions()
        for each, item in items:
            index: Any = item.index
            key = index if isinstance(data, list) else str(index)
            yield from _invalid_values(each, data[index], (*keys, key))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in data:
            if key in error.extra_fields:
                remedy = _known_key(key, data[key], error.cl, keys)
                invalid = _InvalidValue(data[key], "is under an unknown key", remedy)
                yield (*keys, str(key)), invalid
    elif isinstance(error, _InvalidValue):
        yield keys, error
    else:
        raise error


def _known_key(key: object, value: object, cls: type, keys: Keys) -> str:
    """The remedy for the unknown *key*."""
    names = list(attrs.fields_dict(cls))
    near = None
    if isinstance(key, str):
        near = set_by_task(key, names) or did_you_mean(key, names)
    if near is None and cls is PresetTable and isinstance(value, Mapping):
        return f'quote a name with a dot: [presets."{keys[-1]}.{key}"]'
    return near or f"known keys: {', '.join(names)}"


def shown(path: Keys) -> str:
    """*path* as a TOML key, without the index in a list."""
    names = [key for key in path if isinstance(key, str)]
    return ".".join(f'"{name}"' if "." in name else name for name in names) or "file"


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join(f"'{value}'" for value in values)
