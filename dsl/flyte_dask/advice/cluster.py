"""Advice on the cluster as a whole: scheduler, images, sidecars, and how its pods fit on nodes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import ceil, floor
from typing import NamedTuple

from flyte_dask.advice.job import Advice, Job, with_call
from flyte_dask.advice.needs import (
    CPU_OF_SCHEDULER,
    GIB,
    MIB,
    WITHOUT_SIDECARS,
    bytes_for_scheduler,
    needed_by_scheduler,
    threads_within,
)
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.footprint import total
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.roles import MOST_WORKERS

__all__ = [
    "image_mismatch",
    "poor_bin_packing",
    "too_many_workers",
    "undersized_scheduler",
    "worker_exceeds_node",
]

_TINY, _HUGE = Quantity("1n"), Quantity("1000E")

_MANY_WORKERS = 1000
_PODS_ON_NODE = 110  # by default

_NODES = [(n, n * gibs) for n in (4, 8, 16, 32, 64, 96, 128, 192) for gibs in (4, 8, 2)]
"""The shapes of nodes that all clouds offer: CPUs, and GiB of memory."""
_KEPT_CPUS, _USABLE_MEMORY = 0.25, 0.9  # the rest of a node is reserved
_MEBIBYTE = Quantity("1Mi")
_MUCH = 1 / 3
_HARDLY = 0.05


def undersized_scheduler(job: Job) -> Iterator[Advice]:
    """A scheduler, one thread that holds the whole graph, too small for its workers."""
    scheduler, amounts = job.roles[0], job.pods.scheduler.container.amounts
    (_, cpu), (_, mem), least = amounts["cpu"], amounts["mem"], bytes_for_scheduler(job)
    if not (cpu is not None and cpu < CPU_OF_SCHEDULER) and not (
        mem is not None and mem.value < least
    ):
        return  # the usual case
    needed, threads = needed_by_scheduler(job), counted(job.all_threads, "worker thread")
    if cpu is not None and cpu != ZERO and "cpu" in needed and cpu < needed["cpu"]:
        consequence = f"{cpu} CPUs for {threads}: the scheduler's one thread can use a whole CPU"
        remedy = job.with_amounts(scheduler, {"cpu": needed["cpu"]})
        yield Advice("undersized-scheduler", "scheduler.limits.cpu", consequence, remedy)
    source = scheduler.resolved.mem.limit.source
    # of a named template there is other advice, and zero is no limit
    is_known = not (job.parent.pod_template and source == "platform") and mem != ZERO
    if mem is not None and "mem" in needed and mem.value < least and is_known:
        consequence = (
            f"{mem} of memory for {threads}: the scheduler needs {least // MIB:,}Mi with a "
            "thousand tasks per thread"
        )
        fewer = _fewer_threads(job, least)
        if fewer is not None:
            remedy = job.with_amounts(scheduler, {"mem": needed["mem"]}) + fewer
            yield Advice("undersized-scheduler", "scheduler.limits.mem", consequence, remedy)


def _fewer_threads(job: Job, needed: int) -> str | None:
    """The call that leaves as many threads as the largest scheduler can serve; None if none."""
    most = job.platform.allowed.get("mem")
    if most is None or most.value >= needed:
        return ""
    threads = threads_within(most)
    workers = threads // max(job.threads, 1)
    if workers:
        return with_call("workers", {}, workers)
    if not threads:
        return None
    request, _ = job.pods.workers.container.amounts["cpu"]
    cpus = Quantity(str(threads))
    remedy = job.with_amounts(job.workers, {"cpu": (min(request or cpus, cpus), cpus)}, 1)
    return remedy if remedy.startswith(".") else None


def too_many_workers(job: Job) -> Iterator[Advice]:
    """More workers than one scheduler can serve well."""
    if job.number > _MANY_WORKERS:
        nodes = ceil((job.number + 2) / _PODS_ON_NODE)
        consequence = (
            f"a single-threaded scheduler serves all {job.number:,} workers, and "
            f"{job.number + 2:,} pods need at least {nodes:,} nodes, since a node runs at most "
            f"{_PODS_ON_NODE} pods"
        )
        remedy = f".with_workers({_MANY_WORKERS})"
        yield Advice("too-many-workers", "workers.number_of_workers", consequence, remedy)


def image_mismatch(job: Job) -> Iterator[Advice]:
    """Pods with different images, whose versions and code may differ."""
    own = [role.config.image for role in job.roles]
    task = job.parent.image or "the task's"
    roles = {role.name: str(role.config.image or task) for role in job.roles}
    images = {"task": task, **roles} if job.parent.image else roles
    is_built = all(image is None or isinstance(image, str) for image in own)
    is_known = is_built and not any("{{" in image for image in images.values())  # a template
    if is_known and len(set(images.values())) > 1:
        consequence = (
            f"{', '.join(f'{name} {image}' for name, image in images.items())}: all need the same "
            "Python, dask and code, and if versions differ, the task fails before it starts"
        )
        others = [each for each in roles.values() if each != task]
        yield Advice("image-mismatch", "image", consequence, _same_image(job.parent, others[0]))


def _same_image(task: Parent, other: str) -> str:
    """How the roles get the image of *task*, or, if that is unknown, all of them the *other*."""
    if not task.packages:
        return f'.with_image("{task.image or other}")'
    remedy = "omit the images of the roles, which then use the task's"
    # its reference has a hash, which changes with the specification
    return remedy if task.sdk == "flyte" else f"{remedy}, or pass its ImageSpec: with_image(spec)"


class _Fit(NamedTuple):
    """A number of workers on one node."""

    workers: int
    cpus: int
    gibs: int
    used_cpus: float
    used_memory: float

    @property
    def idle(self) -> float:
        """The idle share of CPUs or of memory, whichever is greater."""
        return 1 - min(self.used_cpus, self.used_memory)


class _Size(NamedTuple):
    """The CPUs and bytes of memory that a pod requests."""

    cpu: Quantity
    mem: Quantity

    def plus(self, other: _Size) -> _Size:
        """The sum of both."""
        return _Size(*(_sum(one, two) for one, two in zip(self, other, strict=True)))

    @property
    def fit(self) -> _Fit | None:
        """The node that fits such pods best; None if there is none."""
        return _best_fit(float(_bounded(self.cpu).value), float(_bounded(self.mem).value) / GIB)


_NO_SIDECARS = _Size(ZERO, ZERO)
_COMMON = _Size(Quantity("16"), Quantity("64Gi"))
"""A size of which some fit on each of the larger nodes."""


def worker_exceeds_node(job: Job) -> Iterator[Advice]:
    """Workers that are larger than any common node."""
    worker, sidecars = _worker(job), _sidecars(job)
    if worker is None or sidecars is None:
        return
    if sidecars == _NO_SIDECARS and worker.cpu <= _COMMON.cpu and worker.mem <= _COMMON.mem:
        return  # the usual case
    if worker.plus(sidecars).fit is not None:
        return
    cpu, mem = worker.plus(sidecars)
    what = "a worker" if sidecars == _NO_SIDECARS else "a worker with its sidecars"
    consequence = (
        f"{what} requests {cpu} CPUs and {mem}, and the largest common nodes have 192 CPUs and "
        "1536Gi, of which some is reserved: it stays Pending unless there is a larger node"
    )
    remedy = _in_more_workers(job, worker, sidecars)
    yield Advice("worker-exceeds-node", "workers.requests", consequence, remedy)


def _in_more_workers(job: Job, worker: _Size, sidecars: _Size) -> str:
    """The call for more and smaller workers, with the same total if possible."""
    cpu, mem = (_bounded(amount).value for amount in worker)
    for times in (2, 4, 8, 16, 32, 64):
        cpus, gibs = max(floor(cpu / times), 1), ceil(mem / GIB / times)
        part = _Size(Quantity(str(cpus)), Quantity(f"{gibs}Gi"))
        if part.plus(sidecars).fit is not None and job.number * times <= MOST_WORKERS:
            return job.with_amounts(job.workers, part._asdict(), job.number * times)
    if _COMMON.plus(sidecars).fit is not None:
        return job.with_amounts(job.workers, _COMMON._asdict())
    return WITHOUT_SIDECARS


def poor_bin_packing(job: Job) -> Iterator[Advice]:
    """Workers of a size that leaves much of each node idle."""
    worker, sidecars, resolved = _worker(job), _sidecars(job), job.workers.resolved
    is_set = resolved.cpu.request.effective and resolved.mem.request.effective
    if worker is None or sidecars is None or not is_set or worker.mem < _MEBIBYTE:
        return
    fit = worker.plus(sidecars).fit
    if fit is None or fit.idle <= _MUCH or job.number < fit.workers:  # few leave room for others
        return
    what, name = ("CPUs", "cpu") if fit.used_cpus < fit.used_memory else ("memory", "mem")
    more = _more(fit, name, getattr(sidecars, name))
    most = job.platform.allowed.get(name)
    if more is None or (most is not None and most < more):
        return  # no remedy
    filling = worker._replace(**{name: more}).plus(sidecars).fit
    if filling is None or filling.idle > _MUCH:
        return
    consequence = (
        f"the common node that fits best has {fit.cpus} CPUs and {fit.gibs}Gi: with "
        f"{counted(fit.workers, 'worker')}, {fit.idle:.0%} of its {what} is idle"
    )
    _, limit = job.pods.workers.container.amounts[name]
    amounts = {name: (more, more if limit is None else max(limit, more))}
    remedy = job.with_amounts(job.workers, amounts)
    yield Advice("poor-bin-packing", "workers.requests", consequence, remedy)


def _worker(job: Job) -> _Size | None:
    """The requests of a worker; None with GPUs, whose nodes have other shapes."""
    amounts = job.pods.workers.container.amounts
    (cpu, _), (mem, _) = amounts["cpu"], amounts["mem"]
    return None if cpu is None or mem is None or "gpu" in amounts else _Size(cpu, mem)


def _sidecars(job: Job) -> _Size | None:
    """The requests of a worker's sidecars; None with GPUs."""
    if not job.pods.workers.sidecars:  # the usual case
        return _NO_SIDECARS
    requests = total([job.pods.workers._replace(replicas=1)], lambda pod: pod.sidecars).requests
    return None if requests.gpu.value else _Size(requests.cpu, requests.mem)


