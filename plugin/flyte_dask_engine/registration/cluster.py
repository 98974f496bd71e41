"""What a task's template says of its cluster, and how much of that is the task's."""

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
from flyte_dask_engine.registration.cache import remembered
from flyte_dask_engine.registration.cache_key import wording
from flyte_dask_engine.registration.requested import RequestedResources, judged

__all__ = ["TaskCluster"]

_customs: dict[Hashable, serialization.Custom] = {}


@attrs.frozen(slots=False)
class TaskCluster:
    """The cluster that a task's template asks for."""

    config: Dask
    """The task's, with real images."""
    asked: RequestedResources
    """What the task's own container asks for."""
    task: str
    """Its name."""
    call_site: CallSite | None
    """Where its config was said."""

    @cached_property
    def parent(self) -> Parent:
        """The task, from which the roles inherit.

        Raises:
            InvalidConfig: with every amount of the task that Kubernetes would refuse.
        """
        return judged(self.asked, self.task, self.call_site)

    @cached_property
    def resolved(self) -> Resolved:
        """What each pod asks for, and who said so."""
        return self.config.resolve(self.parent)

    @cached_property
    def wording(self) -> tuple[Hashable, ...]:
        """All that it says, as text: the same for clusters of which Flyte is told the same."""
        return wording(self.config), self.asked.wording

    @property
    def custom(self) -> dict[str, Any]:
        """The template's ``custom``, a new one each time."""
        found = remembered(
            _customs, self.wording, lambda: serialization.custom(self.config, self.resolved)
        )
        return serialization.copied(found)

    def __str__(self) -> str:
        """What its roles inherit, and what of the task they cannot have."""
        tasks = self.parent.origins
        origin = next(iter(tasks.values()), None)
        if origin is None:
            return "inherits nothing: the task says no resources"
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
