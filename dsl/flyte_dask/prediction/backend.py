"""The pods that Flyte creates for a task with a cluster: resources, images and arguments.

The rules are taken from the backends' source code, which applies defaults and limits silently; here
each step is recorded as a remark. They were not observed on a live platform. `BACKEND_RULES` has
their texts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from math import ceil
from typing import Any, Literal, NamedTuple, TypeAlias, final

from flyte_dask.config.dask import Dask
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.inheritance.parent import Parent, Sidecar
from flyte_dask.inheritance.resolution import ALWAYS_GIVEN, Resolved, ResolvedRole
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, pairs
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = [
    "BACKEND_RULES",
    "BackendRule",
    "Container",
    "Pod",
    "Pods",
    "Remark",
    "check_call",
    "pods_of",
    "predict",
]

BackendRule: TypeAlias = Literal[
    "copied",
    "default",
    "request-from-limit",
    "limit-from-request",
    "clamped-to-platform",
    "rejected",
    "zero-dropped",
    "threads-rounded-up",
    "memory-canonicalized",
    "gpu-resource-name",
]

BACKEND_RULES: Mapping[BackendRule, str] = {
    "copied": "the role sets no resources: its pod gets all of the task's",
    "default": "not set: the platform default applies",
    "request-from-limit": "the request is not set and defaults to the limit",
    "limit-from-request": "the limit is not set and defaults to the request",
    "clamped-to-platform": "above the platform's limit: silently clamped to it",
    "rejected": "above the platform's limit: Flyte rejects a task with such a request",
    "zero-dropped": "an amount of zero is dropped",
    "threads-rounded-up": "the number of threads is the CPU limit, rounded up to an integer",
    "memory-canonicalized": "the memory limit is written in Kubernetes' canonical form",
    "gpu-resource-name": "Flyte 2 requests a resource named gpu, which Kubernetes should reject",
}
"""The text of each rule."""

_CONTAINERS = {"scheduler": "scheduler", "workers": "dask-worker"}
_NAMED = ("--name", "$(DASK_WORKER_NAME)")
_COMMANDS = {
    "v1": (("dask-scheduler",), ("dask-worker", *_NAMED)),
    "v2": (("dask", "scheduler"), ("dask", "worker", *_NAMED)),
}
_CLAMPED: BackendRule = "clamped-to-platform"
_UNSET: Pair = (None, None)

Amounts: TypeAlias = dict[str, Pair]
"""Request and limit of each dimension of a container."""


@final
class Remark(NamedTuple):
    """One step from a value of the task template to that of a pod."""

    path: str
    """The value's path, such as ``workers.limits.mem``."""
    rule: BackendRule
    """The rule that was applied."""
    before: str | None
    """The value before the step; None if it was not set."""
    after: str | None
    """The value after the step; None if it was dropped."""

    def __str__(self) -> str:
        change = f"{self.before or 'nothing'} -> {self.after or 'nothing'}"
        return f"{self.path}: {change}: {BACKEND_RULES[self.rule]}"


@final
class Container(NamedTuple):
    """One container of a pod: the task's, Dask's, or a sidecar."""

    name: str
    """Its name, from Flyte or from the task's pod template."""
    amounts: Amounts
    """Request and limit of each dimension."""
    gpu_name: str = KUBERNETES_NAMES["gpu"]
    """The Kubernetes resource that is requested for GPUs."""

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        """Requests and limits as in a pod's specification, in Kubernetes' canonical form."""
        return {"requests": self._side(0), "limits": self._side(1)}

    def __str__(self) -> str:
        """Request and limit of each amount: ``cpu 1/2, mem 4Gi/8Gi``."""
        return ", ".join(f"{name} {low}/{high}" for name, (low, high) in self.amounts.items())

    def _side(self, number: int) -> dict[str, str]:
        names = {**KUBERNETES_NAMES, "gpu": self.gpu_name}
        side = {name: pair[number] for name, pair in self.amounts.items()}
        return {names[name]: canonical(each) for name, each in side.items() if each is not None}


@final
class Pod(NamedTuple):
    """The pods of one role, which are identical."""

    replicas: int
    """The number of pods."""
    image: str | None
    """The image; None if it is the task's, and that is unknown."""
    args: tuple[str, ...] | None
    """The arguments of the container; None for the runner, which has the task's own."""
    container: Container
    """The container of the task or of Dask."""
    sidecars: tuple[Container, ...]
    """The sidecars of the task's pod template."""
    remarks: tuple[Remark, ...]
    """The steps by which Flyte determines its amounts."""

    @property
    def containers(self) -> tuple[Container, ...]:
        """The main container and the sidecars."""
        return (self.container, *self.sidecars)

    def as_dict(self) -> dict[str, Any]:
        """The pod as JSON, without remarks; unknown values are None."""
        return {
            "replicas": self.replicas,
            "image": self.image,
            "args": self.args and list(self.args),
            "resources": self.container.resources,
            "sidecars": {each.name: each.resources for each in self.sidecars},
        }


