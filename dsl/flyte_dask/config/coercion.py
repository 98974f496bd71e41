"""Conversion and validation of the arguments of `Dask`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import cast

from flyte_dask.errors import Problem
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.resources import looks_like_resources, plain_int
from flyte_dask.roles.roles import Scheduler, WorkerGroup, count_problems, with_set

__all__ = [
    "UNSET_SCHEDULER",
    "UNSET_WORKERS",
    "as_codes",
    "as_scheduler",
    "as_workers",
    "inherit_problems",
    "role_problems",
    "runtime_problems",
    "silence_problems",
]

UNSET_SCHEDULER = Scheduler()
UNSET_WORKERS = WorkerGroup()


def as_scheduler(value: Scheduler | None) -> Scheduler:
    """*value*, or for None a scheduler that sets nothing."""
    return UNSET_SCHEDULER if value is None else value


def as_codes(value: Iterable[str]) -> tuple[str, ...]:
    """*value* as a sorted tuple without duplicates; unchanged if it is invalid."""
    if isinstance(value, (list, tuple, set, frozenset)):
        with suppress(TypeError):
            return tuple(sorted(map(plain_text, set(value))))
    return cast("tuple[str, ...]", value)


def as_workers(value: int | WorkerGroup | None) -> WorkerGroup:
    """*value* as a group, ``5`` as ``WorkerGroup(5)``; unchanged if it is invalid."""
    if value is None:
        return UNSET_WORKERS
    if isinstance(value, WorkerGroup):
        return value
    count = plain_int(value)
    if count is None or any(count_problems("workers", count)):
        return cast("WorkerGroup", count)
    return with_set(UNSET_WORKERS, {"number_of_workers": count}, "Dask(...)")


def role_problems(scheduler: object, workers: object) -> Iterator[Problem]:
    """The problems of the two roles of a `Dask`; None means unset and is valid."""
    if scheduler is not None and not isinstance(scheduler, Scheduler):
        remedy = "pass Scheduler(...), or omit it"
        if isinstance(scheduler, (int, WorkerGroup)):
            remedy = "pass workers=... or Scheduler(...)"
        elif looks_like_resources(scheduler):
            remedy = "pass Scheduler(requests=..., limits=...)"
        yield Problem("scheduler", scheduler, "is not a Scheduler", remedy)
    if workers is None or isinstance(workers, WorkerGroup):
        return
    if type(workers) is int:
        yield from count_problems("workers", workers)
    else:
        remedy = "pass a number of workers or WorkerGroup(...)"
        if looks_like_resources(workers):
            remedy = "pass a number of workers or WorkerGroup(..., requests=..., limits=...)"
        yield Problem("workers", workers, "must be an int or a WorkerGroup", remedy)


def inherit_problems(inherit: object, *, required: bool = False) -> Iterator[Problem]:
    """The problem if *inherit* is not an inheritance mode; None is valid unless *required*."""
    if inherit is None and not required:
        return
    if not isinstance(inherit, str) or inherit not in {"fill", "pin", "off"}:
        remedy = "use 'fill', 'pin' or 'off'"
        yield Problem("inherit", inherit, "is an unknown inheritance mode", remedy)


def runtime_problems(runtime: object) -> Iterator[Problem]:
    """The problem if *runtime* is not a `Runtime`; None means unset and is valid."""
    if runtime is None:
        return
    from flyte_dask.config.runtime import Runtime  # noqa: PLC0415  # most configs set none

    if not isinstance(runtime, Runtime):
        yield Problem("runtime", runtime, "is not a Runtime", "pass Runtime(...), or omit it")


def silence_problems(silence: object) -> Iterator[Problem]:
    """The problems of *silence* as rule codes of advice."""
    if not isinstance(silence, tuple) or silence:
        from flyte_dask.rules import code_problems  # noqa: PLC0415  # most configs silence none

        yield from code_problems("silence", silence)
