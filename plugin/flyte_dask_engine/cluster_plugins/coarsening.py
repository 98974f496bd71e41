"""Merging of similar tasks of a graph, so that a bounded number stands for all of them.

Tasks are similar if they have a batch, a prefix and a level. Levels increase along dependencies, so
merging cannot make a cycle. Neighbours by priority are merged, as their data is close as well.
"""

from __future__ import annotations

from collections import defaultdict
from heapq import heapify, heappop, heappush
from typing import Any

__all__ = ["Row", "as_rows", "coarsen"]

_FLOOR = 64  # rows of a group that are kept if possible, since the group can run in parallel


class Row:
    """A task that finished, or several that were merged."""

    __slots__ = (
        *("batch", "dependencies", "level", "nbytes", "number", "prefix", "priority"),
        *("seconds", "stop", "worker"),
    )

    def __init__(self, prefix: int, batch: int, priority: Any) -> None:
        self.prefix = prefix
        self.batch = batch
        self.priority = priority
        self.seconds = 0.0
        self.nbytes = 0
        self.dependencies: set[int] = set()  # numbers of rows
        self.level = 0  # of the longest chain of dependencies
        self.number = 1
        self.stop = 0.0
        self.worker: Any = None  # the address of the worker that ran it

    def add(self, other: Row) -> None:
        """Merge *other* into this row."""
        self.seconds += other.seconds
        self.nbytes += other.nbytes
        if other.dependencies:
            self.dependencies |= other.dependencies
        self.number += other.number
        self.stop = max(self.stop, other.stop)


def coarsen(rows: list[Row], most: int, most_edges: int) -> tuple[list[Row], list[int]]:
    """Merge *rows* until they are *most*, and their dependencies *most_edges*, if that can be.

    Returns:
        The merged rows, and the number of the one into which each of *rows* went. Those are *rows*
        themselves if nothing is to be merged, or more than *most* cannot be.
    """
    groups: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        groups[row.batch, row.prefix, row.level].append(number)
    for members in groups.values():
        members.sort(key=lambda number: rows[number].priority)
    into = list(range(len(rows)))
    stride, floor = 1, _FLOOR
    merged = rows
    while (len(merged) > most or _edges(merged) > most_edges) and (floor > 1 or len(merged) > 1):
        stride *= 2
        if stride >= 2 * len(rows):
            stride, floor = 2, floor // 4
            if not floor:
                break
        places, size = _places(rows, groups, stride, floor)
        if size <= most:
            merged, into = _merged(rows, places, size), places
    return merged, into


def _edges(rows: list[Row]) -> int:
    return sum(len(row.dependencies) for row in rows)


def _places(
    rows: list[Row], groups: dict[tuple[int, int, int], list[int]], stride: int, floor: int
) -> tuple[list[int], int]:
    """Where each row goes if each *stride* tasks of a group are merged, and how many remain."""
    into = [0] * len(rows)
    size = 0
    for members in groups.values():
        total = sum(rows[number].number for number in members)
        each = max(1, min(stride, total // floor))
        filled = each
        for number in members:
            if filled >= each:
                filled = 0
                size += 1
            filled += rows[number].number
            into[number] = size - 1
    return into, size


def _merged(rows: list[Row], into: list[int], size: int) -> list[Row]:
    found: list[Row | None] = [None] * size
    for number, row in enumerate(rows):
        target = found[into[number]]
        if target is None:
            target = found[into[number]] = Row(row.prefix, row.batch, row.priority)
            target.number, target.level, target.worker = 0, row.level, row.worker
        target.add(row)
    for target in found:
        if target is not None:
            target.dependencies = {into[each] for each in target.dependencies}
    return [target for target in found if target is not None]


def as_rows(rows: list[Row]) -> list[list[Any]]:
    """Prefix, seconds, bytes, dependencies, batch and number of tasks, as plain values.

    They are in the order of batches and priorities, but each comes after its dependencies.
    """
    order = _ordered(rows)
    places = {number: place for place, number in enumerate(order)}
    found: list[list[Any]] = []
    for place, number in enumerate(order):
        row = rows[number]
        dependencies = sorted(places[each] for each in row.dependencies if places[each] < place)
        values = [row.prefix, round(row.seconds, 6), row.nbytes, dependencies, row.batch]
        found.append([*values, row.number])
    return found


def _ordered(rows: list[Row]) -> list[int]:
    """The numbers of *rows*, each after its dependencies, which a priority alone does not ensure.

    For where tasks were merged, some come before others that the first of them does not need.
    """
    dependents: list[list[int]] = [[] for _ in rows]
    missing = [0] * len(rows)
    for number, row in enumerate(rows):
        for other in row.dependencies:
            if rows[other].batch <= row.batch:
                dependents[other].append(number)
                missing[number] += 1
    ready = [(row.batch, row.priority, at) for at, row in enumerate(rows) if not missing[at]]
    heapify(ready)
    order = []
    while ready:
        *_, number = heappop(ready)
        order.append(number)
        for other in dependents[number]:
            missing[other] -= 1
            if not missing[other]:
                heappush(ready, (rows[other].batch, rows[other].priority, other))
    return order
