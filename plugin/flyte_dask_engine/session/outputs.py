"""Outputs that refer to what is in the cluster, which ends with the task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NamedTuple

import attrs
from distributed import (
    Actor,
    BaseActorFuture,
    Client,
    Event,
    Future,
    Lock,
    Queue,
    Semaphore,
    Variable,
)

from flyte_dask_engine.errors import InvalidOutput
from flyte_dask_engine.host import Host

__all__ = ["Reference", "check_outputs", "reference_in"]

_MAX_VISITED = 5000  # objects, in an output
_MAX_MEMBERS = 500  # of each container; those of graphs and lists are of one kind
_MAX_PATH = 200  # characters
_MAX_STEP = 80  # characters

_REFERENCES = (Future, Actor, BaseActorFuture, Client, Variable, Queue, Lock, Event, Semaphore)
_ATOMS = (str, bytes, bytearray, int, float, complex, type(None), type)

_TASK = ("args", "kwargs", "value")
"""What a task in a graph consists of, unless it is a tuple."""

_REMEDIES: Mapping[type, str] = {
    Future: "return its result: result(), or gather() for many",
    Actor: "return what is needed of its state",
    BaseActorFuture: "return its result: result()",
}


_Step = tuple[str, object]
"""A format, and the key, index or name in it."""


def check_outputs(task: str, outputs: Mapping[str, object], host: Host) -> None:
    """Check that no output of *task* refers to its cluster.

    Args:
        task: the name of the task.
        outputs: the outputs by name, before they are converted.
        host: the SDK in which the task runs.

    Raises:
        InvalidOutput: if one does. It names the output, and what to return instead.
    """
    for name, value in outputs.items():
        found = reference_in(value)
        if found is not None:
            raise host.error(InvalidOutput)(
                f"{task}: the output {name}{found.path} is {found.what}. It refers to what is in "
                f"the cluster, which ends with the task: {found.remedy}"
            )


@attrs.frozen
class Reference:
    """Something in an output that refers to the cluster."""

    path: str
    """Where in the output it is, as an expression such as ``["a"][0]``; empty if it is all."""
    what: str
    """What it is, such as ``a Future``."""
    remedy: str
    """What to return instead."""


def reference_in(value: object) -> Reference | None:
    """The first reference to the cluster that is found in *value*.

    It looks into lists, tuples, sets, dicts, dataclasses, attrs classes, instances of other classes
    that are pickled with all their attributes, and the graphs of Dask collections, without
    computing or materializing these. It stops after a number of objects, so that it takes some
    milliseconds for any value.
    """
    seen: dict[int, object] = {}  # the objects, which keeps their identities unique
    waiting = deque([_Visit(value)])
    left = _MAX_VISITED
    while waiting and left > 0:
        visit = waiting.popleft()
        if id(visit.value) in seen:
            continue
        seen[id(visit.value)] = visit.value
        with suppress(Exception):  # a user's class may raise when its attributes are read
            if _is(visit.value, _REFERENCES):
                return visit.reference()
            for step, member in islice(visit.members(), _MAX_MEMBERS):
                left -= 1
                if not _is(member, _ATOMS):
                    waiting.append(_Visit(member, visit, step, visit.collection_of_members))
    return None


class _Visit(NamedTuple):
    """An object in an output, and how it is reached."""

    value: object
    parent: _Visit | None = None
    step: _Step = ("", None)
    """How it is reached from its parent."""
    collection: object = None
    """The collection in whose graph it is; then it has no path of its own."""

    def reference(self) -> Reference:
        """It as a reference, or the collection whose graph it is in."""
        if self.collection is not None:
            name = type(self.collection).__name__
            what = f"a Dask {name} that is persisted, or made of futures"
            remedy = "return its compute(), or the lazy collection as it was before persist()"
            return Reference(self._path(), what, remedy)
        name = type(self.value).__name__
        found = (remedy for kind, remedy in _REMEDIES.items() if _is(self.value, (kind,)))
        article = "an" if name[0] in "AEIOU" else "a"
        remedy = next(found, "return plain values")
        return Reference(self._path(), f"{article} {name}", remedy)

    def _path(self) -> str:
        steps, visit = list[str](), self
        while visit.parent is not None:
            if visit.collection is None:
                form, name = visit.step
                steps.append(form.format(name)[:_MAX_STEP])
            visit = visit.parent
        path = "".join(reversed(steps))
        return path if len(path) <= _MAX_PATH else f"{path[:_MAX_PATH]}..."

    @property
    def collection_of_members(self) -> object:
        """The collection in whose graph its members are; None if they are in no graph."""
        is_collection = self.collection is None and hasattr(type(self.value), "__dask_graph__")
        return self.value if is_collection else self.collection

    def members(self) -> Iterable[tuple[_Step, object]]:
        """What it contains, each with the step to it."""
        value: Any = self.value
        members = _of_container(value)
        if members is not None:
            return members
        if hasattr(type(value), "__dask_graph__"):
            return [(("", None), _graph_of(value))]
        if self.collection is not None:
            names = [name for name in _TASK if hasattr(type(value), name)]
            return [(("", None), getattr(value, name)) for name in names] or _attributes(value)
        return _attributes(value) if _is_stored(value) else ()


def _of_container(value: Any) -> Iterable[tuple[_Step, object]] | None:
    """The members of a container; None if it is not one of Python's own kinds."""
    if _is(value, (dict,)):
        return ((("[{!r}]", key), each) for key, each in value.items())
    if _is(value, (tuple,)) and hasattr(type(value), "_fields"):
        return (((".{}", name), each) for name, each in zip(value._fields, value, strict=False))
    if _is(value, (list, tuple)):
        return ((("[{}]", number), each) for number, each in enumerate(value))
    if _is(value, (set, frozenset)):
        return ((("", None), each) for each in value)
    return None


def _is(value: object, kinds: tuple[type, ...]) -> bool:
    """Whether *value* is of one of these *kinds*, even if its class claims another one."""
    return issubclass(type(value), kinds)


def _graph_of(collection: Any) -> object:
    """The graph of a collection, or what it is made from, if making it is expensive."""
    kind = type(collection)
    if "operands" in getattr(collection, "__dict__", ()):  # an expression of dask.dataframe
        return collection.operands
    if hasattr(kind, "expr"):  # not of the value: a Delayed has every attribute
        return collection.expr
    graph = collection.__dask_graph__()
    layers = getattr(graph, "layers", None)
    return graph if layers is None else [*layers.values()]


def _is_stored(value: object) -> bool:
    """Whether the attributes of *value* are what is stored of it."""
    kind: Any = type(value)
    if hasattr(kind, "__dataclass_fields__") or hasattr(kind, "__attrs_attrs__"):
        return True
    return (
        kind.__reduce_ex__ is object.__reduce_ex__
        and kind.__reduce__ is object.__reduce__
        and getattr(kind, "__getstate__", None) is getattr(object, "__getstate__", None)
    )


def _attributes(value: object) -> Iterator[tuple[_Step, object]]:
    kind = type(value)
    for name, each in list(getattr(value, "__dict__", {}).items()):
        public = name.lstrip("_")
        yield (".{}", public if hasattr(kind, public) else name), each
    slots = (vars(each).get("__slots__", ()) for each in kind.__mro__)
    for name in chain.from_iterable([each] if isinstance(each, str) else each for each in slots):
        with suppress(AttributeError):  # it is not set
            yield (".{}", name), object.__getattribute__(value, name)
