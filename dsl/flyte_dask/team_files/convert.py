"""Plain data to tables and back, with every problem of a file at once."""

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
from flyte_dask.errors.suggestions import did_you_mean
from flyte_dask.team_files.parsers import FORMATS, Document, Format, NotThatFormat, dumped, loaded
from flyte_dask.team_files.tables import SCHEMA_KEY, PresetTable, Sides, Tables

__all__ = ["Keys", "parse", "shown", "structured", "write", "wrong_text"]

_KINDS = {
    str: ("is no text", "write a text in quotes"),
    int: ("is no whole number", "write a number such as 4"),
    bool: ("is neither true nor false", "write true or false"),
}


Keys: TypeAlias = tuple[str | int, ...]
"""Where something is: the names of tables, and the number of an item in its list."""


class _BadItems(ValueError):
    """A list in which some are not what their place wants, each by its number."""

    def __init__(self, items: Mapping[int, _Misfit]) -> None:
        super().__init__()
        self.items = items


class _Misfit(ValueError):
    """A value that is not what its place wants."""

    def __init__(self, value: object, rule: str, remedy: str) -> None:
        super().__init__(rule)
        self.value = value
        self.rule = rule
        self.remedy = remedy


def parse(text: str, fmt: Format) -> Tables:
    """The tables that *text* says, as they are written.

    Raises:
        InvalidConfig: with everything that is no such table, each with its path and line.
        MissingExtra: if the package that reads it is not installed.
    """
    problems = [*_format_problems(fmt)]
    if not isinstance(text, str):
        problems.insert(0, Problem("text", text, "is no text", "give what a file says"))
    raise_if_any("parse(...)", problems)
    try:
        tables, problems = structured(loaded(text, fmt))
    except NotThatFormat as error:
        raise_if_any("the text", [wrong_text(error, fmt)])
        raise
    raise_if_any("the text", problems)
    return tables


def wrong_text(error: NotThatFormat, what: str) -> Problem:
    """What is wrong with a text that is called *what*."""
    value = error.path[-1] if error.path else what
    return Problem(shown(error.path), value, error.rule, "mend it", error.line)


def write(tables: Tables, fmt: Format) -> str:
    """*tables* as a text, which `parse` reads back as the same.

    Raises:
        InvalidConfig: if *fmt* is no format.
        MissingExtra: if the package that writes it is not installed.
    """
    raise_if_any("write(...)", _format_problems(fmt))
    return dumped(plain(tables), fmt)


def _format_problems(fmt: object) -> Iterator[Problem]:
    if not isinstance(fmt, str) or fmt not in FORMATS.values():
        yield Problem("fmt", fmt, "is no format", "write 'toml', 'yaml' or 'json'")


def structured(document: Document, prefix: Keys = ()) -> tuple[Tables, list[Problem]]:
    """The tables of *document*, below *prefix*; and all that is none, which they leave out."""
    data = _without_schema(document.data)
    problems: list[Problem] = []
    removed: list[Keys] = []
    while True:
        try:
            return _converter().structure(data, Tables), problems
        except (BaseValidationError, _Misfit) as error:
            found = list(_misfits(error, data, ()))
        for keys, misfit in found:
            if any(each[: len(keys)] == keys for each in removed):
                continue  # it is a misfit since what it said is removed, and that is told
            line = document.line((*prefix, *keys))
            problems.append(Problem(shown(keys), misfit.value, misfit.rule, misfit.remedy, line))
        for keys, _ in reversed(found):  # so that the numbers of items still hold
            data = _without(data, keys)
            removed.append(keys)


def _without_schema(data: Any) -> Any:
    if isinstance(data, Mapping) and isinstance(data.get(SCHEMA_KEY), str):
        return {key: value for key, value in data.items() if key != SCHEMA_KEY}
    return data


def _without(data: Any, keys: Keys) -> Any:
    """*data* without what is at *keys*."""
    if not keys:
        return {}
    key, *others = keys
    if isinstance(data, list):
        return [value for number, value in enumerate(data) if number != key]
    return {
        name: _without(value, tuple(others)) if str(name) == key else value
        for name, value in data.items()
        if others or str(name) != key
    }


def plain(tables: Tables) -> dict[str, Any]:
    """What *tables* say, as plain data."""
    data: dict[str, Any] = _converter().unstructure(tables)
    return data


@cache
def _converter() -> Converter:
    converter = Converter(
        forbid_extra_keys=True, omit_if_default=True, unstruct_collection_overrides={tuple: list}
    )
    for kind in _KINDS:
        converter.register_structure_hook(kind, _of_kind(kind))
    converter.register_structure_hook_func(_is_literal, _literal)
    converter.register_structure_hook_func(_is_union, _union(converter))
    converter.register_structure_hook_func(_is_texts, _texts)
    converter.register_structure_hook_factory(attrs.has, _table(converter))
    converter.register_structure_hook_factory(_is_tables, _named_tables(converter))
    return converter


