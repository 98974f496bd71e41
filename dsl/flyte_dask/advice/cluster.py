"""Advice about the cluster as a whole: how its pods fit together, and fit on nodes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from math import ceil, floor
from typing import NamedTuple

from flyte_dask.advice.job import Advice, Job
from flyte_dask.figures import counted
from flyte_dask.footprint import total
from flyte_dask.image import image_name
from flyte_dask.quantity import Quantity

__all__ = [
    "beyond_nodes",
    "image_mismatch",
    "loose_packing",
    "many_workers",
    "sidecars_multiplied",
    "small_scheduler",
]

_MIB, _GIB = 2**20, 2**30
_ONE = Quantity("1")
_TINY, _HUGE = Quantity("1n"), Quantity("1000E")

# Measured with distributed 2026.8: a scheduler with its dashboard takes 80Mi, 175Mi once it has
# read a graph of dataframes, and 2.7 kB for each task that it knows. A graph has some thousand
# tasks for each thread that works at it.
_SCHEDULER_ITSELF = 256 * _MIB
_SCHEDULER_FOR_THREAD = 3 * _MIB
_MOST_SENSIBLE = 64 * _GIB  # beyond which it is not the scheduler that is wrong
_FEW_THREADS = 16  # for which part of a CPU is enough

_MANY_WORKERS = 1000
_PODS_ON_NODE = 110  # by default

_NODES = tuple(product((4, 8, 16, 32, 64, 96, 128, 192), (4, 8, 2)))
"""The shapes that all clouds have: CPUs, and GiB of memory for each of them."""
_KEPT_CPUS, _USABLE_MEMORY = 0.25, 0.9  # Kubernetes and the system keep the rest of a node
_MUCH = 1 / 3
_HARDLY = 0.05


def small_scheduler(job: Job) -> Iterator[Advice]:
    """It is one thread, and holds the whole graph."""
    scheduler = job.roles[0]
    threads = job.number * max(job.threads, 1)
    of_workers = f"for {counted(threads, 'thread')} of workers"
    (_, cpu), (_, mem) = (job.pods.scheduler.container.amounts[name] for name in ("cpu", "mem"))
    most = job.platform.allowed.get("cpu", _ONE)
    if cpu is not None and cpu < _ONE and threads > _FEW_THREADS and most >= _ONE:
        consequence = f"{of_workers} {cpu} CPUs are less than its one thread can use"
        remedy = job.says(scheduler, {"cpu": _ONE})
        yield Advice("small-scheduler", "scheduler.limits.cpu", consequence, remedy)
    needed = _SCHEDULER_ITSELF + _SCHEDULER_FOR_THREAD * threads
    if mem is not None and mem.value < needed <= _MOST_SENSIBLE and not _is_servers(job):
        consequence = (
            f"{of_workers} {mem} of memory are less than the {needed // _MIB:,}Mi that it and "
            "graphs of a thousand tasks for each thread take"
        )
        remedy = _memory_for_scheduler(job, needed)
        yield Advice("small-scheduler", "scheduler.limits.mem", consequence, remedy)


def _is_servers(job: Job) -> bool:
    """Whether only Flyte knows the scheduler's memory."""
    is_said = job.resolved.scheduler.mem.limit.source != "platform"
    return bool(job.parent.pod_template) and not is_said


