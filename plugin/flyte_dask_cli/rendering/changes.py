"""What changes from one cluster to another, and what that costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import final

import attrs

from flyte_dask.explanation.summary import UNITS, Json
from flyte_dask.prediction.backend import Pods
from flyte_dask.quantities.formatting import decimal, readable
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_cli.rendering.snapshots import Document

__all__ = ["Change", "Delta", "TaskChange", "changes", "delta", "matched"]

_COUNT = "workers.number_of_workers"
_SIDE = re.compile(r"\b(requests|limits)\.(?=\w+$)")
_SHARED = re.compile(r"^\w+\.(?=image$|sidecars\.)")
"""Parts of paths in which those of one value may differ."""

_VARIANT = re.compile(r"-[0-9a-f]{8}$")
"""What the name of a task has where a node has a config of its own."""


@final
@attrs.frozen
class Delta:
    """How much more is asked for; less is below zero."""

    pods: int = 0
    amounts: Mapping[str, Quantity] = attrs.field(factory=dict)
    """By dimension, of requests, as far as they are known."""

    def __add__(self, other: Delta) -> Delta:
        both = dict(self.amounts)
        for name, amount in other.amounts.items():
            both[name] = both[name] + amount if name in both else amount
        return Delta(self.pods + other.pods, both)

    def __str__(self) -> str:
        """``+1 pod, +4 CPU, +16Gi``; nothing if nothing changes."""
        pods = [f"{self.pods:+} pod{'' if abs(self.pods) == 1 else 's'}"] if self.pods else []
        named = [(name, self.amounts.get(name, ZERO)) for name in DIMENSIONS]
        return ", ".join(pods + [_signed(name, each) for name, each in named if each.value])

    def as_dict(self) -> Json:
        """In JSON."""
        return {"pods": self.pods, **{name: each.text for name, each in self.amounts.items()}}


@final
@attrs.frozen
class Change:
    """One value that is another, or is there in one cluster only."""

    path: str
    old: object
    """None if there was none."""
    new: object
    delta: Delta

    @property
    def sign(self) -> str:
        """``+`` if it is new, ``-`` if it is gone, else ``~``."""
        return "+" if self.old is None else "-" if self.new is None else "~"

    def __str__(self) -> str:
        """``~ workers 4 -> 5 (+1 pod, +4 CPU, +16Gi)``."""
        path = "workers" if self.path == _COUNT else self.path
        texts = [str(each) for each in (self.old, self.new) if each is not None]
        cost = f" ({self.delta})" if str(self.delta) else ""
        return f"{self.sign} {path} {' -> '.join(texts)}{cost}"


@final
@attrs.frozen
class TaskChange:
    """What changes of one task; None is one that is not there."""

    old_name: str | None
    new_name: str | None
    changes: tuple[Change, ...]
    delta: Delta

    @property
    def sign(self) -> str:
        """As that of a value."""
        return "+" if self.old_name is None else "-" if self.new_name is None else "~"

    @property
    def name(self) -> str:
        """That of the task; both, if it has another one now."""
        names = dict.fromkeys(each for each in (self.old_name, self.new_name) if each)
        return " -> ".join(names)


def matched(old: Iterable[str], new: Iterable[str]) -> Iterator[tuple[str | None, str | None]]:
    """Names of tasks, old and new: one against one whatever their names, else by their functions.

    Where modules have functions of one name, those of the same module go together first.
    """
    olds, news = list(old), list(new)
    if len(olds) == len(news) == 1:
        yield olds[0], news[0]
        return
    partners: dict[str, str] = {}
    left, fresh = olds, news
    for alike in (str, _unmarked, _function):
        partners |= _paired(left, fresh, alike)
        found = set(partners.values())
        left = [each for each in left if each not in found]
        fresh = [each for each in fresh if each not in partners]
    for each in news:
        yield partners.get(each), each
    yield from ((each, None) for each in left)


def _paired(
    olds: Iterable[str], news: Iterable[str], alike: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """New names with the old ones that *alike* makes the same, each once, in their order."""
    waiting: dict[str, list[str]] = {}
    for each in olds:
        waiting.setdefault(alike(each), []).append(each)
    for each in news:
        if same := waiting.get(alike(each)):
            yield each, same.pop(0)


def changes(old: Document, new: Document) -> tuple[Change, ...]:
    """All that differs, each with what it costs after those before it: all costs add up."""
    paths = sorted({*old, *new}, key=lambda path: (path != _COUNT, _place(path)))
    found, now = [], old
    for path in paths:
        before, after = old.get(path), new.get(path)
        if before != after:
            then, now = now, {**now, path: after}
            found.append(Change(path, before, after, delta(then, now)))
    return tuple(_together(found))


def delta(old: Document | None, new: Document | None) -> Delta:
    """What the new one asks for more than the old one; None is one that is not there."""
    (old_pods, old_amounts), (new_pods, new_amounts) = _footprint(old), _footprint(new)
    differing = {
        name: new_amounts.get(name, ZERO) - old_amounts.get(name, ZERO)
        for name in DIMENSIONS
        if new_amounts.get(name, ZERO) != old_amounts.get(name, ZERO)
    }
    return Delta(new_pods - old_pods, differing)


def _footprint(document: Document | None) -> tuple[int, dict[str, Quantity]]:
    """Pods, and what they request: of which only a limit is said, that."""
    if not document:
        return 0, {}
    workers = document.get(_COUNT)
    number = workers if isinstance(workers, int) else 0
    total: dict[str, Quantity] = {}
    for path, amount in document.items():
        container, _, rest = path.rpartition(".requests.")
        if not container:
            container, _, rest = path.rpartition(".limits.")
            if document.get(f"{container}.requests.{rest}") is not None:
                continue
        role = container.partition(".")[0]
        if role in Pods._fields and isinstance(amount, Quantity):
            times = number if role == "workers" else 1
            total[rest] = total.get(rest, ZERO) + amount * times
    return number + 2, total


def _together(found: list[Change]) -> list[Change]:
    """As one what changes alike: request and limit of a dimension, and what all pods share."""
    for part, count in ((_SIDE, 2), (_SHARED, len(Pods._fields))):
        found = list(_without(part, count, found))
    return found


def _without(part: re.Pattern[str], count: int, found: Iterable[Change]) -> Iterator[Change]:
    """Those of so many paths that differ in *part* only as one, without it."""
    same: dict[tuple[str, object, object], list[Change]] = {}
    for each in found:
        same.setdefault((part.sub("", each.path), each.old, each.new), []).append(each)
    for (path, old, new), group in same.items():
        if len(group) == count:
            yield Change(path, old, new, sum((each.delta for each in group), Delta()))
        else:
            yield from group


def _place(path: str) -> tuple[object, ...]:
    """Where a path comes: by role, then by dimension, its request before its limit."""
    role, last = path.partition(".")[0], path.rpartition(".")[2]
    place = Pods._fields.index(role) if role in Pods._fields else len(Pods._fields)
    is_amount = last in DIMENSIONS
    return place, is_amount, DIMENSIONS.index(last) if is_amount else 0, ".limits." in path, path


def _unmarked(name: str) -> str:
    """That of a task; of a node's variant, without what tells its config."""
    return _VARIANT.sub("-", name)


def _function(name: str) -> str:
    return _unmarked(name).rpartition(".")[2]


def _signed(dimension: str, amount: Quantity) -> str:
    sign = "+" if amount.value > 0 else "-"
    size = amount if amount.value > 0 else ZERO - amount
    text = decimal(size) if dimension in {"cpu", "gpu"} else readable(size)
    return f"{sign}{text}{UNITS[dimension]}"