def _of_kind(kind: type) -> Callable[[Any, Any], Any]:
    rule, remedy = _KINDS[kind]

    def hook(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise _Misfit(value, rule, remedy)
        return value

    return hook


def _is_literal(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _literal(value: Any, kind: Any) -> Any:
    words = get_args(kind)
    if not isinstance(value, str) or value not in words:
        near = did_you_mean(value, words) if isinstance(value, str) else None
        raise _Misfit(value, "is no such word", near or f"write {_listed(words)}")
    return value


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in {Union, UnionType}


def _union(converter: Converter) -> Callable[[Any, Any], Any]:
    """Of a field: None is what it is when it is not written."""

    def hook(value: Any, kind: Any) -> Any:
        kinds = [each for each in get_args(kind) if each is not type(None)]
        if value is None:
            raise _Misfit(value, "says nothing", "leave it out")
        if len(kinds) == 1:
            return converter.structure(value, kinds[0])
        if value == {} and Sides in kinds:
            raise _Misfit(value, "says nothing", "write request, limit, or both")
        if isinstance(value, Mapping) and Sides in kinds:
            return converter.structure(value, Sides)
        return _scalar(value, kinds)

    return hook


def _scalar(value: Any, kinds: list[Any]) -> Any:
    """A value of one of several plain kinds; what the amount is worth is judged later."""
    words = [word for kind in kinds if _is_literal(kind) for word in get_args(kind)]
    plain_kinds = tuple(kind for kind in kinds if isinstance(kind, type) and kind is not Sides)
    is_flag = isinstance(value, bool)
    if is_flag == (bool in plain_kinds) and isinstance(value, plain_kinds):
        return value
    if isinstance(value, str) and value in words:
        return value
    if bool in plain_kinds:
        raise _Misfit(value, "is no such word", f"write true, false or {_listed(tuple(words))}")
    if words:
        raise _Misfit(value, "is no time", f"write seconds, or {_listed(tuple(words))}")
    remedy = "write one such as 2 or '16Gi'"
    if Sides in kinds:
        remedy += ", or { request = ..., limit = ... }"
    raise _Misfit(value, "is no amount", remedy)


def _is_texts(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _texts(value: Any, _: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise _Misfit(value, "is no list of texts", 'write ["...", "..."]')
    misfits = {
        number: _Misfit(each, *_KINDS[str])
        for number, each in enumerate(value)
        if not isinstance(each, str)
    }
    if misfits:
        raise _BadItems(misfits)
    return tuple(value)


def _table(converter: Converter) -> Callable[[Any], Callable[[Any, Any], Any]]:
    """Cattrs' own hook for a class, which takes it for granted that there is a table."""

    def factory(cls: Any) -> Callable[[Any, Any], Any]:
        return _of_table(make_dict_structure_fn(cls, converter), attrs.fields_dict(cls))

    return factory


def _is_tables(kind: Any) -> bool:
    return get_origin(kind) is dict


def _named_tables(converter: Converter) -> Callable[[Any], Callable[[Any, Any], Any]]:
    def factory(kind: Any) -> Callable[[Any, Any], Any]:
        return _of_table(mapping_structure_factory(kind, converter), ["a name for each"])

    return factory


def _of_table(
    structure: Callable[[Any, Any], Any], keys: Iterable[str]
) -> Callable[[Any, Any], Any]:
    def hook(value: Any, kind: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _Misfit(value, "is no table", f"write one with {', '.join(keys)}")
        return structure(value, kind)

    return hook


def _misfits(error: BaseException, data: Any, keys: Keys) -> Iterator[tuple[Keys, _Misfit]]:
    """Whatever of *data*, which is at *keys*, ended in *error*; and where it is."""
    if isinstance(error, ClassValidationError):
        named, others = error.group_exceptions()
        for each, field in named:
            yield from _misfits(each, data[field.name], (*keys, field.name))
        for each in others:
            yield from _misfits(each, data, keys)
    elif isinstance(error, IterableValidationError):
        items, _ = error.group_exceptions()
        for each, item in items:
            yield from _misfits(each, data[item.index], (*keys, str(item.index)))
    elif isinstance(error, ForbiddenExtraKeysError):
        yield from _unknown(error, data, keys)
    elif isinstance(error, _BadItems):
        for number, misfit in error.items.items():
            yield (*keys, number), misfit
    elif isinstance(error, _Misfit):
        yield keys, error
    else:
        raise error


def _unknown(
    error: ForbiddenExtraKeysError, data: Any, keys: Keys
) -> Iterator[tuple[Keys, _Misfit]]:
    for key in data:
        if key in error.extra_fields:
            rule = "is under a name that is not known here"
            remedy = _known_name(key, data[key], error.cl, keys)
            yield (*keys, str(key)), _Misfit(data[key], rule, remedy)


def _known_name(key: object, value: object, cls: type, keys: Keys) -> str:
    """What *key* might have been meant to be."""
    names = list(attrs.fields_dict(cls))
    near = did_you_mean(key, names) if isinstance(key, str) else None
    if near is None and cls is PresetTable and isinstance(value, Mapping):
        return f'for a name with a dot write [presets."{keys[-1]}.{key}"]'
    return near or f"it has {', '.join(names)}"


def shown(path: Keys) -> str:
    """*path* as TOML writes it, of an item that of its list."""
    names = [key for key in path if isinstance(key, str)]
    return ".".join(f'"{name}"' if "." in name else name for name in names) or "file"


def _listed(words: tuple[str, ...]) -> str:
    return " or ".join(f"'{word}'" for word in words)