def _memory_for_scheduler(job: Job, needed: int) -> str:
    """Enough of it; or if the platform does not allow that, all that it does, and fewer workers."""
    enough = job.says(job.roles[0], {"mem": Quantity(f"{ceil(needed / _GIB)}Gi")})
    most = job.platform.allowed.get("mem")
    if most is None or most.value >= needed:
        return enough
    threads = int(most.value - _SCHEDULER_ITSELF) // _SCHEDULER_FOR_THREAD
    fewer = max(threads // max(job.threads, 1), 1)
    return f"{enough}.with_workers({fewer})"


def many_workers(job: Job) -> Iterator[Advice]:
    """One scheduler has them all."""
    if job.number > _MANY_WORKERS:
        nodes = ceil((job.number + 2) / _PODS_ON_NODE)
        consequence = (
            f"one scheduler, which is one thread, serves all {job.number:,} workers, and "
            f"{job.number + 2:,} pods need {nodes:,} nodes or more, since Kubernetes puts at most "
            f"{_PODS_ON_NODE} on one"
        )
        remedy = f".with_workers({_MANY_WORKERS})"
        yield Advice("many-workers", "workers.number_of_workers", consequence, remedy)


def image_mismatch(job: Job) -> Iterator[Advice]:
    """Versions and code have to be the same in all of them."""
    task = job.parent.image or "the task's"
    said = {role.name: role.said.image for role in job.roles}
    roles = {name: task if image is None else image_name(image) for name, image in said.items()}
    images = {"task": task, **roles} if job.parent.image else roles
    is_known = not any("{{" in image for image in images.values())  # until they are filled in
    if is_known and len(set(images.values())) > 1:
        meant = job.parent.image or next(each for each in roles.values() if each != task)
        consequence = (
            f"{', '.join(f'{name} {image}' for name, image in images.items())}: they need the same "
            "Python, dask and code, and where versions differ the task fails before it starts"
        )
        yield Advice("image-mismatch", "image", consequence, f'.with_image("{meant}")')


def sidecars_multiplied(job: Job) -> Iterator[Advice]:
    """Pods of the cluster are copies of the task's whole pod."""
    names = [each.name for each in job.parent.sidecars]
    if names:
        pods = job.number + 2
        taken = total(job.pods, lambda pod: pod.sidecars).requests
        taking = f", and take {taken}" if any(each.value for each in taken) else ""
        who = ", ".join(names)
        consequence = f"{pods} pods have a copy of {who}{taking}"
        remedy = "a task of its own for what needs the sidecar, without a cluster"
        yield Advice("sidecars-multiplied", "task.sidecars", consequence, remedy)


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


def beyond_nodes(job: Job) -> Iterator[Advice]:
    """No common node is that large."""
    size = _worker(job)
    if size is not None and _best_fit(*size) is None:
        (cpu, _), (mem, _) = (job.pods.workers.container.amounts[name] for name in ("cpu", "mem"))
        consequence = (
            f"a worker of {cpu} CPUs and {mem} fits on no common node, of which the largest have "
            "192 CPUs and 1536Gi, and keep some for themselves: without a larger one it stays "
            "Pending"
        )
        yield Advice("beyond-nodes", "workers.requests", consequence, _in_more_workers(job, *size))


def _in_more_workers(job: Job, cpu: float, gib: float) -> str:
    """As much in all, if that is still a cluster."""
    fitting = (times for times in (2, 4, 8, 16, 32, 64) if _best_fit(cpu / times, gib / times))
    times = next(fitting, None)
    if times is None:
        return job.says(job.workers, {"cpu": Quantity("16"), "mem": Quantity("64Gi")})
    cpus, gibs = max(floor(cpu / times), 1), ceil(gib / times)
    amounts = {"cpu": Quantity(str(cpus)), "mem": Quantity(f"{gibs}Gi")}
    return job.says(job.workers, amounts).replace("(", f"({job.number * times}, ", 1)


def loose_packing(job: Job) -> Iterator[Advice]:
    """What is left of a node is paid for, too."""
    size, resolved = _worker(job), job.workers.resolved
    is_said = resolved.cpu.request.effective and resolved.mem.request.effective
    fit = _best_fit(*size) if size and is_said and size[1] > 1 / 1024 else None
    if fit is None or fit.idle <= _MUCH or job.number < fit.workers:  # few leave room for others
        return
    what, name = ("CPUs", "cpu") if fit.used_cpus < fit.used_memory else ("memory", "mem")
    more = _more_cpus(fit) if name == "cpu" else _more_memory(fit)
    most = job.platform.allowed.get(name)
    if most is not None and most < more:
        return  # nothing that one could do
    consequence = (
        f"no common node fits them better than one of {fit.cpus} CPUs and {fit.gibs}Gi: "
        f"{counted(fit.workers, 'worker')}, and {fit.idle:.0%} of its {what} idle"
    )
    _, limit = job.pods.workers.container.amounts[name]
    said = {name: (more, more if limit is None else max(limit, more))}
    yield Advice("loose-packing", "workers.requests", consequence, job.says(job.workers, said))


def _worker(job: Job) -> tuple[float, float] | None:
    """CPUs and GiB that a worker asks for; None with GPUs, whose nodes have other shapes."""
    amounts = job.pods.workers.container.amounts
    (cpu, _), (mem, _) = amounts["cpu"], amounts["mem"]
    if cpu is None or mem is None or "gpu" in amounts:
        return None
    return _bounded(cpu), _bounded(mem) / _GIB


def _bounded(amount: Quantity) -> float:
    """As a number, which neither overflows nor is too small to divide by."""
    return float(min(max(amount, _TINY), _HUGE).value)


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


def _more_cpus(fit: _Fit) -> Quantity:
    """All that the node has for as many workers."""
    return Quantity(str(max(floor((fit.cpus - _KEPT_CPUS) / fit.workers), 1)))


def _more_memory(fit: _Fit) -> Quantity:
    mebibytes = floor(fit.gibs * _USABLE_MEMORY / fit.workers * 1024)
    return Quantity(f"{mebibytes // 1024}Gi" if mebibytes >= 10 * 1024 else f"{mebibytes}Mi")