def _sum(one: Quantity, two: Quantity) -> Quantity:
    """The sum of both, in its original spelling if the other is zero."""
    return one if two == ZERO else _bounded(one) + _bounded(two)


def _bounded(amount: Quantity) -> Quantity:
    """*amount* clamped to what a float can hold and be divided by."""
    return min(max(amount, _TINY), _HUGE)


@lru_cache(maxsize=256)
def _best_fit(cpu: float, gib: float) -> _Fit | None:
    """The smallest node that such workers fill about as well as any; None if they fit on none."""
    fits = []
    for cpus, gibs in _NODES:
        workers = floor(min((cpus - _KEPT_CPUS) / cpu, gibs * _USABLE_MEMORY / gib))
        if workers:
            fits.append(_Fit(workers, cpus, gibs, workers * cpu / cpus, workers * gib / gibs))
    least = min((fit.idle for fit in fits), default=0)
    return next((fit for fit in fits if fit.idle <= least + _HARDLY), None)


def _more(fit: _Fit, name: str, sidecars: Quantity) -> Quantity | None:
    """The largest amount with which as many workers, and their *sidecars*, fit; None if zero."""
    if name == "cpu":
        cpus = floor((fit.cpus - _KEPT_CPUS) / fit.workers - float(sidecars.value))
        return Quantity(str(cpus)) if cpus > 0 else None
    mebibytes = floor(fit.gibs * _USABLE_MEMORY / fit.workers * 1024 - sidecars.value / MIB)
    if mebibytes <= 0:
        return None
    return Quantity(f"{mebibytes // 1024}Gi" if mebibytes >= 10 * 1024 else f"{mebibytes}Mi")
