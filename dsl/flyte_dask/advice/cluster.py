"""Advice about the cluster as a whole: how its pods fit together, and fit on nodes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil, floor
from typing import NamedTuple

from flyte_dask.advice.job import Advice, Job, verb
from flyte_dask.advice.needs import (
    GIB,
    MIB,
    bytes_for_scheduler,
    needed_by_scheduler,
    threads_within,
)
from flyte_dask.prediction.footprint import total
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity

__all__ = [
    "image_mismatch",
    "poor_bin_packing",
    "sidecar_replicated",
    "too_many_workers",
    "undersized_scheduler",
    "worker_exceeds_node",
]

_TINY, _HUGE = Quantity("1n"), Quantity("1000E")

_WITHOUT_SIDECARS = "a task of its own for what needs the sidecar, without a cluster"
_MANY_WORKERS = 1000
_PODS_ON_NODE = 110  # by default

_NODES = tuple(product((4, 8, 16, 32, 64, 96, 128, 192), (4, 8, 2)))
"""The shapes that all clouds have: CPUs, and GiB of memory for each of them."""
_KEPT_CPUS, _USABLE_MEMORY = 0.25, 0.9  # Kubernetes and the system keep the rest of a node
_MEBIBYTE = Quantity("1Mi")
_MUCH = 1 / 3
_HARDLY = 0.05


def undersized_scheduler(job: Job) -> Iterator[Advice]:
    """It is one thread, and holds the whole graph."""
    scheduler, needed = job.roles[0], needed_by_scheduler(job)
    of_workers = f"for {counted(job.all_threads, 'thread')} of workers"
    (_, cpu), (_, mem) = (job.pods.scheduler.container.amounts[name] for name in ("cpu", "mem"))
    if cpu is not None and "cpu" in needed and cpu < needed["cpu"]:
        consequence = f"{of_workers} {cpu} CPUs are less than its one thread can use"
        remedy = job.says(scheduler, {"cpu": needed["cpu"]})
        yield Advice("undersized-scheduler", "scheduler.limits.cpu", consequence, remedy)
    least = bytes_for_scheduler(job)
    if mem is not None and "mem" in needed and mem.value < least and not _is_servers(job):
        consequence = (
            f"{of_workers} {mem} of memory are less than the {least // MIB:,}Mi that it and "
            "graphs of a thousand tasks for each thread take"
        )
        enough = job.says(scheduler, {"mem": needed["mem"]})
        fewer = _fewer_threads(job, least)
        if fewer is not None:
            yield Advice(
                "undersized-scheduler", "scheduler.limits.mem", consequence, enough + fewer
            )


def _is_servers(job: Job) -> bool:
    """Whether only Flyte knows the scheduler's memory."""
    is_said = job.resolved.scheduler.mem.limit.source != "platform"
    return bool(job.parent.pod_template) and not is_said


def _fewer_threads(job: Job, needed: int) -> str | None:
    """What lets all that the platform allows be enough for a scheduler; None if nothing does."""
    most = job.platform.allowed.get("mem")
    if most is None or most.value >= needed:
        return ""
    threads = threads_within(most)
    workers = threads // max(job.threads, 1)
    if workers:
        return verb("workers", {}, workers)
    if not threads:
        return None
    request, _ = job.pods.workers.container.amounts["cpu"]
    cpus = Quantity(str(threads))
    remedy = job.says(job.workers, {"cpu": (min(request or cpus, cpus), cpus)}, 1)
    return remedy if remedy.startswith(".") else None


def too_many_workers(job: Job) -> Iterator[Advice]:
    """One scheduler has them all."""
    if job.number > _MANY_WORKERS:
        nodes = ceil((job.number + 2) / _PODS_ON_NODE)
        consequence = (
            f"one scheduler, which is one thread, serves all {job.number:,} workers, and "
            f"{job.number + 2:,} pods need {nodes:,} nodes or more, since Kubernetes puts at most "
            f"{_PODS_ON_NODE} on one"
        )
        remedy = f".with_workers({_MANY_WORKERS})"
        yield Advice("too-many-workers", "workers.number_of_workers", consequence, remedy)