@final
class Pods(NamedTuple):
    """All pods of a task with a cluster."""

    runner: Pod
    """The pod that runs the task's function."""
    scheduler: Pod
    """The pod of Dask's scheduler, which runs no tasks."""
    workers: Pod
    """The pods of Dask's workers."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """The remarks of all pods."""
        return tuple(chain.from_iterable(pod.remarks for pod in self))

    def as_dict(self) -> dict[str, Any]:
        """The pods as JSON, by role."""
        return {name: pod.as_dict() for name, pod in zip(self._fields, self, strict=True)}


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


def pods_of(config: Dask, resolved: Resolved, parent: Parent, platform: Platform) -> Pods:
    """The pods of *config*, which is already *resolved* in its task *parent*."""
    runner = _runner(parent, platform)
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
        ),
    )


def _runner(parent: Parent, platform: Platform) -> Pod:
    steps = _Steps("runner", platform, "rejected" if platform.backend == "v1" else _CLAMPED)
    amounts = steps.without_zeros(pairs(parent.requests, parent.limits))
    # The defaults of all dimensions apply, unlike those of a role that sets something.
    container = Container("job-runner", steps.completed(amounts, platform.given))
    sidecars = tuple(_sidecar(each, platform, steps.remarks) for each in parent.sidecars)
    return Pod(1, parent.image, None, container, sidecars, tuple(steps.remarks))


def _sidecar(sidecar: Sidecar, platform: Platform, remarks: list[Remark]) -> Container:
    """A sidecar, which gets no defaults and is only clamped."""
    steps = _Steps(f"sidecars.{sidecar.name}", platform)
    amounts = pairs(sidecar.requests, sidecar.limits)
    clamped = {name: steps.clamped(name, pair) for name, pair in amounts.items()}
    remarks += steps.remarks
    return Container(sidecar.name, clamped)


def _copy(
    path: str,
    role: Scheduler | WorkerGroup,
    resolved: ResolvedRole,
    runner: Pod,
    platform: Platform,
) -> Pod:
    """A pod of *role*: a copy of the runner's, except for what the role sets."""
    image = runner.image if role.image is None else role.image
    steps, name = _Steps(path, platform), _CONTAINERS[path]
    amounts = steps.without_zeros(resolved.emitted)
    if not resolved.emitted:
        container = runner.container._replace(name=name)
        steps.remarks.append(Remark(path, "copied", None, str(container)))
    elif platform.backend == "v1" or "gpu" not in amounts:
        container = Container(name, steps.completed(amounts))
    else:
        gpus = amounts.pop("gpu")  # a resource that Flyte 2 does not know, and does not change
        container = Container(name, {**steps.completed(amounts), "gpu": gpus}, "gpu")
        steps.remark("gpu", 1, "gpu-resource-name", KUBERNETES_NAMES["gpu"], "gpu")
    return runner._replace(
        image=image if isinstance(image, str) else None,  # an ImageSpec is not built yet
        container=container,
        remarks=tuple(steps.remarks),
    )


class _Steps:
    """The steps by which Flyte determines the amounts of one container, each with a remark."""

    def __init__(self, path: str, platform: Platform, above: BackendRule = _CLAMPED) -> None:
        self._path = path
        self._platform = platform
        self._allowed = platform.allowed
        self._above: BackendRule = above
        """The rule for an explicit request above the platform's limit."""
        self.remarks: list[Remark] = []

    def completed(self, amounts: Amounts, given: Collection[str] = ALWAYS_GIVEN) -> Amounts:
        """*amounts*, and those of the dimensions *given*, with missing sides filled in."""
        amounts = {**dict.fromkeys(given, _UNSET), **amounts}
        names = [name for name in DIMENSIONS if name in amounts]
        return {name: self._completed(name, amounts[name]) for name in names}

    def without_zeros(self, amounts: Amounts) -> Amounts:
        """*amounts* without GPUs of zero, the only zero that a config can have."""
        amounts = {
            name: (_as_read(request), _as_read(limit)) for name, (request, limit) in amounts.items()
        }
        gpus = amounts.get("gpu", _UNSET)
        if ZERO not in gpus:
            return amounts
        for side, amount in enumerate(gpus):
            if amount is not None and amount == ZERO:
                self.remark("gpu", side, "zero-dropped", amount.text, None)
        return {name: pair for name, pair in amounts.items() if name != "gpu"}

    def _completed(self, name: str, pair: Pair) -> Pair:
        request, limit = pair
        above = _CLAMPED if request is None else self._above
        if request is None:
            request = limit or self._platform.given.get(name)
            rule: BackendRule = "request-from-limit" if limit else "default"
            self.remark(name, 0, rule, None, str(request))
        if limit is None:
            limit = request
            self.remark(name, 1, "limit-from-request", None, str(limit))
        return self.clamped(name, (request, limit), above)

    def clamped(self, name: str, pair: Pair, above: BackendRule = _CLAMPED) -> Pair:
        """*pair* clamped to the platform's limits.

        Flyte then clamps the request to the limit too, which a valid config never needs.
        """
        request, limit = (self._clamped(name, side, pair[side], above) for side in (0, 1))
        return request, limit

    def _clamped(
        self, name: str, side: int, amount: Quantity | None, above: BackendRule
    ) -> Quantity | None:
        most = self._allowed.get(name)
        if amount is None or most is None or amount <= most:
            return amount
        self.remark(name, side, above, amount.text, most.text)
        return most

    def remark(
        self, name: str, side: int, rule: BackendRule, before: str | None, after: str | None
    ) -> None:
        path = f"{self._path}.{('requests', 'limits')[side]}.{name}"
        self.remarks.append(Remark(path, rule, before, after))


def _as_read(amount: Quantity | None) -> Quantity | None:
    """*amount* as Kubernetes reads it, which rounds a fraction of a billionth up."""
    if amount is None or "e-" not in amount.text.lower():
        return amount
    return Quantity(canonical(amount))


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
