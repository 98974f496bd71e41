"""Advice about amounts of memory, which Kubernetes and Dask do not read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flyte_dask.advice.job import Advice, Job, amount_text
from flyte_dask.quantities.formatting import counted
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import pairs

__all__ = ["memory_milli_unit", "missing_worker_memory", "tiny_memory"]

_ENOUGH = Quantity("8Gi")
_MEGABYTE = Quantity("1Mi")
_MOST_GIBS = 64  # a bare number up to this was probably meant as Gi
_MOST_MEBIBYTES = 64 * 1024  # a larger one as Mi, up to as much
_UNSET: Pair = (None, None)


def missing_worker_memory(job: Job) -> Iterator[Advice]:
    """The platform's default is rarely enough for Dask and pandas."""
    if job.workers.resolved.mem.limit.source == "platform" and not job.parent.pod_template:
        _, given = job.pods.workers.container.amounts["mem"]
        consequence = (
            f"nobody says it: {job.each_worker} gets the platform's default, {amount_text(given)}, "
            "and that is its memory limit"
        )
        remedy = job.says(job.workers, {"mem": _ENOUGH})
        yield Advice("missing-worker-memory", "workers.limits.mem", consequence, remedy)


def memory_milli_unit(job: Job) -> Iterator[Advice]:
    """No memory has parts of a byte."""
    return _misread(job, "memory-milli-unit", lambda amount: not amount.is_whole, _in_mebibytes)


def tiny_memory(job: Job) -> Iterator[Advice]:
    """A unit is missing."""
    return _misread(job, "tiny-memory", _is_tiny, _with_unit)


def _misread(
    job: Job, code: str, is_odd: Callable[[Quantity], bool], meant: Callable[[Quantity], str]
) -> Iterator[Advice]:
    """Amounts that mean less than they look like; of a pod it is the limit that counts."""
    for path, request, limit in _memories(job):
        odd = limit if is_odd(limit) else request
        if odd is None or not is_odd(odd):
            continue
        if odd == limit:
            starts = "" if odd >= _MEGABYTE else ", with which no process starts"
            to_dask = _to_dask(job, odd) if path == "workers" else ""
            consequence = f"'{odd}' is {_bytes(odd)}{starts}{to_dask}"
            amount = Quantity(meant(odd))
        else:
            consequence = (
                f"the request '{odd}' is {_bytes(odd)}: Kubernetes places the pod as if it needed "
                "no memory"
            )
            amount = limit
        yield Advice(code, f"{path}.mem", consequence, _saying(job, path, amount))


def _memories(job: Job) -> Iterator[tuple[str, Quantity | None, Quantity]]:
    """Who says something of memory, what it requests, and what limit comes of it."""
    for role in job.roles:
        request, limit = pairs(role.said.requests, role.said.limits).get("mem", _UNSET)
        comes_to = role.resolved.mem.limit.effective  # which may be the task's
        if (request or limit) and comes_to:
            yield role.name, request, comes_to
    request, limit = pairs(job.parent.requests, job.parent.limits).get("mem", _UNSET)
    counts = limit or request
    if counts:
        yield "task", request, counts


def _to_dask(job: Job, amount: Quantity) -> str:
    """What a worker makes of its memory limit, which it is told as Kubernetes spells it."""
    told = canonical(amount)
    if told != job.told("--memory-limit"):
        return ""  # since the platform has cut it
    if told == "1":
        return "; to Dask 1 is all of the host's memory"
    return f"; Dask is told '{told}', {told[:-1]} megabytes" if told.endswith("m") else ""


def _saying(job: Job, path: str, amount: Quantity) -> str:
    """The code that says *amount* of memory: a role's verb, or the task's arguments."""
    role = next((each for each in job.roles if each.name == path), None)
    return job.says(role, {"mem": amount}) if role else job.task_sets({"mem": amount})


def _in_mebibytes(amount: Quantity) -> str:
    """``500Mi`` of ``500m``, and ``1126Mi`` of ``1.1Gi``; but what no unit can help is 1Gi."""
    if amount >= _MEGABYTE:
        return f"{amount.value // _MEGABYTE.value}Mi"
    digits = amount.text.removesuffix("m")
    return f"{digits}Mi" if digits.isdigit() and int(digits) else "1Gi"


def _is_tiny(amount: Quantity) -> bool:
    return amount < _MEGABYTE and amount.is_whole


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
    return "no whole number of bytes" if is_much else f"{float(amount.value):g} bytes"
