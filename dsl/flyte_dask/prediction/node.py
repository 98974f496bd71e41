"""A task as the roles of a node get it, with what the node overrides."""

from __future__ import annotations

from flyte_dask.config.dask import Dask
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.runner import effective_overrides, runner_pod
from flyte_dask.roles.base import with_values
from flyte_dask.roles.origin import Origin
from flyte_dask.roles.resources import pairs, sides

__all__ = ["NODE_CALL", "of_side", "on_node", "resolved_on_node"]

NODE_CALL = "with_overrides(...)"
"""The origin of what a node overrides; its value has only the sides that the node sets."""


def on_node(parent: Parent, platform: Platform) -> Parent:
    """*parent* with what its node overrides, as Flyte applies it; on Flyte 2 that is nothing."""
    if parent.node is None or platform.backend != "v1":
        return parent
    overrides = effective_overrides(parent.node)
    amounts = runner_pod(parent, platform.without_limits).container.amounts
    changed = {name: amounts[name] for name in overrides if name in amounts}
    requests, limits = sides({**pairs(parent.requests, parent.limits), **changed})
    origins = dict(parent.origins)
    for name in changed:
        overridden = _registered(parent, parent.origins.get(name))
        pair, call_site = overrides[name], parent.node.call_site
        origins[name] = Origin(NODE_CALL, call_site, pair, overrides=overridden)
    image = parent.node.image or parent.image
    return with_values(parent, requests=requests, limits=limits, image=image, _origins=origins)


def of_side(origin: Origin | None, side: int) -> Origin | None:
    """The origin of one side of a dimension, of which a node may override only the other.

    It is that of the overridden value; None if the platform's default is overridden.
    """
    if origin is None or origin.by != NODE_CALL or _has_side(origin, side):
        return origin
    overridden = origin.overrides
    return origin if overridden and not _has_side(overridden, side) else overridden


def _has_side(origin: Origin, side: int) -> bool:
    return not isinstance(origin.value, tuple) or origin.value[side] is not None


def _registered(parent: Parent, origin: Origin | None) -> Origin | None:
    """*origin* with the side that registration writes for a task without a pod template."""
    if origin is None or parent.has_own_pod_template or not isinstance(origin.value, tuple):
        return origin
    request, limit = origin.value
    return origin._replace(value=(request or limit, limit or request))


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
