"""The cluster that a task's template asks for, and what of it is inherited from the task."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import cached_property
from typing import Any

import attrs

from flyte_dask.config.dask import Dask
from flyte_dask.errors.call_site import CallSite
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved, ResolvedPair
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_engine.registration import serialization
from flyte_dask_engine.registration.cache import cached, shape_key
from flyte_dask_engine.registration.requested import RequestedResources, parent_of, parent_with

__all__ = ["TaskCluster"]

_customs: dict[Hashable, serialization.Custom] = {}


@attrs.frozen(slots=False)
class TaskCluster:
    """The cluster that a task's template asks for."""

    config: Dask
    """The task's config, with image references."""
    requested: RequestedResources
    """The resources of the task's own container."""
    task: str
    """The task's name."""
    call_site: CallSite | None
    """Where the task was decorated."""

    @cached_property
    def parent(self) -> Parent:
        """The task from which the roles inherit.

        Raises:
            InvalidConfig: with every amount of the task that Kubernetes would reject.
        """
        return parent_with(self.requested, self.task, self.call_site)

    @cached_property
    def resolved(self) -> Resolved:
        """The resources of each pod, with their origins."""
        return self.config.resolve(self.parent)

    @cached_property
    def amounts(self) -> Resolved:
        """As `resolved`, but without the origins of what the task sets, which takes less time.

        Raises:
            InvalidConfig: with every amount of the task that Kubernetes would reject.
        """
        return self.config.resolve(parent_of(self.requested, self.task, self.call_site))

    @cached_property
    def shape(self) -> tuple[Hashable, ...]:
        """Its cache key: equal for clusters with the same message but for the number of workers."""
        return shape_key(self.config), self.requested.key

    @property
    def number(self) -> int:
        """The number of workers."""
        return self.config.workers.number_of_workers

    @property
    def custom(self) -> dict[str, Any]:
        """The template's ``custom``; a new dict each time."""
        custom = cached(
            _customs, self.shape, lambda: serialization.custom(self.config, self.amounts)
        )
        return serialization.copied(custom, self.number)

    def __str__(self) -> str:
        """What its roles inherit, and what of the task's resources they do not."""
        tasks = self.parent.origins
        origin = next(iter(tasks.values()), None)
        if origin is None:
            return "inherits nothing: the task sets no resources"
        parts = [
            part
            for role, pairs in zip(self.resolved._fields, self.resolved, strict=True)
            for name, pair in zip(DIMENSIONS, pairs, strict=True)
            for part in _inherited(role, name, pair, tasks)
        ]
        listed = f"from {origin}: {', '.join(parts)}" if parts else f"nothing from {origin}"
        return f"inherits {listed}"


def _inherited(
    role: str, name: str, pair: ResolvedPair, tasks: Mapping[str, Origin]
) -> Iterator[str]:
    request, limit = pair
    is_tasks = [side.origin is not None and side.origin is tasks.get(name) for side in pair]
    if all(is_tasks):
        yield f"{role}.{name}={request.effective}/{limit.effective}"
        return
    paths = f"{role}.requests.{name}", f"{role}.limits.{name}"
    for path, side, of_task in zip(paths, pair, is_tasks, strict=True):
        if of_task:
            yield f"{path}={side.effective}"
        elif side.task and side.source in {"raised", "lowered"}:
            yield f"{path}={side.effective} ({side.source} from {side.task})"
        elif side.source == "dropped":
            yield f"not {path}={side.task}"
