"""The resources that each pod requests: what its role sets, and what it gets from the task.

Flyte uses a role's resources or the task's as a whole: with a single amount on a role, all others
come from the platform. So a role that sets some resources is emitted together with the task's
others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias, final

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.usage_errors import type_problems
from flyte_dask.inheritance.parent import Parent
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.base import checked
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
"""The inheritance mode, as explained in `flyte_dask.Dask`."""

Source: TypeAlias = Literal[
    "role", "task", "raised", "lowered", "matched", "platform", "dropped", "unset"
]
"""Where an amount of a pod comes from.

- ``role``: its role sets it.
- ``task``: the task sets it, and the role does not.
- ``raised``: the role requests more than the task's limit, so the limit is raised to the request.
- ``lowered``: the role's limit is below the task's request, so the request is lowered to the limit.
- ``matched``: only the other side is set, and this one equals it.
- ``platform``: it is not set, and Flyte uses the platform's default.
- ``dropped``: the task sets it, but this role, which sets other resources, does not inherit it: a
  GPU, and with ``inherit="off"`` also ephemeral storage.
- ``unset``: it is not set, and the pod gets none.
"""

# Flyte gives every pod a default amount of these; other dimensions have no default.
ALWAYS_GIVEN = ("cpu", "mem")
_UNSET: Pair = (None, None)


@final
class Side(NamedTuple):
    """The request or the limit of one dimension of one role."""

    emitted: Quantity | None
    """The amount in the task template; None if it has none."""
    effective: Quantity | None
    """The amount that the pod requests; None if it is up to the platform, or none.

    It is the amount before Flyte clamps it to the platform's limits.
    """
    source: Source
    """Where the effective amount comes from."""
    origin: Origin | None
    """The origin of the effective amount; None if it is not set."""
    task: Quantity | None
    """The amount that the task sets, even if it is not inherited."""


@final
class ResolvedPair(NamedTuple):
    """Request and limit of one dimension of one role."""

    request: Side
    limit: Side

    @property
    def emitted(self) -> Pair:
        """The amounts in the task template."""
        return self.request.emitted, self.limit.emitted

    @property
    def effective(self) -> Pair:
        """The amounts that the pod requests."""
        return self.request.effective, self.limit.effective


@final
class ResolvedRole(NamedTuple):
    """The resources of one pod of a role, by dimension."""

    cpu: ResolvedPair
    mem: ResolvedPair
    gpu: ResolvedPair
    ephemeral_storage: ResolvedPair

    @property
    def emitted(self) -> dict[str, Pair]:
        """The amounts in the task template, for the dimensions that it sets."""
        named = zip(DIMENSIONS, self, strict=True)
        return {name: found for name, pair in named if (found := pair.emitted) != _UNSET}


@final
class Resolved(NamedTuple):
    """A config in its task: every amount, and its origin."""

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


@checked("resolve(...)")
def resolve(
    scheduler: Scheduler, workers: WorkerGroup, inherit: Inherit, parent: Parent | None = None
) -> Resolved:
    """Every amount of both roles of a config, in the task *parent*; see `flyte_dask.Dask.resolve`.

    Args:
        scheduler: the scheduler.
        workers: the workers.
        inherit: how a role gets what it leaves unset.
        parent: the task; default: one that sets no resources.

    Raises:
        InvalidConfig: if an argument is not of its type, or *inherit* not an inheritance mode.
    """
    if parent is None:
        parent = Parent()
    raise_if_any("resolve(...)", _call_problems(scheduler, workers, inherit, parent))
    task = _amounts_of(parent, "task")
    return Resolved(
        _resolve_role(scheduler, inherit, task),
        _resolve_role(workers, inherit, task),
    )


def _call_problems(
    scheduler: object, workers: object, inherit: object, parent: object
) -> Iterator[Problem]:
    yield from type_problems(scheduler=(scheduler, Scheduler), workers=(workers, WorkerGroup))
    if not isinstance(inherit, str) or inherit not in {"fill", "pin", "off"}:
        remedy = "use 'fill', 'pin' or 'off'"
        yield Problem("inherit", inherit, "is an unknown inheritance mode", remedy)
    if type(parent) is not Parent:
        remedy = "pass Parent(requests=..., limits=...)"
        yield Problem("parent", parent, "is not a Parent", remedy)


class _Amount(NamedTuple):
    """An amount that a role or the task sets, before Flyte fills in the missing side."""

    amount: Quantity
    source: Source
    origin: Origin | None


_MaybeAmount: TypeAlias = _Amount | None
_Amounts: TypeAlias = tuple[_MaybeAmount, _MaybeAmount]
_NO_AMOUNTS: _Amounts = (None, None)


def _resolve_role(
    role: Scheduler | WorkerGroup, inherit: Inherit, of_task: Mapping[str, _Amounts]
) -> ResolvedRole:
    of_role = _amounts_of(role, "role")
    is_left_to_flyte = not of_role and inherit != "pin"
    resolved = []
    for name in DIMENSIONS:
        own, task = of_role.get(name, _NO_AMOUNTS), of_task.get(name, _NO_AMOUNTS)
        if own is _NO_AMOUNTS and task is _NO_AMOUNTS:  # usual for GPUs and disks
            resolved.append(_UNSET_PAIRS[name])
            continue
        if is_left_to_flyte:
            pair = task
        elif not of_role:
            pair = _matched(task) if name == "gpu" else task
        elif inherit == "off":
            pair = own
        elif name == "gpu":
            pair = _matched(own)
        else:
            pair = _filled(own, task)
        resolved.append(_completed(name, pair, task, is_emitted=not is_left_to_flyte))
    return ResolvedRole(*resolved)


def _amounts_of(owner: Parent | Scheduler | WorkerGroup, source: Source) -> dict[str, _Amounts]:
    """The amounts that *owner* sets, by dimension."""
    origins = owner.origins
    return {
        name: (
            None if request is None else _Amount(request, source, origins.get(name)),
            None if limit is None else _Amount(limit, source, origins.get(name)),
        )
        for name, (request, limit) in pairs(owner.requests, owner.limits).items()
    }


def _matched(pair: _Amounts) -> _Amounts:
    """*pair* with a missing side equal to the other: Kubernetes requires it for GPUs."""
    request, limit = pair
    return (
        request or (limit and limit._replace(source="matched")),
        limit or (request and request._replace(source="matched")),
    )


def _filled(own: _Amounts, task: _Amounts) -> _Amounts:
    """The role's *own* pair with missing sides from the *task*, adjusted if they conflict."""
    request, limit = own[0] or task[0], own[1] or task[1]
    # Each pair is valid, so in a conflict one side is the role's and the other the task's.
    if request and limit and request.amount > limit.amount:
        if own[0]:
            limit = request._replace(source="raised")
        else:
            request = limit._replace(source="lowered")
    return request, limit


def _completed(dimension: str, pair: _Amounts, task: _Amounts, *, is_emitted: bool) -> ResolvedPair:
    """*pair* as Flyte completes it: a missing side equals the other one."""
    request, limit = pair
    return ResolvedPair(
        _side(dimension, request, limit, task[0], is_emitted),
        _side(dimension, limit, request, task[1], is_emitted),
    )


def _side(
    dimension: str, own: _MaybeAmount, other: _MaybeAmount, task: _MaybeAmount, is_emitted: bool
) -> Side:
    of_task = task and task.amount
    if own:
        emitted = own.amount if is_emitted else None
        return Side(emitted, own.amount, own.source, own.origin, of_task)
    if other:
        return Side(None, other.amount, "matched", other.origin, of_task)
    if dimension in ALWAYS_GIVEN:
        return Side(None, None, "platform", None, of_task)
    return Side(None, None, "dropped" if of_task and of_task > ZERO else "unset", None, of_task)


_UNSET_PAIRS = {
    name: _completed(name, _NO_AMOUNTS, _NO_AMOUNTS, is_emitted=True) for name in DIMENSIONS
}
"""The result for a dimension that neither the role nor the task sets."""
