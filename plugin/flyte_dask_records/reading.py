"""Reads plain values, as of JSON, as the classes of a record, and finds all problems at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import attrs

from flyte_dask.errors import Problem
from flyte_dask_records.graph import TaskGraph
from flyte_dask_records.packing import unpack
from flyte_dask_records.record import Record

__all__ = ["structured", "time_of"]

_MOST = 10**18  # of any number
_REPEAT = "run the task again with this flyte-dask, or remove the file"
_MAY_BE_NEGATIVE = re.compile(r"inputs\[\d+\]\.value")


def structured(data: object, problems: list[Problem]) -> Record | None:
    """*data* as a record; None if there are *problems*, which are appended.

    Fields that this version does not know are ignored.
    """
    found: Record | None = _read_class(data, Record, "", problems)
    if found is not None and time_of(found.began) is None:
        rule = "is not a time with its time zone as ISO 8601 has it"
        problems.append(Problem("began", found.began, rule, _REPEAT))
    return None if problems else found


def time_of(text: str) -> datetime | None:
    """The time that *text* is; None if it is not one of a known time zone."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else None


@cache
def _kinds(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _read(data: object, kind: Any, path: str, problems: list[Problem]) -> Any:
    """*data* as a value of the annotation *kind*; if it is none, a problem is appended."""
    if get_origin(kind) in {Union, UnionType}:
        if data is None:
            return None
        (kind,) = (each for each in get_args(kind) if each is not NoneType)
    return _reader_of(kind)(data, kind, path, problems)


def _reader_of(kind: Any) -> Callable[[Any, Any, str, list[Problem]], Any]:
    base: type = get_origin(kind) or kind
    readers: tuple[tuple[bool, Callable[[Any, Any, str, list[Problem]], Any]], ...] = (
        (base is object, lambda data, *_: data),
        (base in {bool, float, int, str}, _read_plain),
        (base is TaskGraph, _read_graph),
        (attrs.has(base), _read_class),
        (issubclass(base, Mapping), _read_mapping),
        (issubclass(base, Sequence), _read_sequence),
    )
    return next(reader for fits, reader in readers if fits)


def _read_class(data: object, kind: Any, path: str, problems: list[Problem]) -> Any:
    """*data* as an instance of the attrs class *kind*."""
    if not isinstance(data, Mapping):
        problems.append(Problem(path or "record", data, "must be an object", _REPEAT))
        return None
    values, before = {}, len(problems)
    for field in attrs.fields(kind):
        name = f"{path}.{field.name}" if path else field.name
        if field.name in data:
            value = _read(data[field.name], _kinds(kind)[field.name], name, problems)
            values[field.name] = value
        elif field.default is attrs.NOTHING:
            problems.append(Problem(name, attrs.NOTHING, "is missing", _REPEAT))
    return kind(**values) if len(problems) == before else None


def _read_mapping(data: object, kind: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(data, Mapping):
        problems.append(Problem(path, data, "must be an object", _REPEAT))
        return None
    of = get_args(kind)[1]
    return {name: _read(each, of, f"{path}.{name}", problems) for name, each in data.items()}


def _read_sequence(data: object, kind: Any, path: str, problems: list[Problem]) -> Any:
    if not isinstance(data, list):
        problems.append(Problem(path, data, "must be an array", _REPEAT))
        return None
    of = get_args(kind)[0]
    return tuple(_read(each, of, f"{path}[{at}]", problems) for at, each in enumerate(data))


def _read_graph(data: Any, _: Any, path: str, problems: list[Problem]) -> TaskGraph | None:
    """*data*, which `pack` wrote, as a graph of tasks."""
    try:
        return unpack(data)
    except ValueError as error:
        problems.append(Problem(path, attrs.NOTHING, f"is not readable: {error}", _REPEAT))
        return None


def _read_plain(data: Any, kind: type, path: str, problems: list[Problem]) -> Any:
    """*data* as a text, a bool or a number."""
    if kind in {str, bool}:
        is_valid, rule = type(data) is kind, f"must be a {'text' if kind is str else 'bool'}"
    else:
        is_signed = _MAY_BE_NEGATIVE.fullmatch(path) is not None
        is_number = type(data) is int or (kind is float and type(data) is float)
        is_valid = is_number and -_MOST * is_signed <= data <= _MOST
        least = "" if is_signed else ", 0 or more"
        rule = f"must be {'an integer' if kind is int else 'a number'}{least}"
    if not is_valid:
        problems.append(Problem(path, data, rule, _REPEAT))
        return None
    return float(data) if kind is float else data
