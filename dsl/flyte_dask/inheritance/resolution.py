"""What each pod asks for in the end: what its role says, and what it gets from the task.

Flyte takes a role's resources or the task's, as a whole: one amount on a role, and all the others
come from the platform. So a role that says some of its resources is written out with the task's
others.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol, TypeAlias, final

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.inheritance.parent import Parent
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.origin import Origin, Pair
from flyte_dask.roles.resources import DIMENSIONS, pairs
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = [
    "ALWAYS_GIVEN",
    "Inherit",
    "Resolved",
    "ResolvedPair",
    "ResolvedRole",
    "Side",
    "Source",
    "resolve",
]

Inherit: TypeAlias = Literal["fill", "pin", "off"]
"""How a role gets what it leaves unsaid; `flyte_dask.Dask` says what each means."""

Source: TypeAlias = Literal[
    "role", "task", "raised", "lowered", "matched", "platform", "dropped", "nobody"
]
"""Why a pod gets an amount.

- ``role``: its role says it.
- ``task``: the task says it, and the role does not.
- ``raised``: the role requests more than the task's limit, so the limit is the request.
- ``lowered``: the role's limit is below the task's request, so the request is the limit.
- ``matched``: only the other side is said, and this one is the same.
- ``platform``: nobody says it, and Flyte gives the platform's default.
- ``dropped``: the task has it, and this role, which says other things, does not get it: a GPU, and
  if nothing is inherited, ephemeral storage too.
- ``nobody``: nobody says it, and there is none.
"""

# Of these Flyte gives every pod some; of the others none, unless they are named.
ALWAYS_GIVEN = ("cpu", "mem")
_UNSET: Pair = (None, None)


@final
class Side(NamedTuple):
    """The request or the limit of one dimension of one role."""

    emitted: Quantity | None
    """What the task template says of it; None if nothing."""
    effective: Quantity | None
    """What the pod asks for; None if that is up to the platform, or nothing.

    Before the site's limits, to which Flyte cuts it down.
    """
    source: Source
    """Why."""
    origin: Origin | None
    """Who said the effective amount; None if nobody did."""
    task: Quantity | None
    """What the task says of it, whether or not it counts."""


@final
class ResolvedPair(NamedTuple):
    """Request and limit of one dimension of one role."""

    request: Side
    limit: Side

    @property
    def emitted(self) -> Pair:
        """What the task template says."""
        return self.request.emitted, self.limit.emitted

    @property
    def effective(self) -> Pair:
        """What the pod asks for."""
        return self.request.effective, self.limit.effective


@final
class ResolvedRole(NamedTuple):
    """What one pod of a role asks for, by dimension."""

    cpu: ResolvedPair
    mem: ResolvedPair
    gpu: ResolvedPair
    ephemeral_storage: ResolvedPair

    @property
    def emitted(self) -> dict[str, Pair]:
        """What the task template says, without the dimensions of which it says nothing."""
        named = zip(DIMENSIONS, self, strict=True)
        return {name: said for name, pair in named if (said := pair.emitted) != _UNSET}


@final
class Resolved(NamedTuple):
    """A config in its task: every amount, and who said it."""

    scheduler: ResolvedRole
    workers: ResolvedRole

    @property
    def sides(self) -> dict[str, Side]:
        """Every request and limit, by path, such as ``workers.limits.mem``."""
        return {
            f"{role}.{side}s.{dimension}": getattr(pair, side)
            for role, resolved in zip(self._fields, self, strict=True)
            for side in ResolvedPair._fields
            for dimension, pair in zip(DIMENSIONS, resolved, strict=True)
        }


class _Roles(Protocol):
    """What resolving needs of a config."""

    @property
    def scheduler(self) -> Scheduler: ...
    @property
    def workers(self) -> WorkerGroup: ...
    @property
    def inherit(self) -> Inherit: ...


def resolve(config: _Roles, parent: Parent | None = None) -> Resolved:
    """Every amount of both roles of *config*, in a task that asks for *parent*.

    Args:
        config: the config.
        parent: the task; unsaid, one that asks for nothing.

    Raises:
        InvalidConfig: if *parent* is no `Parent`.
    """
    if parent is None:
        parent = Parent()
    elif not isinstance(parent, Parent):
        remedy = "write Parent(requests=..., limits=...)"
        raise_if_any("resolve(...)", [Problem("parent", parent, "is no Parent", remedy)])
    tasks = _words_of(parent, "task")
    return Resolved(
        _resolve_role(config.scheduler, config.inherit, tasks),
        _resolve_role(config.workers, config.inherit, tasks),
    )


class _Word(NamedTuple):
    """An amount that somebody says, before Flyte completes what nobody says."""

    amount: Quantity
    source: Source
    origin: Origin | None


_Words: TypeAlias = tuple[_Word | None, _Word | None]
_NO_WORDS: _Words = (None, None)


def _resolve_role(
    role: Scheduler | WorkerGroup, inherit: Inherit, tasks: Mapping[str, _Words]
) -> ResolvedRole:
    said = _words_of(role, "role")
    is_left_to_flyte = not said and inherit != "pin"
    resolved = []
    for name in DIMENSIONS:
        own, task = said.get(name, _NO_WORDS), tasks.get(name, _NO_WORDS)
        if own is _NO_WORDS and task is _NO_WORDS:  # as most are of GPUs and disks
            resolved.append(_UNSET_PAIRS[name])
            continue
        if is_left_to_flyte:
            words = task
        elif not said:
            words = _matched(task) if name == "gpu" else task
        elif inherit == "off":
            words = own
        elif name == "gpu":
            words = _matched(own)
        else:
            words = _filled(own, task)
        resolved.append(_completed(name, words, task, is_emitted=not is_left_to_flyte))
    return ResolvedRole(*resolved)


def _words_of(who: Parent | Scheduler | WorkerGroup, source: Source) -> dict[str, _Words]:
    """What *who* says, by dimension."""
    origins = who.origins
    return {
        name: (
            request and _Word(request, source, origins.get(name)),
            limit and _Word(limit, source, origins.get(name)),
        )
        for name, (request, limit) in pairs(who.requests, who.limits).items()
    }


def _matched(words: _Words) -> _Words:
    """Both sides alike where only one is said: Kubernetes wants a GPU's to be equal."""
    request, limit = words
    return (
        request or (limit and limit._replace(source="matched")),
        limit or (request and request._replace(source="matched")),
    )


