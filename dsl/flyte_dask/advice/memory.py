"""Advice about amounts of memory, which Kubernetes and Dask do not read alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flyte_dask.advice.job import Advice, Job, amount_text, verb
from flyte_dask.canonical import canonical
from flyte_dask.figures import counted
from flyte_dask.quantity import Quantity

__all__ = ["memory_in_thousandths", "tiny_memory", "worker_without_memory"]

_ENOUGH = Quantity("8Gi")
_MEGABYTE = Quantity("1Mi")
_MOST_GIBS = 64  # a bare number up to this was probably meant as Gi, a larger one as Mi


def worker_without_memory(job: Job) -> Iterator[Advice]:
    """The platform's default is rarely enough for Dask and pandas."""
    if job.workers.resolved.mem.limit.source == "platform" and not job.parent.pod_template:
        _, given = job.pods.workers.container.amounts["mem"]
        consequence = (
            f"nobody says it: {job.each_worker} gets the platform's default, {amount_text(given)}, "
            "and that is its memory limit"
        )
        remedy = job.says(job.workers, {"mem": _ENOUGH})
        yield Advice("worker-without-memory", "workers.limits.mem", consequence, remedy)


def memory_in_thousandths(job: Job) -> Iterator[Advice]:
    """No memory has parts of a byte."""
    return _misread(job, "memory-in-thousandths", lambda amount: not amount.is_whole, _in_mebibytes)


def tiny_memory(job: Job) -> Iterator[Advice]:
    """A unit is missing."""
    return _misread(job, "tiny-memory", _is_tiny, _with_unit)


def _misread(
    job: Job, code: str, is_odd: Callable[[Quantity], bool], meant: Callable[[Quantity], str]
) -> Iterator[Advice]:
    """Amounts that mean less than they look like; of a pod it is the limit that counts."""
    for path, request, limit in _memories(job):
        counts = limit or request
        odd = counts if counts and is_odd(counts) else request
        if odd is None or counts is None or not is_odd(odd):
            continue
        if odd is counts:
            starts = "" if odd >= _MEGABYTE else ", with which no process starts"
            consequence = f"'{odd}' is {_bytes(odd)}{starts}{_to_dask(path, odd)}"
            remedy = _said(path, meant(odd))
        else:
            consequence = (
                f"the request '{odd}' is {_bytes(odd)}: Kubernetes places the pod as if it needed "
                "no memory"
            )
            remedy = _said(path, counts.text)
        yield Advice(code, f"{path}.mem", consequence, remedy)


def _memories(job: Job) -> Iterator[tuple[str, Quantity | None, Quantity | None]]:
    """Who says something of memory, and what."""
    said = (
        ("scheduler", job.config.scheduler),
        ("workers", job.config.workers),
        ("task", job.parent),
    )
    for path, who in said:
        yield path, who.requests and who.requests.mem, who.limits and who.limits.mem


def _to_dask(path: str, amount: Quantity) -> str:
    """What a worker makes of its memory limit, which it is told as Kubernetes spells it."""
    told = canonical(amount)
    if path != "workers":
        return ""
    if told == "1":
        return "; to Dask 1 is all of the host's memory"
    return f"; Dask is told '{told}', {told[:-1]} megabytes" if told.endswith("m") else ""


def _said(path: str, amount: str) -> str:
    """The code that says *amount* of memory: a role's verb, or the task's arguments."""
    if path == "task":
        return f'@task(requests=Resources(mem="{amount}"), limits=Resources(mem="{amount}"))'
    return verb(path, {"mem": amount})


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
    digits = amount.text.rstrip("kKi")
    number = int(digits) if digits.isdigit() else int(amount.value)
    return f"{number}{'Gi' if number <= _MOST_GIBS else 'Mi'}"


def _bytes(amount: Quantity) -> str:
    if amount.is_whole:
        return counted(int(amount.value), "byte")
    is_much = amount >= _MEGABYTE
    return "no whole number of bytes" if is_much else f"{float(amount.value):g} bytes"
