"""The resources of a task's own container, and the parent that they make."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from flyte_dask.errors import CallSite, InvalidConfig
from flyte_dask.inheritance.parent import Parent, with_origin
from flyte_dask.quantities.quantity import ZERO, quantity_or_none
from flyte_dask.roles.resources import resources_like
from flyte_dask_engine.registration.cache import cached

__all__ = [
    "DEFAULT_RESOURCES",
    "Amounts",
    "RequestedResources",
    "parent_of",
    "parent_with",
    "without_zeros",
    "zeros_of",
]

DEFAULT_RESOURCES = "default resources"
"""The origin of resources that a registration sets for all tasks; it has no call site."""

Amounts = dict[str, Any]

_parents: dict[Hashable, Parent] = {}


class RequestedResources(NamedTuple):
    """The resources of a task's container as they are written, and their origin."""

    by: str
    requests: Amounts
    limits: Amounts

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Their cache key, with types: a str may be valid where the equal float is not."""
        return tuple(
            [
                (name, type(value), value if type(value) is str else repr(value))
                for side in (self.requests, self.limits)
                for name, value in (*side.items(), ("", ""))
            ]
        )


def parent_with(requested: RequestedResources, task: str, call_site: CallSite | None) -> Parent:
    """The parent with these resources, set at *call_site*.

    Raises:
        InvalidConfig: with every amount that Kubernetes would reject.
    """
    parent, by = parent_of(requested, task, call_site), requested.by
    return with_origin(parent, by, None if by == DEFAULT_RESOURCES else call_site)


def parent_of(requested: RequestedResources, task: str, call_site: CallSite | None) -> Parent:
    """The parent with these resources, without their origins; one for all that request the same.

    Raises:
        InvalidConfig: with every amount that Kubernetes would reject.
    """
    try:
        return cached(_parents, requested.key, lambda: _parent(requested))
    except InvalidConfig as error:
        by = f"{requested.by} of {task}"
        raise InvalidConfig(by, error.problems, call_site) from None


def _parent(requested: RequestedResources) -> Parent:
    sides = requested.requests, requested.limits
    requests, limits = map(without_zeros, sides)
    return Parent(resources_like(requests), resources_like(limits), zeros=zeros_of(*sides))


def without_zeros(amounts: Amounts) -> Amounts:
    """*amounts* without zeros, except for GPUs, where zero means none."""
    return {name: amount for name, amount in amounts.items() if not _is_dropped(name, amount)}


def zeros_of(requests: Amounts, limits: Amounts) -> list[str]:
    """The paths of what `without_zeros` leaves out, such as ``limits.mem``."""
    sides = {"requests": requests, "limits": limits}
    return [
        f"{side}.{name}"
        for side, amounts in sides.items()
        for name, amount in amounts.items()
        if _is_dropped(name, amount)
    ]


def _is_dropped(name: str, amount: object) -> bool:
    return name != "gpu" and quantity_or_none(str(amount)) == ZERO