def _filled(own: _Words, tasks: _Words) -> _Words:
    """The role's own words, and the task's in the place of missing ones, as far as they fit."""
    request, limit = own[0] or tasks[0], own[1] or tasks[1]
    # Both are valid by themselves: so where they do not fit, one is the role's and one the task's.
    if request and limit and request.amount > limit.amount:
        if own[0]:
            limit = request._replace(source="raised")
        else:
            request = limit._replace(source="lowered")
    return request, limit


def _completed(dimension: str, words: _Words, tasks: _Words, *, is_emitted: bool) -> ResolvedPair:
    """What Flyte makes of *words*: a side that nobody says is as the other one."""
    request, limit = words
    return ResolvedPair(
        _side(dimension, request, limit, tasks[0], is_emitted),
        _side(dimension, limit, request, tasks[1], is_emitted),
    )


def _side(
    dimension: str, word: _Word | None, other: _Word | None, task: _Word | None, is_emitted: bool
) -> Side:
    tasks = task and task.amount
    if word:
        emitted = word.amount if is_emitted else None
        return Side(emitted, word.amount, word.source, word.origin, tasks)
    if other:
        return Side(None, other.amount, "matched", other.origin, tasks)
    if dimension in ALWAYS_GIVEN:
        return Side(None, None, "platform", None, tasks)
    return Side(None, None, "dropped" if tasks and tasks > ZERO else "nobody", None, tasks)


_UNSET_PAIRS = {
    name: _completed(name, _NO_WORDS, _NO_WORDS, is_emitted=True) for name in DIMENSIONS
}
"""What it comes to if neither role nor task says it."""