def image_mismatch(job: Job) -> Iterator[Advice]:
    """Versions and code have to be the same in all of them."""
    said = [role.said.image for role in job.roles]
    task = job.parent.image or "the task's"
    roles = {role.name: str(role.said.image or task) for role in job.roles}
    images = {"task": task, **roles} if job.parent.image else roles
    is_built = all(image is None or isinstance(image, str) for image in said)
    is_known = is_built and not any("{{" in image for image in images.values())  # not filled in
    if is_known and len(set(images.values())) > 1:
        meant = job.parent.image or next(each for each in roles.values() if each != task)
        consequence = (
            f"{', '.join(f'{name} {image}' for name, image in images.items())}: they need the same "
            "Python, dask and code, and where versions differ the task fails before it starts"
        )
        yield Advice("image-mismatch", "image", consequence, f'.with_image("{meant}")')


def sidecar_replicated(job: Job) -> Iterator[Advice]:
    """Pods of the cluster are copies of the task's whole pod."""
    names = [each.name for each in job.parent.sidecars]
    if names:
        pods = job.number + 2
        taken = total(job.pods, lambda pod: pod.sidecars).requests
        taking = f", and take {taken}" if any(each.value for each in taken) else ""
        who = ", ".join(names)
        consequence = f"{pods} pods have a copy of {who}{taking}"
        yield Advice("sidecar-replicated", "task.sidecars", consequence, _WITHOUT_SIDECARS)


class _Fit(NamedTuple):
    """So many workers on one node of a shape."""

    workers: int
    cpus: int
    gibs: int
    used_cpus: float
    used_memory: float

    @property
    def idle(self) -> float:
        """The greater of the shares of CPUs and of memory that they leave."""
        return 1 - min(self.used_cpus, self.used_memory)


class _Size(NamedTuple):
    """CPUs and bytes of memory that a pod asks for."""

    cpu: Quantity
    mem: Quantity

    def plus(self, other: _Size) -> _Size:
        """Both together."""
        return _Size(*(_sum(one, two) for one, two in zip(self, other, strict=True)))

    @property
    def fit(self) -> _Fit | None:
        """The node for such pods."""
        return _best_fit(float(_bounded(self.cpu).value), float(_bounded(self.mem).value) / GIB)


def worker_exceeds_node(job: Job) -> Iterator[Advice]:
    """No common node is that large."""
    worker, beside = _worker(job), _sidecars(job)
    if worker is None or beside is None or worker.plus(beside).fit is not None:
        return
    cpu, mem = worker.plus(beside)
    whose = "a worker" if beside == (ZERO, ZERO) else "a worker with its sidecars"
    consequence = (
        f"{whose} of {cpu} CPUs and {mem} fits on no common node, of which the largest have "
        "192 CPUs and 1536Gi, and keep some for themselves: without a larger one it stays "
        "Pending"
    )
    remedy = _in_more_workers(job, worker, beside)
    yield Advice("worker-exceeds-node", "workers.requests", consequence, remedy)


def _in_more_workers(job: Job, worker: _Size, beside: _Size) -> str:
    """As much in all, if that is still a cluster."""
    cpu, mem = (_bounded(amount).value for amount in worker)
    for times in (2, 4, 8, 16, 32, 64):
        part = _size(max(floor(cpu / times), 1), ceil(mem / GIB / times))
        if part.plus(beside).fit is not None:
            return job.says(job.workers, part._asdict(), job.number * times)
    common = _size(16, 64)
    if common.plus(beside).fit is not None:
        return job.says(job.workers, common._asdict())
    return _WITHOUT_SIDECARS


def _size(cpus: int, gibs: int) -> _Size:
    return _Size(Quantity(str(cpus)), Quantity(f"{gibs}Gi"))


