"""A graph as plain values of JSON that need little space, and back.

The numbers of all tasks are columns, one after the other: the batch (less that of the task before),
how many tasks it stands for, the prefix, the seconds, the bytes, the number of dependencies, and at
last the dependencies of all tasks (how many places before the task the last one is, and how many
places before that one the next). Each number has seven bits in a byte, the lowest first; the eighth
says that more bytes follow. All that is compressed by zlib and written in base64.

Seconds and bytes are rounded to powers, as a simulation needs no more: seconds to one percent,
bytes to three.
"""

from __future__ import annotations

import math
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import attrs

from flyte_dask_records.graph import Batch, RecordedTask, TaskGraph

__all__ = ["pack", "unpack"]

_MICROSECOND = 1e-6
_OF_SECONDS = 1.02  # ratio of a rounded value to the next smaller one
_OF_BYTES = 1.06
_MOST_TASKS = 100_000
_MOST_BYTES = 8_000_000  # of the columns; more are not of this module
_FIXED = ("prefixes", "tasks", "batches")


def pack(graph: TaskGraph) -> dict[str, Any]:
    """*graph* as plain values of JSON."""
    numbers = {
        each.name: _rounded(getattr(graph, each.name))
        for each in attrs.fields(TaskGraph)
        if each.name not in _FIXED
    }
    data = zlib.compress(bytes(chain.from_iterable(map(_varint, _columns(graph.tasks)))), 9)
    return {
        "prefixes": list(graph.prefixes),
        "batches": [
            [_rounded(each.delay), int(each.waits), _rounded(each.spread)] for each in graph.batches
        ],
        **numbers,
        "number": len(graph.tasks),
        "columns": b64encode(data).decode("ascii"),
    }


def unpack(data: Mapping[str, Any]) -> TaskGraph:
    """The graph that `pack` made *data* of, with rounded numbers.

    Raises:
        ValueError: if it is not of `pack`.
    """
    try:
        return _unpacked(data)
    except (ArithmeticError, AttributeError, KeyError, TypeError, zlib.error) as error:
        raise ValueError(f"not a graph of tasks: {error}") from error


def _unpacked(data: Mapping[str, Any]) -> TaskGraph:
    prefixes = tuple(map(_text, data["prefixes"]))
    batches = [
        Batch(_amount(delay), bool(waits), _amount(spread))
        for delay, waits, spread in data["batches"]
    ]
    names = [each.name for each in attrs.fields(TaskGraph) if each.name not in _FIXED]
    tasks = _tasks(_decompressed(data["columns"]), data["number"])
    if any(each.prefix >= len(prefixes) or each.batch >= len(batches) for each in tasks):
        raise ValueError("a task has an unknown prefix or batch")
    numbers = {name: _amount(data[name]) for name in names if name in data}
    return TaskGraph(prefixes=prefixes, tasks=tasks, batches=batches, **numbers)


def _columns(tasks: Sequence[RecordedTask]) -> Iterator[int]:
    before = 0
    for each in tasks:
        yield each.batch - before
        before = each.batch
    yield from (each.number for each in tasks)
    yield from (each.prefix for each in tasks)
    yield from (_power(each.seconds / _MICROSECOND, _OF_SECONDS) for each in tasks)
    yield from (_power(each.nbytes, _OF_BYTES) for each in tasks)
    yield from (len(each.dependencies) for each in tasks)
    for number, each in enumerate(tasks):
        last = number
        for dependency in sorted(each.dependencies, reverse=True):
            yield last - dependency
            last = dependency


def _tasks(numbers: Iterator[int], number: Any) -> list[RecordedTask]:
    if type(number) is not int or not 0 <= number <= _MOST_TASKS:
        raise ValueError(f"has {number} tasks")
    steps, counts, prefixes, seconds, sizes, lengths = (
        list(islice(numbers, number)) for _ in range(6)
    )
    found, batch = [], 0
    for place, length in enumerate(lengths):
        batch += steps[place]
        last, dependencies = place, []
        for distance in islice(numbers, length):
            last -= distance
            dependencies.append(last)
        if len(dependencies) != length or last < 0 or (length and dependencies[0] == place):
            raise ValueError("a task has an unknown dependency")
        found.append(
            RecordedTask(
                prefixes[place],
                _value(seconds[place], _OF_SECONDS) * _MICROSECOND,
                round(_value(sizes[place], _OF_BYTES)),
                tuple(reversed(dependencies)),
                batch,
                max(1, counts[place]),
            )
        )
    if len(found) != number or next(numbers, None) is not None:
        raise ValueError("has another number of tasks than it should")
    return found


def _power(value: float, ratio: float) -> int:
    """The number of the power of *ratio* next to *value*, from 1 on; 0 for what is below 1."""
    return 1 + round(math.log(value, ratio)) if value >= 1 else 0


def _value(number: int, ratio: float) -> float:
    return float(ratio ** (number - 1)) if number else 0.0


def _varint(number: int) -> Iterable[int]:
    if number < 128:
        return (number,)
    found = []
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    return (*found, number)


def _decompressed(columns: str) -> Iterator[int]:
    """The numbers of all columns."""
    machine = zlib.decompressobj()
    data = machine.decompress(b64decode(columns, validate=True), _MOST_BYTES)
    if machine.unconsumed_tail or not machine.eof:
        raise ValueError("has columns that are too long or incomplete")
    return _numbers(data)


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        number |= (byte & 127) << shift
        if byte < 128:
            yield number
            number = shift = 0
        else:
            shift += 7
            if shift > 63:
                raise ValueError("has a number that is too large")


def _rounded(number: float) -> float:
    return float(f"{number:.4g}")


def _amount(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e18:
        raise ValueError(f"{value!r} is not an amount")
    return float(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a text")
    return value
