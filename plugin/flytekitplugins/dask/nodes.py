"""What nodes of workflows override of a Dask task: its resources and its image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from flytekit.configuration import SerializationSettings
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.node import Node
from flytekit.models.task import Resources as Entries

from flyte_dask.errors import InvalidConfig, Problem, raise_if_any
from flyte_dask.errors.call_site import CallSite, user_call_site
from flyte_dask.inheritance.parent import NodeOverrides
from flyte_dask.roles.resources import resources_like
from flyte_dask_engine.registration.requested import Amounts, without_zeros, zeros_of
from flytekitplugins.dask.flytekit_internals import overrides_in

__all__ = ["OVERRIDES", "enforce_nodes", "overridden", "overrides_of"]

OVERRIDES = ("requests", "limits", "resources", "container_image")
"""The arguments of ``with_overrides`` that change the resources or the image."""

_LINE = "_overridden_at"
"""The attribute of a node that has the line of its overrides."""

_DIMENSION_OF = {
    Entries.ResourceName.CPU: "cpu",
    Entries.ResourceName.MEMORY: "mem",
    Entries.ResourceName.GPU: "gpu",
    Entries.ResourceName.EPHEMERAL_STORAGE: "ephemeral_storage",
}


_nodes: WeakKeyDictionary[Any, list[Node]] = WeakKeyDictionary()
"""The nodes of each task that override something."""

_settings: WeakKeyDictionary[Any, SerializationSettings] = WeakKeyDictionary()
"""The settings of the latest registration of each task."""


def overridden(node: Node) -> None:
    """Check what the user has just overridden of *node*, whose task is a Dask task.

    flytekit compiles a workflow before or after it serializes its tasks. The nodes that exist when
    their task is serialized are reviewed then, all others here.

    Raises:
        InvalidConfig: with all that Kubernetes would reject.
        PolicyViolation: with all violations of the team's policy, during a registration.
        AdviceIsFatal: with all advice that the team made fatal, during a registration.
    """
    vars(node)[_LINE] = user_call_site()
    if overrides_of(node) is None:
        return
    task = node.flyte_entity
    _nodes.setdefault(task, []).append(node)
    settings = FlyteContextManager.current_context().serialization_settings
    if settings is not None and settings is _settings.get(task):
        _enforce(task, node, settings)


def enforce_nodes(task: Any, settings: SerializationSettings) -> None:
    """Raise an error if *task* must not be registered because of what its nodes override.

    Raises:
        PolicyViolation: with all violations of the team's policy.
        AdviceIsFatal: with all advice that the team made fatal.
    """
    _settings[task] = settings
    for node in _nodes.get(task, ()):
        _enforce(task, node, settings)


def _enforce(task: Any, node: Node, settings: SerializationSettings) -> None:
    overrides = overrides_of(node)
    if overrides is not None and node.flyte_entity is task:  # which a later override may change
        by = f"with_overrides(...) of a node of {task.name}"
        task.review(settings, node=overrides).enforce(by, overrides.call_site)


def overrides_of(node: Node) -> NodeOverrides | None:
    """What flytekit registers for *node*; None if it overrides nothing.

    Raises:
        InvalidConfig: with all that Kubernetes would reject.
    """
    resources, image = overrides_in(node)
    sides = (_amounts(resources.requests), _amounts(resources.limits)) if resources else ({}, {})
    if image is None and not any(sides):
        return None
    requests, limits = (resources_like(without_zeros(each)) for each in sides)
    call_site: CallSite | None = vars(node).get(_LINE)
    problems = [] if image is None or isinstance(image, str) else [_not_built(image)]
    found = None
    try:
        found = NodeOverrides(
            requests,
            limits,
            image=image if isinstance(image, str) else None,
            zeros=zeros_of(*sides),
            _call_site=call_site,
        )
    except InvalidConfig as error:
        problems += error.problems
        raise InvalidConfig("with_overrides(...)", problems, call_site) from None
    raise_if_any("with_overrides(...)", problems, at=call_site)
    return found


def _amounts(entries: Iterable[Entries.ResourceEntry]) -> Amounts:
    """The amounts of one side, by dimension."""
    return {_DIMENSION_OF[each.name]: each.value for each in entries if each.name in _DIMENSION_OF}


def _not_built(image: object) -> Problem:
    rule = f"must be a str, not {type(image).__name__}: flytekit builds no images of nodes"
    return Problem("container_image", image, rule, "use a reference such as 'acme/etl:3'")
