"""A record as JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import attrs

from flyte_dask.errors import Problem
from flyte_dask_records.errors import InvalidRecord
from flyte_dask_records.graph import TaskGraph
from flyte_dask_records.packing import pack
from flyte_dask_records.reading import structured
from flyte_dask_records.record import VERSION, Record
from flyte_dask_records.reduction import REDUCTIONS, without_graph

__all__ = ["MOST_BYTES", "dumps", "loads"]

MOST_BYTES = 64_000
"""The maximum size of a record as JSON."""

_DIGITS = 6  # of a number that is no integer
_REMEDY = "pass records of flyte-dask, or decks that contain one"


def dumps(record: Record) -> str:
    """*record* as JSON in one line of ASCII, of at most `MOST_BYTES`.

    What has no room is left out, and counted in its field ``left_out``.
    """
    graph = _plain(record.graph)
    found = _reduced(record, MOST_BYTES - len(_text(graph)))
    if found is None:
        found, graph = _reduced(without_graph(record), MOST_BYTES), None
    return _text({**(found or {}), "graph": graph})


def _reduced(record: Record, room: int) -> dict[str, Any] | None:
    """The fields of *record* without its graph, reduced to fit in *room*.

    None if nothing helps, as only happens with a large graph, which takes long to write.
    """
    record = attrs.evolve(record, graph=None)
    for reduce in REDUCTIONS:
        record = reduce(record)
        fields: dict[str, Any] = _plain(record)
        if len(_text(fields)) <= room:
            return fields
    return None


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def loads(text: str | bytes, place: str = "a record") -> Record:
    """The record in *text*, which is from *place*, an address for errors.

    Raises:
        InvalidRecord: with every problem of *text*.
    """
    problems: list[Problem] = []
    record = _structured(text, problems)
    if record is None:
        raise InvalidRecord(place, problems)
    return record


def _structured(text: str | bytes, problems: list[Problem]) -> Record | None:
    if len(text) > MOST_BYTES:
        rule = f"has {len(text):,} bytes, and a record has at most {MOST_BYTES:,}"
        problems.append(Problem("record", attrs.NOTHING, rule, _REMEDY))
        return None
    try:
        data = json.loads(text, parse_constant=_reject)
    except (ValueError, RecursionError):  # also of bytes that are not UTF-8
        problems.append(Problem("record", attrs.NOTHING, "is not JSON", _REMEDY))
        return None
    version = data.get("version") if isinstance(data, dict) else None
    if type(version) is not int or version < 1:
        problems.append(Problem("version", attrs.NOTHING, "is not that of a record", _REMEDY))
        return None
    if version > VERSION:
        rule = f"is later than {VERSION}, the latest one that this flyte-dask reads"
        problems.append(Problem("version", version, rule, "install the flyte-dask that wrote it"))
        return None
    return structured(data, problems)


def _reject(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _plain(value: Any) -> Any:
    """*value* as plain values of JSON."""
    if isinstance(value, TaskGraph):
        return pack(value)
    if attrs.has(type(value)):
        fields = ((each.name, getattr(value, each.name)) for each in attrs.fields(type(value)))
        return {name: _plain(each) for name, each in fields}
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return _rounded(value)
    return value


def _rounded(number: float) -> float | int:
    """*number* to a few digits, as an integer if it is one; what is not finite is 0."""
    if not math.isfinite(number):
        return 0
    short = float(f"{number:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short
