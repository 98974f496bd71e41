"""What Flyte makes of a task with a cluster: the resources, images and arguments of its pods.

The rules are those of the backends' own code, which gives and cuts in silence: here each such step
leaves a remark. They were read there, and not seen on a live site. `BACKEND_RULES` has their
texts.
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
    "refused",
    "zero-dropped",
    "threads-rounded-up",
    "memory-canonicalized",
    "gpu-resource-name",
]

BACKEND_RULES: Mapping[BackendRule, str] = {
    "copied": "the role says no resources: its pod has those of the task, as a whole",
    "default": "nobody says it: the platform's default",
    "request-from-limit": "no request is said: the limit is one",
    "limit-from-request": "no limit is said: the request is one",
    "clamped-to-platform": "above what the platform allows: cut to that, in silence",
    "refused": "above what the platform allows: a task with such a request is not registered",
    "zero-dropped": "an amount of zero is dropped",
    "threads-rounded-up": "the number of threads is the CPU limit, rounded up to a whole number",
    "memory-canonicalized": "the memory limit is spelled as Kubernetes spells it",
    "gpu-resource-name": "Flyte 2 asks for a resource named gpu, which Kubernetes should refuse",
}
"""What each remark means."""

_CONTAINERS = {"scheduler": "scheduler", "workers": "dask-worker"}
_NAMED = ("--name", "$(DASK_WORKER_NAME)")
_COMMANDS = {
    "v1": (("dask-scheduler",), ("dask-worker", *_NAMED)),
    "v2": (("dask", "scheduler"), ("dask", "worker", *_NAMED)),
}
_CUT: BackendRule = "clamped-to-platform"
_UNSET: Pair = (None, None)

Amounts: TypeAlias = dict[str, Pair]
"""Request and limit of each dimension that a container asks for."""


@final
class Remark(NamedTuple):
    """One step by which Flyte comes from what a template says to what a pod gets."""

    path: str
    """Of what: ``workers.limits.mem``."""
    rule: BackendRule
    """Its name in `BACKEND_RULES`."""
    before: str | None
    """What was said; None if nothing was."""
    after: str | None
    """What it came to; None if nothing is left."""

    def __str__(self) -> str:
        change = f"{self.before or 'nothing'} -> {self.after or 'nothing'}"
        return f"{self.path}: {change}: {BACKEND_RULES[self.rule]}"


@final
class Container(NamedTuple):
    """One container of a pod: the one of the task or of Dask, or a sidecar."""

    name: str
    """As Flyte names it, or the pod template of the task."""
    amounts: Amounts
    """Request and limit of each dimension."""
    gpu_name: str = KUBERNETES_NAMES["gpu"]
    """What Kubernetes is asked for where a GPU is meant."""

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        """Requests and limits as in a pod's specification, spelled as Kubernetes does."""
        return {"requests": self._side(0), "limits": self._side(1)}

    def __str__(self) -> str:
        """Request and limit of each amount: ``cpu 1/2, mem 4Gi/8Gi``."""
        return ", ".join(f"{name} {low}/{high}" for name, (low, high) in self.amounts.items())

    def _side(self, number: int) -> dict[str, str]:
        names = {**KUBERNETES_NAMES, "gpu": self.gpu_name}
        said = {name: pair[number] for name, pair in self.amounts.items()}
        return {names[name]: canonical(each) for name, each in said.items() if each is not None}


@final
class Pod(NamedTuple):
    """The pods of one role, all alike."""

    replicas: int
    """How many of them."""
    image: str | None
    """None if it is the task's, and that is unknown."""
    args: tuple[str, ...] | None
    """The arguments of the container; of the runner, which has the task's own, None."""
    container: Container
    """The one of the task or of Dask."""
    sidecars: tuple[Container, ...]
    """Those of the task's pod template."""
    remarks: tuple[Remark, ...]
    """How Flyte comes to its amounts."""

    @property
    def containers(self) -> tuple[Container, ...]:
        """The pod's own container, and its sidecars."""
        return (self.container, *self.sidecars)

    def as_dict(self) -> dict[str, Any]:
        """The pod in JSON, without remarks; what is unknown is None."""
        return {
            "replicas": self.replicas,
            "image": self.image,
            "args": None if self.args is None else list(self.args),
            "resources": self.container.resources,
            "sidecars": {each.name: each.resources for each in self.sidecars},
        }


