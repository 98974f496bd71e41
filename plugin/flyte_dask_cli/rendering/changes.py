"""Changes from one cluster to another, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import final

import attrs

from flyte_dask.explanation.summary import UNITS, Json
from flyte_dask.prediction.pods import Pods
from flyte_dask.quantities.formatting import decimal, readable
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_cli.rendering.snapshots import Snapshot

__all__ = ["Change", "Delta", "TaskChange", "changes", "delta", "matched"]

_COUNT = "workers.number_of_workers"
_SIDE = re.compile(r"\b(requests|limits)\.(?=\w+$)")
_SHARED = re.compile(r"^\w+\.(?=image$|accelerator$|sidecars\.|init_containers\.)")
"""Parts of paths that are removed where all their values change alike."""

_VARIANT = re.compile(r"-[0-9a-f]{8}$")
"""The suffix of a task's name where a node has its own config."""


@final
@attrs.frozen
class Delta:
    """The change of what pods request; negative where it is less."""

    pods: int = 0
    amounts: Mapping[str, Quantity] = attrs.field(factory=dict)
    """Changes of requests by dimension, as far as they are known."""

    def __add__(self, other: Delta) -> Delta:
        mine, others = self.amounts, other.amounts
        total = {name: mine.get(name, ZERO) + others.get(name, ZERO) for name in {**mine, **others}}
        return Delta(self.pods + other.pods, total)

    def __str__(self) -> str:
        """``+1 pod, +4 CPU, +16Gi``; empty without changes."""
        pods = [f"{self.pods:+} pod{'' if abs(self.pods) == 1 else 's'}"] if self.pods else []
        named = [(name, self.amounts.get(name, ZERO)) for name in DIMENSIONS]
        return ", ".join(pods + [_signed(name, each) for name, each in named if each.value])

    def as_dict(self) -> Json:
        """The JSON form; dimensions that don't change are left out."""
        return {"pods": self.pods, **{name: each.text for name, each in self.amounts.items()}}


@final
@attrs.frozen
class Change:
    """A value that differs between two clusters, or that only one of them has."""

    path: str
    old: object
    """The old value; None, as for `new`, if there is none."""
    new: object
    delta: Delta

    @property
    def sign(self) -> str:
        """``+`` if it was added, ``-`` if it was removed, else ``~``."""
        return "+" if self.old is None else "-" if self.new is None else "~"

    def as_dict(self) -> Json:
        """Its values and its cost, for JSON."""
        old, new = _plain(self.old), _plain(self.new)
        return {"path": self.path, "old": old, "new": new, "delta": self.delta.as_dict()}

    def __str__(self) -> str:
        """``~ workers 4 -> 5 (+1 pod, +4 CPU, +16Gi)``."""
        path = "workers" if self.path == _COUNT else self.path
        texts = [str(each) for each in (self.old, self.new) if each is not None]
        cost = f" ({self.delta})" if str(self.delta) else ""
        return f"{self.sign} {path} {' -> '.join(texts)}{cost}"


@final
@attrs.frozen
class TaskChange:
    """The changes of one task; the name is None on the side that does not have it."""

    old_name: str | None
    new_name: str | None
    changes: tuple[Change, ...]
    delta: Delta

    @property
    def sign(self) -> str:
        """``+`` if it was added, ``-`` if it was removed, else ``~``."""
        return "+" if self.old_name is None else "-" if self.new_name is None else "~"

    @property
    def name(self) -> str:
        """The name of the task; ``old -> new`` if it was renamed."""
        names = dict.fromkeys(each for each in (self.old_name, self.new_name) if each)
        return " -> ".join(names)


def matched(old: Iterable[str], new: Iterable[str]) -> Iterator[tuple[str | None, str | None]]:
    """Pairs of old and new names of tasks, matched by the names of their functions.

    Two single tasks are a pair whatever their names. Where several functions have the same name,
    those of the same module are matched first.
    """
    olds, news = list(old), list(new)
    if len(olds) == len(news) == 1:
        yield olds[0], news[0]
        return
    partners: dict[str, str] = {}
    left, new_left = olds, news
    for key in (str, _base_name, _function):
        partners |= _paired(left, new_left, key)
        found = set(partners.values())
        left = [each for each in left if each not in found]
        new_left = [each for each in new_left if each not in partners]
    for each in news:
        yield partners.get(each), each
    yield from ((each, None) for each in left)


