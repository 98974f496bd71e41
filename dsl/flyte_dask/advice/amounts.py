"""Advice on fractional CPUs, and on requests without a limit of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from math import ceil

from flyte_dask.advice.job import Advice, Job, Role, with_call
from flyte_dask.advice.needs import needed_by_scheduler, whole_cpus
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Pair

__all__ = ["fractional_cpu", "inherited_limit", "missing_limit"]


def fractional_cpu(job: Job) -> Iterator[Advice]:
    """Workers with a fraction of a CPU, whose number of threads is rounded up."""
    request, limit = job.pods.workers.container.amounts["cpu"]
    if limit is None or limit.is_whole:
        return
    threads = ceil(limit.value)
    share = float(limit.value / threads)
    consequence = (
        f"{limit.text} CPUs are rounded up to {counted(threads, 'thread')}, each with {share:.0%} "
        "of a CPU"
    )
    cpus = whole_cpus(job, limit)
    if cpus is None:
        return  # no remedy
    low = cpus if request is None or request == limit else min(request, cpus)
    remedy = job.with_amounts(job.workers, {"cpu": (low, cpus)})
    yield Advice("fractional-cpu", "workers.limits.cpu", consequence, remedy)


def inherited_limit(job: Job) -> Iterator[Advice]:
    """Requests of a role with a higher limit that is inherited from the task."""
    for role in job.roles:
        found = {
            name: pair
            for name, pair in role.pairs
            if pair.request.source == "role" and pair.limit.source == "task"
            if pair.request.effective != pair.limit.effective
        }
        if found:
            amounts = ", ".join(
                f"{name} request {pair.request.effective} with the limit {pair.limit.effective} "
                "inherited from the task"
                for name, pair in found.items()
            )
            has_threads = role.name == "workers" and "cpu" in found
            threads = f": {counted(job.threads, 'thread')} in each worker" if has_threads else ""
            remedy = job.with_amounts(role, _enough(job, role, _requested(role, found)))
            yield Advice("inherited-limit", f"{role.name}.limits", amounts + threads, remedy)


def missing_limit(job: Job) -> Iterator[Advice]:
    """Requests without a limit, which defaults to the request."""
    for role in job.roles:
        found = [
            name
            for name, pair in role.pairs
            if pair.request.source == "role" and pair.limit.source == "matched"
        ]
        if found:
            consequence = f"{', '.join(found)}: the limit is not set and defaults to the request"
            remedy = with_call(role.name, _requested(role, found))
            yield Advice("missing-limit", f"{role.name}.limits", consequence, remedy)


def _requested(role: Role, names: Collection[str]) -> dict[str, Quantity]:
    """The requests of *role* for the dimensions *names*."""
    requested = ((name, pair.request.effective) for name, pair in role.pairs if name in names)
    return {name: amount for name, amount in requested if amount is not None}


def _enough(job: Job, role: Role, amounts: dict[str, Quantity]) -> dict[str, Quantity | Pair]:
    """*amounts* as requests and limits, with limits that are enough for the role."""
    least = needed_by_scheduler(job) if role.name == "scheduler" else {}
    enough: dict[str, Quantity | Pair] = {}
    for name, amount in amounts.items():
        limit = max(amount, least.get(name, amount))
        if role.name == "workers" and name == "cpu":
            limit = whole_cpus(job, amount) or amount
        enough[name] = (min(amount, limit), limit)
    return enough
