"""Advice about what is said of CPUs, and on one side only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import ceil

from flyte_dask.advice.job import Advice, Job, Role, amount_text, verb
from flyte_dask.advice.needs import needed_by_scheduler, whole_cpus
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Pair

__all__ = [
    "fractional_cpu",
    "inherited_limit",
    "missing_limit",
]


def fractional_cpu(job: Job) -> Iterator[Advice]:
    """The number of threads is the limit rounded up."""
    request, limit = job.pods.workers.container.amounts["cpu"]
    if limit is None or limit.is_whole:
        return
    threads = ceil(limit.value)
    share = float(limit.value / threads)
    consequence = (
        f"{amount_text(limit)} CPUs are rounded up to {counted(threads, 'thread')}, each of which "
        f"gets {share:.0%} of a CPU"
    )
    cpus = whole_cpus(job, limit)
    if cpus is None:
        return  # nothing that one could do
    low = cpus if request is None or request == limit else min(request, cpus)
    remedy = job.says(job.workers, {"cpu": (low, cpus)})
    yield Advice("fractional-cpu", "workers.limits.cpu", consequence, remedy)


def inherited_limit(job: Job) -> Iterator[Advice]:
    """A role that asks for little may use, and count on, what the task may."""
    for role in job.roles:
        found = {
            name: pair
            for name, pair in role.pairs
            if pair.request.source == "role" and pair.limit.source == "task"
            if pair.request.effective != pair.limit.effective
        }
        if found:
            amounts = ", ".join(
                f"{name} {pair.request.effective} is requested beside the task's limit of "
                f"{pair.limit.effective}"
                for name, pair in found.items()
            )
            has_threads = role.name == "workers" and "cpu" in found
            threads = f": {counted(job.threads, 'thread')} in each worker" if has_threads else ""
            remedy = job.says(role, _enough(job, role, _requested(role, found)))
            yield Advice("inherited-limit", f"{role.name}.limits", amounts + threads, remedy)


def missing_limit(job: Job) -> Iterator[Advice]:
    """Flyte makes the limit the same."""
    for role in job.roles:
        found = [
            name
            for name, pair in role.pairs
            if pair.request.source == "role" and pair.limit.source == "matched"
        ]
        if found:
            consequence = f"{', '.join(found)}: the limit is not said, and is the request"
            remedy = verb(role.name, _requested(role, found))
            yield Advice("missing-limit", f"{role.name}.limits", consequence, remedy)


def _requested(role: Role, names: Collection[str]) -> dict[str, Quantity]:
    """What *role* requests of these dimensions."""
    requested = ((name, pair.request.effective) for name, pair in role.pairs if name in names)
    return {name: amount for name, amount in requested if amount is not None}


def _enough(job: Job, role: Role, amounts: dict[str, Quantity]) -> dict[str, Quantity | Pair]:
    """*amounts* as both sides; but with limits that the role can work with."""
    least = needed_by_scheduler(job) if role.name == "scheduler" else {}
    enough: dict[str, Quantity | Pair] = {}
    for name, amount in amounts.items():
        limit = max(amount, least.get(name, amount))
        if role.name == "workers" and name == "cpu":
            limit = whole_cpus(job, amount) or amount
        enough[name] = (min(amount, limit), limit)
    return enough