def _paired(
    olds: Iterable[str], news: Iterable[str], key: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """New names, each with an old one that has the same *key*, in their order."""
    waiting: dict[str, list[str]] = {}
    for each in olds:
        waiting.setdefault(key(each), []).append(each)
    for each in news:
        if same := waiting.get(key(each)):
            yield each, same.pop(0)


def changes(old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    """All changes; the deltas add up, since each is computed after the changes before it."""
    paths = sorted({*old, *new}, key=lambda path: (path != _COUNT, _order(path)))
    found, current = [], old
    for path in paths:
        before, after = old.get(path), new.get(path)
        if before != after:
            previous, current = current, {**current, path: after}
            found.append(Change(path, before, after, delta(previous, current)))
    return tuple(_merged(found))


def delta(old: Snapshot | None, new: Snapshot | None) -> Delta:
    """The change of what pods request; None is a cluster that does not exist."""
    (old_pods, old_amounts), (new_pods, new_amounts) = _footprint(old), _footprint(new)
    more = {name: new_amounts.get(name, ZERO) - old_amounts.get(name, ZERO) for name in DIMENSIONS}
    return Delta(new_pods - old_pods, {name: each for name, each in more.items() if each.value})


def _footprint(snapshot: Snapshot | None) -> tuple[int, dict[str, Quantity]]:
    """The number of pods, and their total requests."""
    if not snapshot:
        return 0, {}
    workers = snapshot.get(_COUNT)
    number = workers if isinstance(workers, int) else 0
    pods: dict[tuple[str, str], Quantity] = {}
    before: dict[tuple[str, str], Quantity] = {}
    for container, dimension, amount in _requests(snapshot):
        role, _, rest = container.partition(".")
        key = role, dimension
        if rest.startswith("init_containers."):
            before[key] = max(before.get(key, ZERO), amount)
        elif role in Pods._fields:
            pods[key] = pods.get(key, ZERO) + amount
    total: dict[str, Quantity] = {}
    for role, dimension in {**pods, **before}:
        # init containers run before the others
        key = role, dimension
        amount = max(pods.get(key, ZERO), before.get(key, ZERO))
        times = number if role == "workers" else 1
        total[dimension] = total.get(dimension, ZERO) + amount * times
    return number + 2, total


def _requests(snapshot: Snapshot) -> Iterator[tuple[str, str, Quantity]]:
    """The request of each container and dimension, which defaults to the limit."""
    for path, amount in snapshot.items():
        container, _, dimension = path.rpartition(".requests.")
        if not container:
            container, _, dimension = path.rpartition(".limits.")
            if snapshot.get(f"{container}.requests.{dimension}") is not None:
                continue
        if container and isinstance(amount, Quantity):
            yield container, dimension, amount


def _merged(found: list[Change]) -> list[Change]:
    """Equal changes merged: request and limit of a dimension, and what all pods share."""
    for part, count in ((_SIDE, 2), (_SHARED, len(Pods._fields))):
        found = list(_merged_by(part, count, found))
    return found


def _merged_by(part: re.Pattern[str], count: int, found: Iterable[Change]) -> Iterator[Change]:
    """Groups of *count* equal changes whose paths differ only in *part*, merged without it."""
    same: dict[tuple[str, object, object], list[Change]] = {}
    for each in found:
        same.setdefault((part.sub("", each.path), each.old, each.new), []).append(each)
    for (path, old, new), group in same.items():
        if len(group) == count:
            yield Change(path, old, new, sum((each.delta for each in group), Delta()))
        else:
            yield from group


def _order(path: str) -> tuple[object, ...]:
    """The sort key of a path: by role, then by dimension, requests before limits."""
    role, last = path.partition(".")[0], path.rpartition(".")[2]
    place = Pods._fields.index(role) if role in Pods._fields else len(Pods._fields)
    is_amount = last in DIMENSIONS
    return place, is_amount, DIMENSIONS.index(last) if is_amount else 0, ".limits." in path, path


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, type(None))) else str(value)


def _base_name(name: str) -> str:
    """The name of a task, without the hash that a node's own config adds."""
    return _VARIANT.sub("-", name)


def _function(name: str) -> str:
    return _base_name(name).rpartition(".")[2]


def _signed(dimension: str, amount: Quantity) -> str:
    sign = "+" if amount.value > 0 else "-"
    size = amount if amount.value > 0 else ZERO - amount
    text = decimal(size) if dimension in {"cpu", "gpu"} else readable(size)
    return f"{sign}{text}{UNITS[dimension]}"