def poor_bin_packing(job: Job) -> Iterator[Advice]:
    """What is left of a node is paid for, too."""
    worker, beside, resolved = _worker(job), _sidecars(job), job.workers.resolved
    is_said = resolved.cpu.request.effective and resolved.mem.request.effective
    if worker is None or beside is None or not is_said or worker.mem < _MEBIBYTE:
        return
    fit = worker.plus(beside).fit
    if fit is None or fit.idle <= _MUCH or job.number < fit.workers:  # few leave room for others
        return
    what, name = ("CPUs", "cpu") if fit.used_cpus < fit.used_memory else ("memory", "mem")
    more = _more(fit, name, getattr(beside, name))
    most = job.platform.allowed.get(name)
    if more is None or (most is not None and most < more):
        return  # nothing that one could do
    filling = worker._replace(**{name: more}).plus(beside).fit
    if filling is None or filling.idle > _MUCH:
        return
    consequence = (
        f"no common node fits them better than one of {fit.cpus} CPUs and {fit.gibs}Gi: "
        f"{counted(fit.workers, 'worker')}, and {fit.idle:.0%} of its {what} idle"
    )
    _, limit = job.pods.workers.container.amounts[name]
    said = {name: (more, more if limit is None else max(limit, more))}
    yield Advice("poor-bin-packing", "workers.requests", consequence, job.says(job.workers, said))


def _worker(job: Job) -> _Size | None:
    """What a worker asks for; None with GPUs, whose nodes have other shapes."""
    amounts = job.pods.workers.container.amounts
    (cpu, _), (mem, _) = amounts["cpu"], amounts["mem"]
    return None if cpu is None or mem is None or "gpu" in amounts else _Size(cpu, mem)


def _sidecars(job: Job) -> _Size | None:
    """What those beside it ask for; None if it is GPUs."""
    if not job.pods.workers.sidecars:  # as most have none
        return _Size(ZERO, ZERO)
    asked = total([job.pods.workers._replace(replicas=1)], lambda pod: pod.sidecars).requests
    return None if asked.gpu.value else _Size(asked.cpu, asked.mem)


def _sum(one: Quantity, two: Quantity) -> Quantity:
    """Both together; as it is said, if the other is nothing."""
    return one if two == ZERO else _bounded(one) + _bounded(two)


def _bounded(amount: Quantity) -> Quantity:
    """One that is neither too large for a float nor too small to divide by."""
    return min(max(amount, _TINY), _HUGE)


@lru_cache(maxsize=256)
def _best_fit(cpu: float, gib: float) -> _Fit | None:
    """The smallest node that such workers fill hardly worse than any; None if it fits on none."""
    fits = tuple(_fits(cpu, gib))
    least = min((fit.idle for fit in fits), default=0)
    return next((fit for fit in fits if fit.idle <= least + _HARDLY), None)


def _fits(cpu: float, gib: float) -> Iterator[_Fit]:
    """How many such workers each node has room for, if any."""
    for cpus, ratio in _NODES:
        gibs = cpus * ratio
        workers = floor(min((cpus - _KEPT_CPUS) / cpu, gibs * _USABLE_MEMORY / gib))
        if workers:
            yield _Fit(workers, cpus, gibs, workers * cpu / cpus, workers * gib / gibs)


def _more(fit: _Fit, name: str, beside: Quantity) -> Quantity | None:
    """All that the node has for as many workers, with that *beside* each; None if that is none."""
    if name == "cpu":
        cpus = floor((fit.cpus - _KEPT_CPUS) / fit.workers - float(beside.value))
        return Quantity(str(cpus)) if cpus > 0 else None
    mebibytes = floor(fit.gibs * _USABLE_MEMORY / fit.workers * 1024 - beside.value / MIB)
    if mebibytes <= 0:
        return None
    return Quantity(f"{mebibytes // 1024}Gi" if mebibytes >= 10 * 1024 else f"{mebibytes}Mi")
