"""Recorded cases: a task template, a platform, and the pods that Flyte's own code made of them.

``FORMAT.md`` next to the recordings describes the format.
"""

from __future__ import annotations

import json
from typing import Any

from flyte_dask import Dask, Parent, Resources
from flyte_dask.config.template_io import RESOURCE_NAMES
from flyte_dask.inheritance.parent import NodeOverrides, Sidecar
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Pods
from flyte_dask.quantities.quantity import ZERO, quantity_or_none
from flyte_dask.roles.resources import DIMENSIONS
from tests.support.paths import RECORDED

__all__ = ["WORKED", "recorded", "replayed"]

_DIMENSION_OF = {name: dimension for dimension, name in RESOURCE_NAMES.items()}

WORKED: list[dict[str, Any]] = json.loads(
    (RECORDED / "backend_cases.json").read_text(encoding="utf-8")
)
"""Cases that were worked by hand, each with the rule that it is about."""


def recorded(backend: str) -> list[dict[str, Any]]:
    """The recorded cases of *backend*."""
    text = (RECORDED / "backends" / f"cases-{backend}.json").read_text(encoding="utf-8")
    cases: list[dict[str, Any]] = json.loads(text)
    return cases


def replayed(case: dict[str, Any]) -> Pods:
    """The predicted pods of a case's template on its platform."""
    template = case["template"]
    config, parent = Dask.from_custom(template["custom"]), parent_of(template)
    return predict(config, parent, platform_of(case))


def platform_of(case: dict[str, Any]) -> Platform:
    """The platform of a case.

    A limit that it leaves out is none. The amounts that Flyte 2's executor does not have are left
    out, but for the hypothetical cases in which they are given to its plugin.
    """
    options, is_hypothetical = case["platform"], bool(case.get("as_if"))
    backend = options["backend"]
    defaults, limits = dict(options.get("defaults", {})), dict(options.get("limits", {}))
    if backend == "v2" and not is_hypothetical:
        limits = {}
        defaults = {name: each for name, each in defaults.items() if name in {"cpu", "mem"}}
    return Platform(
        backend=backend,
        base=options.get("base"),
        gpu_resource=options.get("gpu_resource", "nvidia.com/gpu"),
        defaults=Resources(**defaults),
        limits=Resources(**limits),
        unlimited=[name for name in DIMENSIONS if name not in limits] if limits else [],
        hypothetical=is_hypothetical,
    )


def parent_of(template: dict[str, Any]) -> Parent:
    """The task of a template: its container, and the sidecars."""
    container = template["container"]
    requests, limits, zeros = _sides_of(container["resources"])
    others = template.get("sidecars", {}).items()
    return Parent(
        requests,
        limits,
        image=container["image"],
        sidecars=[_sidecar(name, resources) for name, resources in others],
        init_containers=[
            _sidecar(name, resources)
            for name, resources in template.get("init_containers", {}).items()
        ],
        node=_node(template["node"]) if "node" in template else None,
        zeros=zeros,
        has_own_pod_template=template.get("target") == "pod",
        gpu_from_pod_template=template.get("gpu_spelt") == "nvidia.com/gpu",
    )


def _node(overrides: dict[str, Any]) -> NodeOverrides:
    requests, limits, zeros = _sides_of(overrides)
    return NodeOverrides(requests, limits, image=overrides.get("image"), zeros=zeros)


def _sidecar(name: str, resources: dict[str, Any]) -> Sidecar:
    requests, limits, zeros = _sides_of(resources)
    return Sidecar(name, requests, limits, zeros=zeros)


def _sides_of(resources: dict[str, Any]) -> tuple[Resources, Resources, list[str]]:
    """Requests and limits of a template, and the paths of its zeros."""
    sides: dict[str, dict[str, str]] = {"requests": {}, "limits": {}}
    zeros = []
    for side, amounts in sides.items():
        for entry in resources.get(side, []):
            name = _DIMENSION_OF[entry["name"]]
            if quantity_or_none(entry["value"]) == ZERO:
                zeros.append(f"{side}.{name}")
            else:
                amounts[name] = entry["value"]
    return Resources(**sides["requests"]), Resources(**sides["limits"]), zeros
