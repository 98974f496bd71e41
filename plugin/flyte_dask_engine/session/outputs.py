"""Outputs that refer to what is in the cluster, which ends with the task."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
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
from flyte_dask_engine.session.stored import ATOMS, MAX_MEMBERS, Step, attributes, items, members

__all__ = ["Reference", "check_outputs", "reference_in"]

_MAX_VISITED = 5000  # objects, in an output
_MAX_PATH = 200  # characters
_MAX_STEP = 80  # characters

_REFERENCES = (Future, Actor, BaseActorFuture, Client, Variable, Queue, Lock, Event, Semaphore)

_TASK = ("args", "kwargs", "value")
"""What a task in a graph consists of, unless it is a tuple."""

_REMEDIES: Mapping[type, str] = {
    Future: "return its result: result(), or gather() for many",
    Actor: "return what is needed of its state",
    BaseActorFuture: "return its result: result()",
}


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

    It looks into containers, exceptions, partial functions, arrays and columns of objects,
    instances of classes that do not decide themselves what is pickled of them, and the graphs of
    Dask collections, without computing or materializing these. It stops after a number of objects,
    so that it takes some milliseconds for any value.
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
            for step, member in islice(visit.members(), MAX_MEMBERS):
                left -= 1
                if not _is(member, ATOMS):
                    waiting.append(_Visit(member, visit, step, visit.collection_of_members))
    return None


class _Visit(NamedTuple):
    """An object in an output, and how it is reached."""

    value: object
    parent: _Visit | None = None
    step: Step = ("", None)
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
                steps.append(_shown(*visit.step)[:_MAX_STEP])
            visit = visit.parent
        path = "".join(reversed(steps))
        return path if len(path) <= _MAX_PATH else f"{path[:_MAX_PATH]}..."

    @property
    def collection_of_members(self) -> object:
        """The collection in whose graph its members are; None if they are in no graph."""
        is_collection = self.collection is None and hasattr(type(self.value), "__dask_graph__")
        return self.value if is_collection else self.collection

    def members(self) -> Iterable[tuple[Step, object]]:
        """What it contains, each with the step to it."""
        value: Any = self.value
        if hasattr(type(value), "__dask_graph__"):
            return [(("", None), _graph_of(value))]
        if self.collection is not None:
            names = [name for name in _TASK if hasattr(type(value), name)]
            task = [(("", None), getattr(value, name)) for name in names]
            return chain(items(value), task or attributes(value))
        return members(value)


def _shown(form: str, name: object) -> str:
    try:
        return form.format(name)
    except Exception:  # the repr of a key is code of the user's
        return "[...]"


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
