"""Advice about GPUs, of which Flyte knows those of tasks better than those of roles."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.advice.job import Advice, Job, Role, verb
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.footprint import total
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.base import set_fields
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = [
    "gpu_not_inherited",
    "implicit_gpu",
    "role_gpu_on_flyte_2",
    "scheduler_gpu",
    "worker_only_gpu",
]


def gpu_not_inherited(job: Job) -> Iterator[Advice]:
    """A role that says other things does not get the task's GPU."""
    sides = job.workers.resolved.gpu  # of which the task may say one only
    gpus = next((side.task for side in sides if side.source == "dropped"), None)
    if gpus is not None:
        consequence = (
            f"the task has {_gpus_text(gpus)}, and its {counted(job.number, 'worker')}, of "
            "which other resources are said, none"
        )
        is_v1 = job.platform.backend == "v1"
        remedy = job.says(job.workers, {"gpu": gpus}) if is_v1 else _on_task(job, gpus)
        yield Advice("gpu-not-inherited", "workers.limits.gpu", consequence, remedy)


def implicit_gpu(job: Job) -> Iterator[Advice]:
    """A silent role is a copy of the task's pod, with its GPUs."""
    silent = [role for role in job.roles if _said(role.said) is None and _gpus(role) > ZERO]
    all_gpus = total(job.pods, lambda pod: (pod.container,)).limits.gpu if silent else ZERO
    for role in silent:
        is_scheduler = role.name == "scheduler"
        if not is_scheduler and job.platform.backend == "v2":
            continue  # where a role cannot say its own
        what = "the scheduler, which never computes" if is_scheduler else "workers that say none"
        gpus = _gpus(role) * (1 if is_scheduler else job.number)
        consequence = f"{_gpus_text(gpus)} for {what}: {_gpus_text(all_gpus)} in all"
        remedy = job.says(role, {"gpu": ZERO if is_scheduler else _gpus(role)})
        yield Advice("implicit-gpu", f"{role.name}.limits.gpu", consequence, remedy)


def scheduler_gpu(job: Job) -> Iterator[Advice]:
    """It never computes."""
    role = job.roles[0]
    gpus = _said(role.said)
    if gpus and gpus > ZERO:
        consequence = f"{_gpus_text(gpus)} for the scheduler, which never computes"
        remedy = verb("scheduler", {"gpu": 0})
        yield Advice("scheduler-gpu", "scheduler.limits.gpu", consequence, remedy)


def worker_only_gpu(job: Job) -> Iterator[Advice]:
    """Flyte puts what GPU nodes want of a pod there for the task's own GPUs only."""
    gpus = _said(job.config.workers)
    tolerated = any(not key or "gpu" in key.lower() for key in job.parent.tolerations)
    is_placed = tolerated or job.parent.pod_template or (_said(job.parent) or ZERO) > ZERO
    if gpus and gpus > ZERO and not is_placed and job.platform.backend == "v1":
        consequence = (
            f"{job.each_worker} asks for {_gpus_text(gpus)}, but has neither "
            "the node selector nor the tolerations that Flyte gives to a task with GPUs: where GPU "
            "nodes are tainted, it stays Pending"
        )
        remedy = (
            "@task(pod_template=PodTemplate(pod_spec=V1PodSpec(containers=[], tolerations="
            '[V1Toleration(key="nvidia.com/gpu", operator="Exists")])))'
        )
        yield Advice("worker-only-gpu", "workers.limits.gpu", consequence, remedy)


def role_gpu_on_flyte_2(job: Job) -> Iterator[Advice]:
    """Kubernetes knows no resource of that name."""
    if job.platform.backend == "v1":
        return
    for role in job.roles:
        gpus = _emitted(role)
        if gpus > ZERO:
            consequence = (
                f"Flyte 2 asks for {gpus} of a resource named 'gpu', which Kubernetes should "
                "refuse: the pods don't start"
            )
            is_scheduler = role.name == "scheduler"
            remedy = verb("scheduler", {"gpu": 0}) if is_scheduler else _on_task(job, gpus)
            yield Advice("role-gpu-on-flyte-2", f"{role.name}.limits.gpu", consequence, remedy)


def _on_task(job: Job, gpus: Quantity) -> str:
    """The only way on Flyte 2: all that workers need said on the task, and nothing on them."""
    return job.task_sets({**job.pods.workers.container.amounts, "gpu": gpus}, _rest(job))


def _rest(job: Job) -> str:
    """All else that the config says; its scheduler as large as it was said, without GPUs."""
    config = job.config
    scheduler, amounts = job.roles[0], job.pods.scheduler.container.amounts
    not_set = {"platform", "unset", "dropped"}
    names = [name for name, pair in scheduler.pairs if pair.limit.source not in not_set]
    kept = {name: amounts[name] for name in names if name in amounts and name != "gpu"}
    runtime = ", ".join(f"{name}={value!r}" for name, value in set_fields(config.runtime).items())
    codes = ", ".join(f'"{code}"' for code in config.silence)
    return "".join(
        [
            f"Dask(workers={job.number})",
            verb("scheduler", {**kept, "gpu": 0, **_image(config.scheduler)}),
            verb("workers", _image(config.workers)) if _image(config.workers) else "",
            f".with_runtime({runtime})" if runtime else "",
            f".without_advice({codes})" if codes else "",
        ]
    )


def _image(role: Scheduler | WorkerGroup) -> dict[str, object]:
    return {} if role.image is None else {"image": role.image}


def _gpus(role: Role) -> Quantity:
    return role.resolved.gpu.limit.effective or ZERO


def _emitted(role: Role) -> Quantity:
    return role.resolved.gpu.limit.emitted or role.resolved.gpu.request.emitted or ZERO


def _said(who: Scheduler | WorkerGroup | Parent) -> Quantity | None:
    """The GPUs that a role, or the task, says itself."""
    said = (side.gpu for side in (who.limits, who.requests) if side is not None)
    return next((gpus for gpus in said if gpus is not None), None)


def _gpus_text(number: Quantity) -> str:
    return counted(int(number.value), "GPU")