@final
class Pods(NamedTuple):
    """All pods of a task with a cluster."""

    runner: Pod
    """It runs the task's function."""
    scheduler: Pod
    """Dask's, which never computes."""
    workers: Pod
    """All of them, which are alike."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Those of all pods."""
        return tuple(chain.from_iterable(pod.remarks for pod in self))

    def as_dict(self) -> dict[str, Any]:
        """The pods in JSON, by role."""
        return {name: pod.as_dict() for name, pod in zip(self._fields, self, strict=True)}


def predict(config: Dask, parent: Parent | None = None, platform: Platform | None = None) -> Pods:
    """The pods that a task with *config* gets.

    Args:
        config: the task's.
        parent: the task; unsaid, one that asks for nothing.
        platform: the site; unsaid, Flyte 1 with its built-in defaults, and no limits.

    Raises:
        InvalidConfig: if *config* is no `Dask`, *parent* no `Parent`, or *platform* no `Platform`.
    """
    check_call("predict(...)", config, platform)
    resolved = config.resolve(parent)
    return pods_of(config, resolved, parent or Parent(), platform or Platform())


def check_call(by: str, config: object, platform: object) -> None:
    """Raise `InvalidConfig` if the call *by* asks about no `Dask`, or on no `Platform`."""
    problems = []
    if not isinstance(config, Dask):
        remedy = "write Dask(...), or call a preset"
        problems.append(Problem("config", config, "is no Dask", remedy))
    if platform is not None and not isinstance(platform, Platform):
        problems.append(Problem("platform", platform, "is no Platform", "write Platform(...)"))
    raise_if_any(by, problems)


def pods_of(config: Dask, resolved: Resolved, parent: Parent, platform: Platform) -> Pods:
    """The same for a config that is *resolved* already, in that task."""
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
    filling = _Filling("runner", platform, "refused" if platform.backend == "v1" else _CUT)
    said = filling.without_zeros(pairs(parent.requests, parent.limits))
    # of the other dimensions too, which a role that says something does not get
    amounts = filling.filled(said, platform.given)
    sidecars = tuple(_sidecar(each, platform, filling.remarks) for each in parent.sidecars)
    container = Container("job-runner", amounts)
    return Pod(1, parent.image, None, container, sidecars, tuple(filling.remarks))


def _sidecar(sidecar: Sidecar, platform: Platform, remarks: list[Remark]) -> Container:
    """A sidecar, which gets no defaults and is only cut."""
    filling = _Filling(f"sidecars.{sidecar.name}", platform, _CUT)
    said = pairs(sidecar.requests, sidecar.limits)
    amounts = {name: filling.within(name, pair) for name, pair in said.items()}
    remarks += filling.remarks
    return Container(sidecar.name, amounts)


def _copy(
    path: str,
    role: Scheduler | WorkerGroup,
    resolved: ResolvedRole,
    runner: Pod,
    platform: Platform,
) -> Pod:
    """A pod of *role*: a copy of the runner's, but for what the role says."""
    image = runner.image if role.image is None else role.image
    container, remarks = _container(path, resolved.emitted, runner, platform)
    return runner._replace(
        image=image if isinstance(image, str) else None,  # or it is not built yet
        container=container,
        remarks=tuple(remarks),
    )


def _container(
    path: str, said: Amounts, runner: Pod, platform: Platform
) -> tuple[Container, list[Remark]]:
    """That of a role of which the template says that: the runner's, if it is nothing."""
    name = _CONTAINERS[path]
    if not said:
        container = runner.container._replace(name=name)
        return container, [Remark(path, "copied", None, str(container))]
    filling = _Filling(path, platform, _CUT)
    said = filling.without_zeros(said)
    if platform.backend == "v1" or "gpu" not in said:
        return Container(name, filling.filled(said)), filling.remarks
    gpus = said.pop("gpu")  # a resource that Flyte 2 does not know, and leaves as it is
    container = Container(name, {**filling.filled(said), "gpu": gpus}, "gpu")
    filling.remark("gpu", 1, "gpu-resource-name", KUBERNETES_NAMES["gpu"], "gpu")
    return container, filling.remarks


