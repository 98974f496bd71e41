"""Advice about the task of a cluster, and about its site."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.advice.job import Advice, Job, task_setting
from flyte_dask.prediction.backend import Remark
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.resources import pairs

__all__ = [
    "ineffective_node_override",
    "named_pod_template",
    "reserved_env_var",
    "role_exceeds_platform",
    "task_exceeds_platform",
]

_CUT = "clamped-to-platform"
_AMOUNTS = {"cpu": Quantity("2"), "mem": Quantity("8Gi")}
_VARIABLES = {
    "DASK_SCHEDULER_ADDRESS": "the runner and {workers} connect to that address, and the cluster's "
    "own scheduler has no work",
    "DASK_WORKER_NAME": "{workers} has that name, and the scheduler takes only one of a name",
}
"""What the operator tells pods, and what happens where the task's environment has it already."""


def reserved_env_var(job: Job) -> Iterator[Advice]:
    """The task's environment wins over the operator's."""
    for name in job.parent.environment:
        if name in _VARIABLES:
            consequence = _VARIABLES[name].format(workers=job.each_worker)
            remedy = f"leave {name} out of @task(environment=...)"
            yield Advice("reserved-env-var", f"task.environment.{name}", consequence, remedy)


def task_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Flyte 1 does not register it, if it says a request; otherwise it is cut."""
    cut = [each for each in job.pods.runner.remarks if each.rule in {"rejected", _CUT}]
    said = pairs(job.parent.requests, job.parent.limits) if cut else {}
    found = [each for each in cut if each.path.startswith("runner.") and _name(each) in said]
    if found:
        is_refused = any(each.rule == "rejected" for each in found)
        ends = "Flyte refuses to register it" if is_refused else "it is cut to that"
        consequence = f"{_listed(found)} is all that the platform allows: {ends}"
        left = {
            name: pair for name, pair in job.pods.runner.container.amounts.items() if name in said
        }
        yield Advice("task-exceeds-platform", "task.limits", consequence, task_setting(left))


def role_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Nobody is told."""
    for role, pod in zip(job.roles, (job.pods.scheduler, job.pods.workers), strict=True):
        said = {path for path, side in job.resolved.sides.items() if side.source != "platform"}
        found = [each for each in pod.remarks if each.rule == _CUT and each.path in said]
        if found:
            consequence = f"{_listed(found)} is all that the platform allows: it is cut to that"
            left = {_name(each): pod.container.amounts[_name(each)] for each in found}
            if role.name == "scheduler" and "gpu" in left:
                left["gpu"] = (ZERO, ZERO)  # for it never computes
            remedy = job.says(role, left)
            yield Advice("role-exceeds-platform", f"{role.name}.limits", consequence, remedy)


def named_pod_template(job: Job) -> Iterator[Advice]:
    """What it says is seen by Flyte only."""
    template = job.parent.pod_template
    if template is None:
        return
    only_flyte_knows = f"only Flyte knows what '{template}' says: "
    by_task: dict[str, Quantity] = {}
    told = []
    for role in job.roles:
        unseen = [name for name, pair in role.pairs if pair.limit.source == "platform"]
        amounts = {name: _AMOUNTS[name] for name in unseen}
        names = ", ".join(unseen)
        if not unseen:
            continue
        if role.is_silent:
            told.append(f"{names} of {role.name} may be other than is predicted")
            by_task.update(amounts)
            continue
        of_platform = f"{names} of {role.name} comes from the platform, and not from there"
        if job.config.inherit == "off":  # nor from the task
            consequence = f"{only_flyte_knows}{of_platform}"
            remedy = job.says(role, amounts)
            yield Advice("named-pod-template", f"{role.name}.limits", consequence, remedy)
        else:
            told.append(of_platform)
            by_task.update(amounts)
    if told:
        consequence = f"{only_flyte_knows}{'; '.join(told)}"
        remedy = job.task_sets(by_task)
        yield Advice("named-pod-template", "task.pod_template", consequence, remedy)


def ineffective_node_override(job: Job) -> Iterator[Advice]:
    """What a role inherits is written out when the task is registered."""
    for role in job.roles:
        inherited = [
            f"{side}s.{name}={getattr(pair, side).emitted}"
            for name, pair in role.pairs
            for side in pair._fields
            if getattr(pair, side).source == "task" and getattr(pair, side).emitted
        ]
        if inherited and not role.is_silent:
            consequence = (
                f"{', '.join(inherited)} {'is' if len(inherited) == 1 else 'are'} the task's, and "
                "written down: with_overrides(requests=..., limits=...) of a node does not reach "
                "that"
            )
            remedy = "node.with_overrides(task_config=...)"
            yield Advice("ineffective-node-override", role.name, consequence, remedy)


def _name(remark: Remark) -> str:
    """Its dimension."""
    return remark.path.rpartition(".")[2]


def _listed(remarks: list[Remark]) -> str:
    """``mem 16Gi of 32Gi``, for each dimension."""
    told = {_name(each): f"{each.after} of {each.before}" for each in remarks}
    return ", ".join(f"{name} {amounts}" for name, amounts in told.items())
