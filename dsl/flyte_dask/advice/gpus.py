"""Advice on GPUs, which Flyte supports better on tasks than on roles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flyte_dask.advice.job import NEEDS_KUBERNETES, Advice, Job, Role, with_call
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.footprint import total
from flyte_dask.prediction.pods import Pod
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.base import set_fields
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = [
    "cpu_workers_on_gpu_nodes",
    "gpu_not_inherited",
    "implicit_gpu",
    "renamed_gpu_resource",
    "role_gpu_on_flyte_2",
    "scheduler_gpu",
    "worker_only_gpu",
]


_NONE: Pair = (None, None)


def gpu_not_inherited(job: Job) -> Iterator[Advice]:
    """A GPU of the task that workers with resources of their own do not inherit."""
    sides = job.workers.resolved.gpu  # the task may set only one of them
    gpus = next((side.task for side in sides if side.source == "dropped"), None)
    if gpus is not None:
        consequence = (
            f"the task has {_gpus_text(gpus)}, and its {counted(job.number, 'worker')} none: with "
            "resources of their own, workers do not inherit GPUs"
        )
        if accelerator := job.pods.runner.accelerator:
            consequence += f", but still run on nodes with {accelerator} only"
        by_role = job.can_roles_set_gpus
        remedy = job.with_amounts(job.workers, {"gpu": gpus}) if by_role else _on_task(job, gpus)
        yield Advice("gpu-not-inherited", "workers.limits.gpu", consequence, remedy)


def implicit_gpu(job: Job) -> Iterator[Advice]:
    """GPUs that a role without resources copies from the task."""
    unset = [role for role in job.roles if _own(role.config) is None and _gpus(role) > ZERO]
    all_gpus = total(job.pods, lambda pod: (pod.container,)).limits.gpu if unset else ZERO
    for role in unset:
        is_scheduler = role.name == "scheduler"
        if not is_scheduler and not job.can_roles_set_gpus:
            continue
        what = "the scheduler, which never computes" if is_scheduler else "workers that set none"
        gpus = _gpus(role) * (1 if is_scheduler else job.number)
        consequence = f"{_gpus_text(gpus)} for {what}: {_gpus_text(all_gpus)} in total"
        remedy = job.with_amounts(role, {"gpu": ZERO if is_scheduler else _gpus(role)})
        yield Advice("implicit-gpu", f"{role.name}.limits.gpu", consequence, remedy)


def scheduler_gpu(job: Job) -> Iterator[Advice]:
    """GPUs of the scheduler, which never computes."""
    role = job.roles[0]
    gpus = _own(role.config)
    if gpus and gpus > ZERO:
        consequence = f"{_gpus_text(gpus)} for the scheduler, which never computes"
        remedy = with_call("scheduler", {"gpu": 0})
        yield Advice("scheduler-gpu", "scheduler.limits.gpu", consequence, remedy)


def worker_only_gpu(job: Job) -> Iterator[Advice]:
    """GPUs of workers only: Flyte adds node selector and tolerations for the task's GPUs."""
    gpus = _own(job.config.workers)
    tolerated = any(not key or "gpu" in key.lower() for key in job.parent.tolerations)
    is_placed = tolerated or job.parent.pod_template or (_own(job.parent) or ZERO) > ZERO
    if gpus and gpus > ZERO and not is_placed and job.can_roles_set_gpus:
        consequence = (
            f"{job.each_worker} requests {_gpus_text(gpus)}, but has neither the node selector nor "
            "the tolerations that Flyte adds to a task with GPUs: if GPU nodes are tainted, it "
            "stays Pending"
        )
        remedy = (
            "@task(pod_template=PodTemplate(pod_spec=V1PodSpec(containers=[], tolerations="
            '[V1Toleration(key="nvidia.com/gpu", operator="Exists")])))'
            f"{NEEDS_KUBERNETES}"
        )
        yield Advice("worker-only-gpu", "workers.limits.gpu", consequence, remedy)


