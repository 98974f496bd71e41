"""The prediction of the pods that Flyte creates for a task with a cluster.

The rules are those of the backends' source code, which applies defaults and limits silently; here
each step is recorded as a remark. `BACKEND_RULES` has their texts. The tests compare the prediction
with recorded answers of the backends' own code.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from flyte_dask.config.dask import Dask
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import ALWAYS_GIVEN, Resolved, ResolvedRole
from flyte_dask.prediction.platform import Backend, Platform
from flyte_dask.prediction.pods import Container, Pod, Pods
from flyte_dask.prediction.remarks import BackendRule, Remark
from flyte_dask.prediction.runner import runner_pod
from flyte_dask.prediction.steps import Steps
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.base import checked
from flyte_dask.roles.resources import KUBERNETES_NAMES
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["check_call", "pods_of", "predict"]

_CONTAINERS = {"scheduler": "scheduler", "workers": "dask-worker"}
_GPUS_OF_ROLES: Mapping[Backend, tuple[str, BackendRule]] = {
    "v1": (KUBERNETES_NAMES["gpu"], "renamed-gpu-resource"),
    "v2": ("gpu", "gpu-resource-name"),
}
"""The resource that a role's GPUs are requested as, and the rule if it is not the platform's."""
_NAMED = ("--name", "$(DASK_WORKER_NAME)")
_COMMANDS = {
    "v1": (("dask-scheduler",), ("dask-worker", *_NAMED)),
    "v2": (("dask", "scheduler"), ("dask", "worker", *_NAMED)),
}


@checked("predict(...)")
def predict(config: Dask, parent: Parent | None = None, platform: Platform | None = None) -> Pods:
    """The pods that a task with *config* gets.

    Args:
        config: the config of the cluster.
        parent: the task; by default one that sets nothing.
        platform: the platform; by default Flyte 1 with its built-in defaults, and no limits.

    Raises:
        InvalidConfig: if an argument is not of its type.
    """
    check_call("predict(...)", config, platform)
    resolved = config.resolve(parent)
    return pods_of(config, resolved, parent or Parent(), platform or Platform())


def check_call(by: str, config: object, platform: object) -> None:
    """Raise `InvalidConfig` if the call *by* was given no `Dask`, or no `Platform`."""
    problems = []
    if not isinstance(config, Dask):
        remedy = "pass Dask(...), or call a preset"
        problems.append(Problem("config", config, "is not a Dask", remedy))
    if platform is not None and not isinstance(platform, Platform):
        problems.append(Problem("platform", platform, "is not a Platform", "pass Platform(...)"))
    raise_if_any(by, problems)


def pods_of(
    config: Dask, resolved: Resolved, parent: Parent, platform: Platform, runner: Pod | None = None
) -> Pods:
    """The pods of *config*, *resolved* in its task *parent*, whose pod *runner* may be known."""
    runner = runner or runner_pod(parent, platform)
    scheduler = _copy("scheduler", config.scheduler, resolved.scheduler, runner, platform)
    workers = _copy("workers", config.workers, resolved.workers, runner, platform)
    limits, remarks = _worker_limits(workers.container)
    scheduler_args, worker_args = _COMMANDS[platform.backend]
    return Pods(
        runner,
        scheduler._replace(args=scheduler_args),
        workers._replace(
            replicas=config.workers.number_of_workers,
            args=(*worker_args, *limits),
            remarks=(*workers.remarks, *remarks),
            interruptible=bool(parent.interruptible),
        ),
    )


def _copy(
    path: str,
    role: Scheduler | WorkerGroup,
    resolved: ResolvedRole,
    runner: Pod,
    platform: Platform,
) -> Pod:
    """A pod of *role*: a copy of the runner's, except for what the role sets."""
    image = runner.image if role.image is None else role.image
    if resolved.emitted:
        container, remarks = _own_container(path, resolved, platform)
    else:
        container = runner.container._replace(name=_CONTAINERS[path])
        remarks = [Remark(path, "copied", None, str(container))]
    return runner._replace(
        image=image if isinstance(image, str) else None,  # an ImageSpec is not built yet
        container=container,
        remarks=tuple(remarks),
    )


def _own_container(
    path: str, resolved: ResolvedRole, platform: Platform
) -> tuple[Container, list[Remark]]:
    """The container of a role that sets resources."""
    steps, name = Steps(path, platform), _CONTAINERS[path]
    amounts = steps.named(resolved.emitted)
    gpu_name, rule = _GPUS_OF_ROLES[platform.backend]
    if "gpu" not in amounts or gpu_name == platform.gpu_resource:
        return Container(name, steps.completed(amounts)), steps.remarks
    gpus = amounts.pop("gpu")  # a resource that Flyte does not know as GPUs, and does not change
    container = Container(name, {**steps.completed(amounts), "gpu": gpus}, gpu_name)
    steps.remark("gpu", 1, rule, platform.gpu_resource, gpu_name)
    return container, steps.remarks


def _worker_limits(container: Container) -> tuple[tuple[str, ...], list[Remark]]:
    """The arguments of a worker for its limits, and remarks where they differ from those."""
    (_, cpu), (_, mem) = (container.amounts[name] for name in ALWAYS_GIVEN)
    remarks = []
    threads = "0" if cpu is None else str(ceil(cpu.value))
    memory = "0" if mem is None else canonical(mem)
    if cpu is not None and not cpu.is_whole:
        remarks.append(Remark("workers.nthreads", "threads-rounded-up", cpu.text, threads))
    if mem is not None and mem.text != memory:
        remarks.append(Remark("workers.memory_limit", "memory-canonicalized", mem.text, memory))
    return ("--nthreads", threads, "--memory-limit", memory), remarks
