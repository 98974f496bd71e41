"""Advice on the task of a cluster, and on the platform."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from flyte_dask.advice.job import Advice, Job
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.prediction.remarks import REJECTED, Remark
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.resources import pairs

__all__ = [
    "dynamic_cluster",
    "image_without_flyte_dask",
    "named_pod_template",
    "reserved_env_var",
    "role_exceeds_platform",
    "task_exceeds_platform",
    "zero_default",
]

_CLAMPED = "clamped-to-platform"
_OFFICIAL = "flytekitplugins-dask"
_ABOVE = {*REJECTED, _CLAMPED, "rounded-comparison", "unvalidated-gpu"}
_AMOUNTS = {"cpu": Quantity("2"), "mem": Quantity("8Gi")}
_ZEROS = {
    "cpu": "--nthreads 0 means one thread per CPU of the host",
    "mem": "--memory-limit 0 means no limit",
}
"""What zero means in the arguments of a worker."""
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
            is_flytekit = job.parent.sdk == "flytekit"
            place = "@task(environment=...)" if is_flytekit else "TaskEnvironment(env_vars=...)"
            remedy = f"remove {name} from {place}"
            yield Advice("reserved-env-var", f"task.environment.{name}", consequence, remedy)


def image_without_flyte_dask(job: Job) -> Iterator[Advice]:
    """Images that are specified without this package, or with the one that it replaces."""
    packages, is_flytekit = job.parent.packages, job.parent.sdk == "flytekit"
    if is_flytekit and _OFFICIAL in packages:
        consequence = (
            f"it installs {_OFFICIAL}, which has files of the same names as flyte-dask: the task "
            "fails when its module is imported"
        )
        remedy = f"put 'flyte-dask' in the place of '{_OFFICIAL}' in its packages"
    elif packages and not {"flyte-dask", "*"} & {*packages}:
        consequence = "it does not install flyte-dask: the task fails when its module is imported"
        remedy = "ImageSpec(packages=['flyte-dask', ...])"
        if not is_flytekit:
            remedy = "image.with_pip_packages('flyte-dask')"
    else:
        return
    yield Advice("image-without-flyte-dask", "task.image", consequence, remedy)


def dynamic_cluster(job: Job) -> Iterator[Advice]:
    """Clusters of dynamic tasks, which end before the tasks run that they call."""
    if job.parent.is_dynamic:
        consequence = (
            f"Flyte starts a scheduler and {counted(job.number, 'worker')} for the dynamic "
            "function, which usually only builds a workflow; the tasks that it calls cannot use "
            "them"
        )
        remedy = "use @dynamic without task_config, and set it for the tasks that it calls"
        yield Advice("dynamic-cluster", "task.is_dynamic", consequence, remedy)


def task_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Tasks above the platform's limits: Flyte 1 rejects an explicit request, else clamps it."""
    above = [each for each in job.pods.runner.remarks if each.rule in _ABOVE]
    owner = job.parent.node or job.parent  # the task itself has advice of its own
    own = pairs(owner.requests, owner.limits) if above else {}
    rules = _ABOVE
    if job.parent.node:  # which registration does not see, nor Flyte 2
        rules = {_CLAMPED} if job.platform.backend == "v1" else set()
    found = [
        each
        for each in above
        if each.path.startswith("runner.") and each.rule in rules and _name(each) in own
    ]
    if found:
        amounts = job.pods.runner.container.amounts
        left = {name: amounts[name] for name in amounts if name in own}
        consequence = f"{_listed(found)}: {_ending(found)}"
        path, remedy = "task.limits", job.with_task_amounts(left)
        if job.parent.node:
            path, remedy = "node.limits", job.with_node_amounts(left)
        yield Advice("task-exceeds-platform", path, consequence, remedy)
    if not job.parent.node:
        for kind in ("sidecars", "init_containers"):
            for container in getattr(job.parent, kind):
                yield from _container_exceeds(f"{kind}.{container.name}", container, above)


def _container_exceeds(path: str, container: Sidecar, above: Iterable[Remark]) -> Iterator[Advice]:
    """A sidecar or an init container above the platform's limits, or above its own."""
    own = pairs(container.requests, container.limits)
    found = [each for each in above if each.path.rsplit(".", 2)[0] == path and _name(each) in own]
    if found:
        consequence = f"{_listed(found)}: {_ending(found)}"
        is_low = any(each.rule == "rejected-limit" for each in found)
        lower = "raise the limit, or lower the request," if is_low else "lower it"
        remedy = f"{lower} in the pod template"
        yield Advice("task-exceeds-platform", f"task.{path}", consequence, remedy)


def _ending(found: list[Remark]) -> str:
    is_rejected = any(each.rule in REJECTED for each in found)
    return "Flyte rejects the task" if is_rejected else "silently clamped"


