"""Advice on amounts of memory, which Kubernetes and Dask read differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flyte_dask.advice.job import Advice, Job
from flyte_dask.inheritance.parent import NodeOverrides, Parent
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["memory_milli_unit", "missing_worker_memory", "tiny_memory"]

_ENOUGH = Quantity("8Gi")
_MEGABYTE = Quantity("1Mi")
_MOST_GIBS = 64  # a number without a unit up to this was probably meant as Gi
_MOST_MEBIBYTES = 64 * 1024  # a larger one as Mi, up to as much
_UNSET: Pair = (None, None)


def missing_worker_memory(job: Job) -> Iterator[Advice]:
    """Workers with the platform default, which is rarely enough for Dask and pandas."""
    _, given = job.pods.workers.container.amounts["mem"]
    is_default = job.workers.resolved.mem.limit.source == "platform"
    if is_default and given != ZERO and not job.parent.pod_template:
        consequence = (
            f"not set: {job.each_worker} gets the platform default of {given}, which is its "
            "memory limit"
        )
        remedy = job.with_amounts(job.workers, {"mem": _ENOUGH})
        yield Advice("missing-worker-memory", "workers.limits.mem", consequence, remedy)


def memory_milli_unit(job: Job) -> Iterator[Advice]:
    """Memory that is not a whole number of bytes."""
    return _misread(job, "memory-milli-unit", lambda amount: not amount.is_whole, _in_mebibytes)


def tiny_memory(job: Job) -> Iterator[Advice]:
    """Memory below a megabyte, where a unit is probably missing."""
    return _misread(job, "tiny-memory", lambda each: each < _MEGABYTE and each.is_whole, _with_unit)


def _misread(
    job: Job, code: str, is_odd: Callable[[Quantity], bool], meant: Callable[[Quantity], str]
) -> Iterator[Advice]:
    """Amounts that mean less than they look like; the limit matters more than the request."""
    for path, request, limit in _memories(job):
        odd = limit if is_odd(limit) else request
        if odd is None or not is_odd(odd):
            continue
        if odd == limit:
            starts = "" if odd >= _MEGABYTE else ", too little for any process"
            to_dask = _to_dask(job, odd) if path == "workers" else ""
            consequence = f"'{odd}' is {_bytes(odd)}{starts}{to_dask}"
            amount = Quantity(meant(odd))
        else:
            consequence = (
                f"the request '{odd}' is {_bytes(odd)}: Kubernetes schedules the pod as if it "
                "needed no memory"
            )
            amount = limit
        role = next((each for each in job.roles if each.name == path), None)
        amounts = {"mem": amount}
        if role:
            remedy = job.with_amounts(role, amounts)
        elif path == "node":
            remedy = job.with_node_amounts(amounts)
        else:
            remedy = job.with_task_amounts(amounts)
        yield Advice(code, f"{path}.mem", consequence, remedy)


def _memories(job: Job) -> Iterator[tuple[str, Quantity | None, Quantity]]:
    """What sets memory: roles, the task and its node, with the request and the effective limit."""
    for role in job.roles:
        request, limit = _memory_of(role.config)
        effective = role.resolved.mem.limit.effective  # which may be the task's
        if (request or limit) and effective:
            yield role.name, request, effective
    node = job.parent.node if job.platform.backend == "v1" else None
    for path, owner in (("task", job.parent), ("node", node)):
        request, limit = _memory_of(owner) if owner else _UNSET
        effective = limit or request
        if effective:
            yield path, request, effective


def _memory_of(owner: Scheduler | WorkerGroup | Parent | NodeOverrides) -> Pair:
    """The request and the limit that *owner* sets."""
    requests, limits = owner.requests, owner.limits
    return requests and requests.mem, limits and limits.mem


def _to_dask(job: Job, amount: Quantity) -> str:
    """How a worker reads its memory limit, which it gets in Kubernetes' canonical form."""
    text = canonical(amount)
    if text != job.worker_arg("--memory-limit"):
        return ""  # the platform has clamped it
    if text == "1":
        return "; Dask reads 1 as all of the host's memory"
    return f"; Dask reads '{text}' as {text[:-1]} megabytes" if text.endswith("m") else ""


def _in_mebibytes(amount: Quantity) -> str:
    """``500Mi`` for ``500m``, ``1126Mi`` for ``1.1Gi``, and ``1Gi`` where no unit would help."""
    if amount >= _MEGABYTE:
        return f"{amount.value // _MEGABYTE.value}Mi"
    digits = amount.text.removesuffix("m")
    return f"{digits}Mi" if digits.isdigit() and int(digits) else "1Gi"


def _with_unit(amount: Quantity) -> str:
    if amount.text.endswith("m"):
        return _in_mebibytes(amount)
    digits = amount.text.rstrip("kKiM")
    number = int(digits) if digits.isdigit() else int(amount.value)
    units = ("Gi" if number <= _MOST_GIBS else "Mi") if number <= _MOST_MEBIBYTES else "Ki"
    return f"{number}{units}"


def _bytes(amount: Quantity) -> str:
    if amount.is_whole:
        return counted(int(amount.value), "byte")
    is_much = amount >= _MEGABYTE
    return "not a whole number of bytes" if is_much else f"{float(amount.value):g} bytes"
