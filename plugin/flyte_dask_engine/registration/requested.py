"""What a task's own container asks for: the parent from which the roles of its cluster inherit."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

from flyte_dask.errors import CallSite, InvalidConfig
from flyte_dask.inheritance.parent import Parent, with_origin
from flyte_dask.quantities.quantity import ZERO, quantity_or_none
from flyte_dask.roles.resources import resources_like
from flyte_dask_engine.registration.cache import remembered

__all__ = ["DEFAULT_RESOURCES", "Amounts", "RequestedResources", "judged", "without_zeros"]

DEFAULT_RESOURCES = "default resources"
"""Who asks, where it is the registration for all tasks: for that the task's line does not stand."""

Amounts = dict[str, Any]

_parents: dict[Hashable, Parent] = {}


class RequestedResources(NamedTuple):
    """What a task's container will ask for, as it is written, and who wrote it."""

    by: str
    requests: Amounts
    limits: Amounts

    @property
    def wording(self) -> tuple[Hashable, ...]:
        """The amounts as text, and of which type they are: a text can be what a float cannot."""
        return tuple(
            [
                (name, type(value), value if type(value) is str else repr(value))
                for side in (self.requests, self.limits)
                for name, value in (*side.items(), ("", ""))
            ]
        )


def judged(asked: RequestedResources, task: str, call_site: CallSite | None) -> Parent:
    """The parent that asks for *asked*, said at *call_site*; without zeros, which Flyte drops.

    Raises:
        InvalidConfig: with every amount that Kubernetes would refuse.
    """
    by = asked.by
    try:
        parent = remembered(_parents, asked.wording, lambda: _parent(asked))
    except InvalidConfig as error:
        raise InvalidConfig(f"{by} of {task}", error.problems, call_site) from None
    return with_origin(parent, by, None if by == DEFAULT_RESOURCES else call_site)


def _parent(asked: RequestedResources) -> Parent:
    requests, limits = map(without_zeros, (asked.requests, asked.limits))
    return Parent(resources_like(requests), resources_like(limits))


def without_zeros(amounts: Amounts) -> Amounts:
    """*amounts* without zeros, but for GPUs, of which a task can have none."""
    return {
        name: amount
        for name, amount in amounts.items()
        if name == "gpu" or quantity_or_none(str(amount)) != ZERO
    }
