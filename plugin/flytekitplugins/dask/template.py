"""What a task's template says of its cluster, and how much of that is the task's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from flytekit.configuration import SerializationSettings
from flytekit.core.python_auto_container import PythonAutoContainerTask

from flyte_dask.callsite import CallSite
from flyte_dask.config import Dask
from flyte_dask.inheritance import Resolved, ResolvedPair
from flyte_dask.origin import Origin
from flyte_dask.parent import Parent
from flyte_dask.resources import DIMENSIONS
from flytekitplugins.dask import wire
from flytekitplugins.dask.images import with_real_images
from flytekitplugins.dask.parent import parent_of

__all__ = ["TaskCluster"]


@attrs.frozen
class TaskCluster:
    """The cluster that a task's template asks for."""

    config: Dask
    """The task's, with real images."""
    parent: Parent
    resolved: Resolved

    @classmethod
    def of(
        cls,
        task: PythonAutoContainerTask[Any],
        config: Dask,
        call_site: CallSite | None,
        settings: SerializationSettings,
    ) -> TaskCluster:
        """That of *task*, whose *config* was said at *call_site*."""
        parent = parent_of(task, settings, call_site)
        with_images = with_real_images(config, settings, f"@task of {task.name}", call_site)
        return cls(with_images, parent, with_images.resolve(parent))

    @property
    def custom(self) -> dict[str, Any]:
        """The template's ``custom``."""
        return wire.custom(self.config, self.resolved)

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
