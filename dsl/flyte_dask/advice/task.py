"""Advice on the task of a cluster, and on the platform."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.advice.job import Advice, Job, task_decorator
from flyte_dask.prediction.remarks import Remark
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.resources import pairs

__all__ = [
    "ineffective_node_override",
    "named_pod_template",
    "reserved_env_var",
    "role_exceeds_platform",
    "task_exceeds_platform",
]

_CLAMPED = "clamped-to-platform"
_AMOUNTS = {"cpu": Quantity("2"), "mem": Quantity("8Gi")}
_VARIABLES = {
    "DASK_SCHEDULER_ADDRESS": "the runner and {workers} connect to that address, and the cluster's "
    "own scheduler gets no work",
    "DASK_WORKER_NAME": "{workers} has that name, and the scheduler accepts only one of a name",
}
"""The operator's environment variables, and what happens if the task sets them."""


def reserved_env_var(job: Job) -> Iterator[Advice]:
    """Environment variables of the task that override the operator's."""
    for name in job.parent.environment:
        if name in _VARIABLES:
            consequence = _VARIABLES[name].format(workers=job.each_worker)
            remedy = f"remove {name} from @task(environment=...)"
            yield Advice("reserved-env-var", f"task.environment.{name}", consequence, remedy)


def task_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Tasks above the platform's limits: Flyte 1 rejects an explicit request, else clamps it."""
    above = [each for each in job.pods.runner.remarks if each.rule in {"rejected", _CLAMPED}]
    own = pairs(job.parent.requests, job.parent.limits) if above else {}
    found = [each for each in above if each.path.startswith("runner.") and _name(each) in own]
    if found:
        is_rejected = any(each.rule == "rejected" for each in found)
        ends = "Flyte rejects the task" if is_rejected else "silently clamped"
        consequence = f"{_listed(found)}: {ends}"
        left = {
            name: pair for name, pair in job.pods.runner.container.amounts.items() if name in own
        }
        yield Advice("task-exceeds-platform", "task.limits", consequence, task_decorator(left))


def role_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Roles above the platform's limits, which Flyte clamps silently."""
    for role, pod in zip(job.roles, (job.pods.scheduler, job.pods.workers), strict=True):
        own = {path for path, side in job.resolved.sides.items() if side.source != "platform"}
        found = [each for each in pod.remarks if each.rule == _CLAMPED and each.path in own]
        if found:
            consequence = f"{_listed(found)}: silently clamped"
            left = {_name(each): pod.container.amounts[_name(each)] for each in found}
            if role.name == "scheduler" and "gpu" in left:
                left["gpu"] = (ZERO, ZERO)  # since it never computes
            remedy = job.with_amounts(role, left)
            yield Advice("role-exceeds-platform", f"{role.name}.limits", consequence, remedy)


def named_pod_template(job: Job) -> Iterator[Advice]:
    """Pod templates by name, whose resources only Flyte knows."""
    template = job.parent.pod_template
    if template is None:
        return
    only_flyte_knows = f"only Flyte knows the resources of '{template}': "
    by_task: dict[str, Quantity] = {}
    found = []
    for role in job.roles:
        unseen = [name for name, pair in role.pairs if pair.limit.source == "platform"]
        amounts = {name: _AMOUNTS[name] for name in unseen}
        names = ", ".join(unseen)
        if not unseen:
            continue
        if role.is_unset:
            found.append(f"{names} of {role.name} may differ from the prediction")
            by_task.update(amounts)
            continue
        of_platform = f"{names} of {role.name} is the platform default, not the template's"
        if job.config.inherit == "off":  # nor from the task
            consequence = f"{only_flyte_knows}{of_platform}"
            remedy = job.with_amounts(role, amounts)
            yield Advice("named-pod-template", f"{role.name}.limits", consequence, remedy)
        else:
            found.append(of_platform)
            by_task.update(amounts)
    if found:
        consequence = f"{only_flyte_knows}{'; '.join(found)}"
        remedy = job.with_task_amounts(by_task)
        yield Advice("named-pod-template", "task.pod_template", consequence, remedy)


def ineffective_node_override(job: Job) -> Iterator[Advice]:
    """Inherited amounts, which are fixed at registration and ignore overrides of a node."""
    for role in job.roles:
        inherited = [
            f"{side}s.{name}={getattr(pair, side).emitted}"
            for name, pair in role.pairs
            for side in pair._fields
            if getattr(pair, side).source == "task" and getattr(pair, side).emitted
        ]
        if inherited and not role.is_unset:
            consequence = (
                f"{', '.join(inherited)} {'is' if len(inherited) == 1 else 'are'} copied from the "
                "task at registration: with_overrides(requests=..., limits=...) of a node does not "
                "change that"
            )
            remedy = "node.with_overrides(task_config=...)"
            yield Advice("ineffective-node-override", role.name, consequence, remedy)


def _name(remark: Remark) -> str:
    """The dimension of *remark*."""
    return remark.path.rpartition(".")[2]


def _listed(remarks: list[Remark]) -> str:
    """``mem 32Gi is above the platform's limit 16Gi``, for each dimension."""
    found = {
        _name(each): f"{each.before} is above the platform's limit {each.after}" for each in remarks
    }
    return ", ".join(f"{name} {text}" for name, text in found.items())
