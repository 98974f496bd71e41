"""What a task asks for, from which the roles of its cluster inherit."""

from __future__ import annotations

from typing import Any

from flytekit.configuration import SerializationSettings
from flytekit.core.pod_template import PodTemplate
from flytekit.core.python_auto_container import PythonAutoContainerTask
from flytekit.core.resources import ResourceSpec

from flyte_dask.callsite import CallSite
from flyte_dask.errors import InvalidConfig
from flyte_dask.inheritance import Parent, told
from flyte_dask.quantity import Quantity, quantity_or_none
from flyte_dask.resources import DIMENSIONS, resources_like

__all__ = ["parent_of"]

_DIMENSIONS = {
    "cpu": "cpu",
    "memory": "mem",
    "nvidia.com/gpu": "gpu",  # what the wire's GPU is; it has no name for others
    "ephemeral-storage": "ephemeral_storage",
}
_ZERO = Quantity("0")
_DEFAULT = "default resources"  # of the registration, for which the task's line does not stand

Amounts = dict[str, Any]


def parent_of(
    task: PythonAutoContainerTask[Any], settings: SerializationSettings, call_site: CallSite | None
) -> Parent:
    """The parent of *task*'s roles, said at *call_site*.

    It is what the task's container will ask for: the task's own resources; if it has none, the
    settings' default ones; if there are none, those of its pod template's primary container. Zeros,
    which Flyte drops, are left out.

    Raises:
        InvalidConfig: with every amount that Kubernetes would refuse.
    """
    default = settings.default_resources
    by, requests, limits = "@task", *_of_spec(task.resources)
    if isinstance(default, ResourceSpec) and (
        task.resources is default or not (requests or limits)
    ):
        by, requests, limits = _DEFAULT, *_of_spec(default)  # which flytekit may have set already
    if not (requests or limits) and task.pod_template is not None:
        by, requests, limits = "pod template", *_of_pod(task.pod_template)
    try:
        parent = Parent(resources_like(_counting(requests)), resources_like(_counting(limits)))
    except InvalidConfig as error:
        raise InvalidConfig(f"{by} of {task.name}", error.problems, call_site) from None
    return told(parent, by, None if by == _DEFAULT else call_site)


def _of_spec(spec: ResourceSpec) -> tuple[Amounts, Amounts]:
    """The amounts of both sides of flytekit's own resources."""
    requests, limits = (
        {name: getattr(side, name) for name in DIMENSIONS if getattr(side, name) is not None}
        for side in (spec.requests, spec.limits)
    )
    return requests, limits


def _of_pod(template: PodTemplate) -> tuple[Amounts, Amounts]:
    """The amounts of both sides of a pod's primary container."""
    for container in template.pod_spec.containers if template.pod_spec else []:
        if container.name == template.primary_container_name:
            return _of_container(container, "requests"), _of_container(container, "limits")
    return {}, {}


def _of_container(container: Any, side: str) -> Amounts:
    """A container's amounts, by dimension.

    Its resources are the Kubernetes client's class, or a dict, which that client takes too.
    """
    resources = container.resources
    amounts = resources.get(side) if isinstance(resources, dict) else getattr(resources, side, None)
    # as text, since JSON has numbers too, whatever the dimension
    return {
        _DIMENSIONS[key]: str(amount)
        for key, amount in (amounts or {}).items()
        if key in _DIMENSIONS
    }


def _counting(amounts: Amounts) -> Amounts:
    """*amounts* without zeros, but for GPUs, of which a task can have none."""
    return {
        name: amount
        for name, amount in amounts.items()
        if name == "gpu" or quantity_or_none(str(amount)) != _ZERO
    }