def role_exceeds_platform(job: Job) -> Iterator[Advice]:
    """Roles above the platform's limits, which Flyte clamps silently."""
    for role, pod in zip(job.roles, (job.pods.scheduler, job.pods.workers), strict=True):
        clamped = [each for each in pod.remarks if each.rule == _CLAMPED]
        if not clamped:  # the usual case
            continue
        own = {path for path, side in job.resolved.sides.items() if side.source != "platform"}
        if found := [each for each in clamped if each.path in own]:
            consequence = f"{_listed(found)}: silently clamped"
            left = {_name(each): pod.container.amounts[_name(each)] for each in found}
            if role.name == "scheduler" and "gpu" in left:
                left["gpu"] = (ZERO, ZERO)  # since it never computes
            remedy = job.with_amounts(role, left)
            yield Advice("role-exceeds-platform", f"{role.name}.limits", consequence, remedy)


def named_pod_template(job: Job) -> Iterator[Advice]:
    """Pod templates by name, whose CPUs and memory never count, but for one case on Flyte 1."""
    template = job.parent.pod_template
    if template is None:
        return
    counts = job.parent.has_own_pod_template and job.platform.backend == "v1"
    subject = (
        f"only Flyte knows the resources of '{template}': "
        if counts
        else f"the CPUs and memory of '{template}' never count: "
    )
    by_task: dict[str, Quantity] = {}
    found = []
    for role in job.roles:
        unset = [name for name, pair in role.pairs if pair.limit.source == "platform"]
        amounts = {name: _AMOUNTS[name] for name in unset}
        names = ", ".join(unset)
        if not unset:
            continue
        if role.is_unset and counts:
            found.append(f"{names} of {role.name} may differ from the prediction")
        else:
            are = "is" if len(unset) == 1 else "are"
            found.append(f"{names} of {role.name} {are} the platform default")
        if not role.is_unset and job.config.inherit == "off":  # which nothing of the task changes
            remedy = job.with_amounts(role, amounts)
            consequence = f"{subject}{found.pop()}"
            yield Advice("named-pod-template", f"{role.name}.limits", consequence, remedy)
        else:
            by_task.update(amounts)
    if found:
        consequence = f"{subject}{'; '.join(found)}"
        remedy = job.with_task_amounts(by_task)
        yield Advice("named-pod-template", "task.pod_template", consequence, remedy)


def zero_default(job: Job) -> Iterator[Advice]:
    """CPUs or memory of zero, the default of project or domain attributes that set none."""
    by_task: dict[str, list[str]] = {}
    if all(job.platform.given[name] > ZERO for name in _ZEROS):
        return
    for name, pod in job.pods._asdict().items():
        zeros = [each for each in _ZEROS if pod.container.amounts[each] == (ZERO, ZERO)]
        role = next((each for each in job.roles if each.name == name), None)
        if role and not role.is_unset and job.config.inherit == "off":
            consequence = _zero_consequence(job, {each: [name] for each in zeros})
            remedy = job.with_amounts(role, {each: _AMOUNTS[each] for each in zeros})
            if zeros:
                yield Advice("zero-default", f"{name}.limits", consequence, remedy)
        else:
            for each in zeros:
                by_task.setdefault(each, []).append(name)
    if by_task:
        remedy = job.with_task_amounts({name: _AMOUNTS[name] for name in by_task})
        yield Advice("zero-default", "task.limits", _zero_consequence(job, by_task), remedy)


def _zero_consequence(job: Job, roles: Mapping[str, list[str]]) -> str:
    """What zero means for the *roles* of each dimension."""
    by_roles: dict[str, list[str]] = {}
    for name, each in roles.items():
        by_roles.setdefault(", ".join(each), []).append(name)
    zeros = " and ".join(f"{' and '.join(names)} of {each}" for each, names in by_roles.items())
    workers = [_ZEROS[name] for name, each in roles.items() if "workers" in each]
    meaning = f"; for {job.each_worker}, {' and '.join(workers)}" if workers else ""
    are = "is" if [len(each) for each in roles.values()] == [1] else "are"
    return f"{zeros} {are} 0, since the project's or domain's attributes set no default{meaning}"


def _name(remark: Remark) -> str:
    """The dimension of *remark*."""
    return remark.path.rpartition(".")[2]


def _listed(remarks: list[Remark]) -> str:
    """``mem 32Gi is above the platform's limit 16Gi``, for each dimension."""
    found = {_name(each): _reason(each) for each in remarks}
    return ", ".join(f"{name} {text}" for name, text in found.items())


def _reason(remark: Remark) -> str:
    if remark.rule != "rejected-limit":
        return f"{remark.before} is above the platform's limit {remark.after}"
    if ".requests." in remark.path:
        return f"request {remark.before} differs from its limit"
    return f"limit {remark.before} is below its request"
