"""The pod template of a task: resources of its containers, sidecars and tolerations.

Its parts are objects of the Kubernetes client or dicts, both of which that accepts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from flyte_dask.errors import InvalidConfig
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.roles.resources import KUBERNETES_NAMES, resources_like
from flyte_dask_engine.registration.requested import Amounts, without_zeros, zeros_of

__all__ = [
    "POD_TEMPLATE",
    "PodTemplateLike",
    "fields_of_parent",
    "names_of_environment",
    "primary_amounts",
    "primary_container",
]

POD_TEMPLATE = "pod template"
"""The origin of resources that the primary container of a pod template sets."""

_DIMENSION_OF = {name: dimension for dimension, name in KUBERNETES_NAMES.items()}


class PodTemplateLike(Protocol):
    """A pod template in code, as both SDKs have it."""

    @property
    def pod_spec(self) -> Any:
        """The specification of the pod; None if it has none."""

    @property
    def primary_container_name(self) -> str:
        """The name of the task's own container."""
        ...  # without it pyright reports a missing return


def primary_container(template: PodTemplateLike | None) -> Any:
    """The container of the task itself; None if the template has none."""
    return _containers(template)[0]


def primary_amounts(template: PodTemplateLike) -> tuple[Amounts, Amounts]:
    """The requests and limits of its primary container."""
    primary = primary_container(template)
    return _of_container(primary, "requests"), _of_container(primary, "limits")


def names_of_environment(template: PodTemplateLike) -> Iterator[str]:
    """The names of the environment variables of its primary container."""
    for each in _field(primary_container(template), "env") or []:
        if name := _field(each, "name"):
            yield name


def fields_of_parent(template: PodTemplateLike, *, sets_gpu: bool) -> dict[str, Any]:
    """The fields of a `Parent` with this template, which *sets_gpu* for its primary container."""
    _, others = _containers(template)
    tolerations = _listed(template, "tolerations")
    return {
        "sidecars": [_sidecar(each) for each in others],
        "init_containers": [_sidecar(each) for each in _listed(template, "init_containers")],
        "tolerations": [_field(each, "key") or "" for each in tolerations],
        "has_own_pod_template": True,
        "gpu_from_pod_template": sets_gpu,
    }


def _containers(template: PodTemplateLike | None) -> tuple[Any, list[Any]]:
    """The primary container, if there is one, and the others."""
    if template is None or template.pod_spec is None:
        return None, []
    containers = _listed(template, "containers")
    primary = [
        each for each in containers if _field(each, "name") == template.primary_container_name
    ]
    return (primary[0] if primary else None), [each for each in containers if each not in primary]


def _listed(template: PodTemplateLike, name: str) -> list[Any]:
    """The list called *name* in the specification of the pod."""
    return _field(template.pod_spec, name) or []


def _sidecar(container: Any) -> Sidecar:
    """A container as a sidecar; without resources if those are invalid."""
    name = _field(container, "name") or "?"
    sides = _of_container(container, "requests"), _of_container(container, "limits")
    requests, limits = (resources_like(without_zeros(each)) for each in sides)
    try:
        return Sidecar(name, requests, limits, zeros=zeros_of(*sides))
    except InvalidConfig:
        return Sidecar(name)


def _of_container(container: Any, side: str) -> Amounts:
    """A container's amounts, by dimension."""
    amounts = _field(_field(container, "resources"), side) or {}
    # as text, because JSON may have numbers for any dimension
    return {
        _DIMENSION_OF[key]: str(amount) for key, amount in amounts.items() if key in _DIMENSION_OF
    }


def _field(owner: Any, name: str) -> Any:
    """The value called *name* of a part of a pod; None if it has none."""
    return owner.get(name) if isinstance(owner, dict) else getattr(owner, name, None)
