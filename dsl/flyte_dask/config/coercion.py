"""What a config is made of: its parts as people write them, and what keeps them from being such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import cast

from flyte_dask.errors import Problem
from flyte_dask.quantities.quantity import plain_text
from flyte_dask.roles.resources import plain_int
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

_WAYS = ("fill", "pin", "off")

UNSET_SCHEDULER = Scheduler()
UNSET_WORKERS = WorkerGroup()


def as_scheduler(value: Scheduler | None) -> Scheduler:
    """None is a scheduler that says nothing."""
    return UNSET_SCHEDULER if value is None else value


def as_codes(value: Iterable[str]) -> tuple[str, ...]:
    """Codes, each once, in order; what cannot be some stays as it is, to be judged."""
    if isinstance(value, (list, tuple, set, frozenset)):
        with suppress(TypeError):
            return tuple(sorted(map(plain_text, set(value))))
    return cast("tuple[str, ...]", value)


def as_workers(value: int | WorkerGroup | None) -> WorkerGroup:
    """``5`` is short for ``WorkerGroup(5)``; what cannot be one stays as it is, to be judged."""
    if value is None:
        return UNSET_WORKERS
    if isinstance(value, WorkerGroup):
        return value
    count = plain_int(value)
    if count is None or any(count_problems("workers", count)):
        return cast("WorkerGroup", count)
    return with_set(UNSET_WORKERS, {"number_of_workers": count}, "Dask(...)")


def role_problems(scheduler: object, workers: object) -> Iterator[Problem]:
    """What keeps the two from being the roles of a `Dask`; None is unsaid and no problem."""
    if scheduler is not None and not isinstance(scheduler, Scheduler):
        remedy = "write Scheduler(...), or leave it out"
        if isinstance(scheduler, (int, WorkerGroup)):
            remedy = "write workers=... if that is meant, else Scheduler(...)"
        yield Problem("scheduler", scheduler, "is no Scheduler", remedy)
    if workers is None or isinstance(workers, WorkerGroup):
        return
    if type(workers) is int:
        yield from count_problems("workers", workers)
    else:
        remedy = "write a number of workers or WorkerGroup(...)"
        yield Problem("workers", workers, "is no number and no WorkerGroup", remedy)


def inherit_problems(path: str, inherit: object, *, required: bool = False) -> Iterator[Problem]:
    """What keeps *inherit* from being a way to inherit; None is unsaid and no problem."""
    if inherit is None and not required:
        return
    if not isinstance(inherit, str) or inherit not in _WAYS:
        yield Problem(path, inherit, "is no way to inherit", "write 'fill', 'pin' or 'off'")


def runtime_problems(runtime: object) -> Iterator[Problem]:
    """What keeps *runtime* from being a `Runtime`; None is unsaid and no problem."""
    if runtime is None:
        return
    from flyte_dask.config.runtime import Runtime  # noqa: PLC0415  # most say none

    if not isinstance(runtime, Runtime):
        yield Problem("runtime", runtime, "is no Runtime", "write Runtime(...), or leave it out")


def silence_problems(silence: object) -> Iterator[Problem]:
    """What keeps *silence* from being codes of advice."""
    if silence != ():
        from flyte_dask.rules import code_problems  # noqa: PLC0415  # most silence none

        yield from code_problems("silence", silence)