def cpu_workers_on_gpu_nodes(job: Job) -> Iterator[Advice]:
    """Workers without GPUs in a task with GPUs, whose node affinity and tolerations they keep."""
    accelerator, container = job.pods.runner.accelerator, job.pods.runner.container
    is_tolerating = container.gpu_name == job.platform.gpu_resource and "gpu" in container.amounts
    if not (is_tolerating or accelerator):
        return  # the usual case
    task, workers = _requested(job.pods.runner), _requested(job.pods.workers)
    is_dropped = any(side.source == "dropped" for side in job.workers.resolved.gpu)
    if is_dropped or workers > ZERO or not (task > ZERO or accelerator):
        return  # GPUs that were dropped have other advice
    consequence = f"{job.each_worker} has no GPU, but tolerates the taints of GPU nodes"
    if accelerator:
        consequence = f"{job.each_worker} has no GPU, but runs on nodes with {accelerator} only"
    remedy = "use one task for the GPU, and another one for the cluster"
    yield Advice("cpu-workers-on-gpu-nodes", "workers.limits.gpu", consequence, remedy)


def renamed_gpu_resource(job: Job) -> Iterator[Advice]:
    """GPUs on a platform with another resource for them, which Flyte 1 does not request."""
    if job.can_roles_set_gpus or job.platform.backend != "v1":
        return
    found = {
        name: gpus
        for name, pod in job.pods._asdict().items()
        if pod.container.gpu_name != job.platform.gpu_resource and (gpus := _requested(pod)) > ZERO
    }
    for role, pod in zip(job.roles, (job.pods.scheduler, job.pods.workers), strict=True):
        is_own = any(each.rule == "renamed-gpu-resource" for each in pod.remarks)
        if is_own and role.name in found:
            gpus = found.pop(role.name)
            is_scheduler = role.name == "scheduler"
            remedy = with_call("scheduler", {"gpu": 0}) if is_scheduler else _on_task(job, gpus)
            yield _renamed(job, f"{role.name}.limits.gpu", [role.name], remedy)
    if found:
        remedy = job.with_task_amounts({}, needs_pod_template=True)
        yield _renamed(job, "task.limits.gpu", found, remedy)


def _renamed(job: Job, path: str, roles: Iterable[str], remedy: str) -> Advice:
    consequence = (
        f"the GPUs of {', '.join(roles)} are requested as nvidia.com/gpu, and the platform's are "
        f"{job.platform.gpu_resource}: the pods stay Pending"
    )
    return Advice("renamed-gpu-resource", path, consequence, remedy)


def role_gpu_on_flyte_2(job: Job) -> Iterator[Advice]:
    """GPUs of a role on Flyte 2, which requests a resource that Kubernetes does not know."""
    if job.platform.backend == "v1":
        return
    for role in job.roles:
        pair = role.resolved.gpu
        gpus = pair.limit.emitted or pair.request.emitted or ZERO
        if gpus > ZERO:
            consequence = (
                f"Flyte 2 requests {gpus} of a resource named 'gpu', which Kubernetes "
                "rejects: the pods don't start"
            )
            is_scheduler = role.name == "scheduler"
            remedy = with_call("scheduler", {"gpu": 0}) if is_scheduler else _on_task(job, gpus)
            yield Advice("role-gpu-on-flyte-2", f"{role.name}.limits.gpu", consequence, remedy)


def _on_task(job: Job, gpus: Quantity) -> str:
    """The only way where roles can't set GPUs: the task sets what workers need, workers nothing."""
    needed: dict[str, Quantity | Pair] = {**job.pods.workers.container.amounts, "gpu": gpus}
    return job.with_task_amounts(needed, _rest(job), needs_pod_template=True)


def _rest(job: Job) -> str:
    """The rest of the config as code, with the scheduler's amounts but for GPUs."""
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
            with_call("scheduler", {**kept, "gpu": 0, **_image(config.scheduler)}),
            with_call("workers", _image(config.workers)) if _image(config.workers) else "",
            f".with_runtime({runtime})" if runtime else "",
            f".without_advice({codes})" if codes else "",
        ]
    )


def _image(role: Scheduler | WorkerGroup) -> dict[str, object]:
    return {} if role.image is None else {"image": role.image}


def _requested(pod: Pod) -> Quantity:
    """The GPUs that *pod* requests; where Flyte does not know them, they may have no limit."""
    request, limit = pod.container.amounts.get("gpu", _NONE)
    return limit or request or ZERO


def _gpus(role: Role) -> Quantity:
    return role.resolved.gpu.limit.effective or ZERO


def _own(owner: Scheduler | WorkerGroup | Parent) -> Quantity | None:
    """The GPUs that a role, or the task, sets itself."""
    sides = (side.gpu for side in (owner.limits, owner.requests) if side is not None)
    return next((gpus for gpus in sides if gpus is not None), None)


def _gpus_text(number: Quantity) -> str:
    return counted(int(number.value), "GPU")
