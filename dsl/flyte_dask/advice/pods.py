"""Advice on the containers next to Dask's, and on pods that Kubernetes rejects."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from flyte_dask.advice.job import Advice, Job
from flyte_dask.advice.needs import WITHOUT_SIDECARS
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.prediction.footprint import total
from flyte_dask.prediction.kubernetes import rejections
from flyte_dask.quantities.formatting import counted
from flyte_dask.roles.resources import KUBERNETES_NAMES, pairs

__all__ = ["rejected_by_kubernetes", "sidecar_replicated"]

_MAIN = ""
"""The container of the task or of Dask, instead of its name."""


def rejected_by_kubernetes(job: Job) -> Iterator[Advice]:
    """Pods that the API server of Kubernetes rejects, so that the cluster never starts."""
    reasons: dict[str, dict[str, set[str]]] = {}
    for role, container, reason in rejections(job.pods):
        is_main = container is getattr(job.pods, role).container
        if is_main and container.gpu_name != job.platform.gpu_resource:
            continue  # which has rules of its own
        name = _MAIN if is_main else container.name
        reasons.setdefault(name, {}).setdefault(reason, set()).add(role)
    containers: dict[str, tuple[str, Sidecar]] = {
        **{each.name: ("init_containers", each) for each in job.parent.init_containers},
        **{each.name: ("sidecars", each) for each in job.parent.sidecars},
    }
    for name, found in reasons.items():
        roles = set().union(*found.values())
        pods = sum(pod.replicas for role, pod in job.pods._asdict().items() if role in roles)
        consequence = f"{'; '.join(found)}: Kubernetes rejects {counted(pods, 'pod')}"
        if name == _MAIN:
            # only a node makes a difference between the request and the limit of GPUs
            _, gpus = job.pods.runner.container.amounts["gpu"]
            path, remedy = "node.limits.gpu", job.with_node_amounts({"gpu": (gpus, gpus)})
        else:
            kind, own = containers[name]
            path, remedy = f"task.{kind}.{name}", _remedy(own, found)
        yield Advice("rejected-by-kubernetes", path, consequence, remedy)


def _remedy(container: Sidecar, reasons: Collection[str]) -> str:
    """The resources with which Kubernetes accepts *container*, or what to rename."""
    of_names = [each for each in reasons if "name" in each]
    rename = f"rename the container '{container.name}' in the pod template"
    if len(of_names) == len(reasons):
        return rename
    sides: tuple[dict[str, str], dict[str, str]] = ({}, {})
    for name, (request, limit) in pairs(container.requests, container.limits).items():
        for side, amount in zip(sides, (request or limit, limit or request), strict=True):
            side[KUBERNETES_NAMES[name]] = str(amount)
    requests, limits = sides
    resources = f"V1ResourceRequirements(requests={requests}, limits={limits})"
    return f"{rename}, with {resources}" if of_names else resources


def sidecar_replicated(job: Job) -> Iterator[Advice]:
    """Sidecars and init containers of the task, which every pod of the cluster has too."""
    containers = (*job.parent.sidecars, *job.parent.init_containers)
    names = dict.fromkeys(each.name for each in containers)
    if names:
        pods = job.number + 2
        requests = total(job.pods, lambda pod: pod.sidecars).requests
        in_total = f": {requests} in total" if any(each.value for each in requests) else ""
        consequence = f"{pods} pods have a copy of {', '.join(names)}{in_total}"
        yield Advice("sidecar-replicated", "task.sidecars", consequence, WITHOUT_SIDECARS)
