"""A task as the roles of a node get it, with what the node overrides."""

from __future__ import annotations

from flyte_dask.config.dask import Dask
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.runner import runner_pod
from flyte_dask.roles.base import with_values
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import pairs, sides

__all__ = ["on_node", "resolved_on_node"]

_BY = "with_overrides(...)"


def on_node(parent: Parent, platform: Platform) -> Parent:
    """*parent* with what its node overrides, as Flyte applies it; on Flyte 2 that is nothing."""
    if parent.node is None or platform.backend != "v1":
        return parent
    overrides = pairs(parent.node.requests, parent.node.limits)
    amounts = runner_pod(parent, platform.without_limits).container.amounts
    changed = {name: amounts[name] for name in overrides if name in amounts}
    requests, limits = sides({**pairs(parent.requests, parent.limits), **changed})
    origins = dict(parent.origins)
    for name, pair in changed.items():
        origins[name] = Origin(_BY, None, pair, overrides=parent.origins.get(name))
    image = parent.node.image or parent.image
    return with_values(parent, requests=requests, limits=limits, image=image, _origins=origins)


def resolved_on_node(
    config: Dask, parent: Parent, platform: Platform, resolved: Resolved
) -> Resolved:
    """*resolved*, with the overrides of the task's node for the roles that set no resources.

    The resources of all others are fixed when the task is registered.
    """
    if parent.node is None:
        return resolved
    on = config.resolve(on_node(parent, platform))
    roles = zip(resolved._fields, resolved, on, strict=True)
    return resolved._replace(**{name: own if own.emitted else other for name, own, other in roles})