class _Filling:
    """What Flyte makes of the amounts of one container, and a remark for each step."""

    def __init__(self, path: str, platform: Platform, cut: BackendRule) -> None:
        self._path = path
        self._platform = platform
        self._allowed = platform.allowed
        self._cut: BackendRule = cut
        """What it means that an amount, whose request is said, is above what is allowed."""
        self.remarks: list[Remark] = []

    def filled(self, said: Amounts, given: Collection[str] = ALWAYS_GIVEN) -> Amounts:
        """The amounts of *said*, completed; those that are *given* in any case."""
        amounts = {**dict.fromkeys(given, _UNSET), **said}
        names = [name for name in DIMENSIONS if name in amounts]
        return {name: self._completed(name, amounts[name]) for name in names}

    def without_zeros(self, said: Amounts) -> Amounts:
        """*said* without amounts of zero, nor dimensions of which nothing is left."""
        said = {
            name: (_as_read(request), _as_read(limit)) for name, (request, limit) in said.items()
        }
        gpus = said.get("gpu", _UNSET)  # of anything else a config cannot say zero
        if ZERO not in gpus:
            return said
        for side, amount in enumerate(gpus):
            if amount is not None and amount == ZERO:
                self.remark("gpu", side, "zero-dropped", amount.text, None)
        return {name: pair for name, pair in said.items() if name != "gpu"}

    def _completed(self, name: str, pair: Pair) -> Pair:
        request, limit = pair
        cut = _CUT if request is None else self._cut
        if request is None:
            request = limit or self._platform.given.get(name)
            rule: BackendRule = "request-from-limit" if limit else "default"
            self.remark(name, 0, rule, None, str(request))
        if limit is None:
            limit = request
            self.remark(name, 1, "limit-from-request", None, str(limit))
        return self.within(name, (request, limit), cut)

    def within(self, name: str, pair: Pair, cut: BackendRule = _CUT) -> Pair:
        """*pair* as far as the platform allows.

        Flyte then cuts the request to the limit too, which a valid config never needs.
        """
        if name not in self._allowed:
            return pair
        request, limit = pair
        return self._cut_down(name, 0, request, cut), self._cut_down(name, 1, limit, cut)

    def _cut_down(
        self, name: str, side: int, amount: Quantity | None, cut: BackendRule
    ) -> Quantity | None:
        most = self._allowed[name]
        if amount is None or amount <= most:
            return amount
        self.remark(name, side, cut, amount.text, most.text)
        return most

    def remark(
        self, name: str, side: int, rule: BackendRule, before: str | None, after: str | None
    ) -> None:
        path = f"{self._path}.{('requests', 'limits')[side]}.{name}"
        self.remarks.append(Remark(path, rule, before, after))


def _as_read(amount: Quantity | None) -> Quantity | None:
    """As Kubernetes reads it: a part of a billionth is a whole one. Few say so little."""
    if amount is None or "e-" not in amount.text.lower():
        return amount
    return Quantity(canonical(amount))


def _worker_limits(container: Container) -> tuple[tuple[str, ...], list[Remark]]:
    """What a worker is told of its limits, and how that differs from them."""
    (_, cpu), (_, mem) = (container.amounts[name] for name in ALWAYS_GIVEN)
    remarks = []
    threads = "0" if cpu is None else str(ceil(cpu.value))
    memory = "0" if mem is None else canonical(mem)
    if cpu is not None and not cpu.is_whole:
        remarks.append(Remark("workers.nthreads", "threads-rounded-up", cpu.text, threads))
    if mem is not None and mem.text != memory:
        remarks.append(Remark("workers.memory_limit", "memory-canonicalized", mem.text, memory))
    return ("--nthreads", threads, "--memory-limit", memory), remarks
