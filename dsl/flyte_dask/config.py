"""The configuration of a Dask task: a scheduler, a group of workers, and how two configs merge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from operator import index
from typing import cast, final

import attrs

from flyte_dask.arguments import ConfigType
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.images import image_problems
from flyte_dask.resources import (
    Resources,
    amount_problems,
    as_resources,
    looks_like_resources,
    merge_pairs,
    pair_problems,
)
from flyte_dask.said import said_repr

__all__ = ["Dask", "Scheduler", "WorkerGroup"]

_MOST_WORKERS = 2**32 - 1  # a uint32 on the wire


@final
@attrs.frozen(repr=False)
class Scheduler(metaclass=ConfigType):
    """The scheduler pod, as far as it differs from the task's pod; None is unsaid.

    Args:
        image: image reference with ``dask[distributed]`` and the same Python environment as the
            task's; unsaid, the task's image.
        requests: what the pod is scheduled by; unsaid together with *limits*, the task's.
        limits: what the pod may use at most.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    image: str | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Scheduler(...)", _pod_problems(self))

    def __repr__(self) -> str:
        return said_repr(self)

    def __or__(self, other: Scheduler) -> Scheduler:
        """This scheduler, with all that *other* says in its place."""
        if not isinstance(other, Scheduler):
            return NotImplemented
        return Scheduler(*_merged_pod(self, other))


def _as_count(value: int | None) -> int | None:
    """A plain int, from other libraries' integers too; what is none stays, to be judged."""
    if value is None or type(value) is int:
        return value
    if not isinstance(value, bool):
        with suppress(TypeError):
            return index(value)
    return value


@final
@attrs.frozen(repr=False)
class WorkerGroup(metaclass=ConfigType):
    """The worker pods, all alike, as far as they differ from the task's pod; None is unsaid.

    Amounts are those of one worker. Each pod runs one worker process, which Flyte gives as many
    threads as the pod's CPU limit, rounded up, and the pod's memory limit.

    Args:
        number_of_workers: 1 to 2**32 - 1; unsaid, it reads 1.
        image: image reference with ``dask[distributed]`` and the same Python environment as the
            task's; unsaid, the task's image.
        requests: what each pod is scheduled by; unsaid together with *limits*, the task's.
        limits: what each pod may use at most.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    _said_number: int | None = attrs.field(
        default=None, alias="number_of_workers", converter=_as_count
    )
    image: str | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)

    def __attrs_post_init__(self) -> None:
        number = count_problems("number_of_workers", self._said_number)
        raise_if_any("WorkerGroup(...)", [*number, *_pod_problems(self)])

    @property
    def number_of_workers(self) -> int:
        """How many worker pods; 1 if unsaid."""
        return 1 if self._said_number is None else self._said_number

    def __repr__(self) -> str:
        return said_repr(self)

    def __or__(self, other: WorkerGroup) -> WorkerGroup:
        """This group, with all that *other* says in its place."""
        if not isinstance(other, WorkerGroup):
            return NotImplemented
        number = self._said_number if other._said_number is None else other._said_number
        return WorkerGroup(number, *_merged_pod(self, other))


def _as_scheduler(value: Scheduler | None) -> Scheduler:
    return Scheduler() if value is None else value


def _as_workers(value: int | WorkerGroup | None) -> WorkerGroup:
    """``5`` is short for ``WorkerGroup(5)``; what cannot be one stays as it is, to be judged."""
    if value is None:
        return WorkerGroup()
    count = value if isinstance(value, WorkerGroup) else _as_count(value)
    if isinstance(count, int) and not any(count_problems("workers", count)):
        return WorkerGroup(count)
    return cast("WorkerGroup", count)


@final
@attrs.frozen(repr=False)
class Dask(metaclass=ConfigType):
    """The Dask cluster of one task: ``@task(task_config=Dask(workers=5))``.

    Args:
        scheduler: the scheduler pod; unsaid, one like the task's pod.
        workers: the worker pods, or just their number; unsaid, one like the task's pod.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    scheduler: Scheduler = attrs.field(default=None, converter=_as_scheduler)
    workers: WorkerGroup = attrs.field(default=None, converter=_as_workers)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Dask(...)", role_problems(self.scheduler, self.workers))

    def __init_subclass__(cls) -> None:
        rule = "has no subclasses: flytekit would run a task with one as a plain task, without Dask"
        remedy = "make a Preset, or a function that returns a Dask"
        raise_if_any(f"class {cls.__name__}", [Problem("bases", Dask, rule, remedy)])

    def __repr__(self) -> str:
        return said_repr(self)

    def __or__(self, other: Dask) -> Dask:
        """This config, with all that *other* says in its place."""
        if not isinstance(other, Dask):
            return NotImplemented
        return Dask(self.scheduler | other.scheduler, self.workers | other.workers)


def role_problems(scheduler: object, workers: object) -> Iterator[Problem]:
    """What keeps the two from being the roles of a `Dask`; None is unsaid and no problem."""
    if scheduler is not None and not isinstance(scheduler, Scheduler):
        remedy = "write Scheduler(...), or leave it out"
        yield Problem("scheduler", scheduler, "is no Scheduler", remedy)
    if workers is None or isinstance(workers, WorkerGroup):
        return
    if type(workers) is int:
        yield from count_problems("workers", workers)
    else:
        remedy = "write a number of workers or WorkerGroup(...)"
        yield Problem("workers", workers, "is no number and no WorkerGroup", remedy)


def count_problems(path: str, count: object) -> Iterator[Problem]:
    """What keeps *count* from being a number of workers; None is unsaid and no problem."""
    remedy = f"write a whole number from 1 to {_MOST_WORKERS}"
    if count is not None and type(count) is not int:
        yield Problem(path, count, f"is of type {type(count).__name__}, not int", remedy)
    elif count is not None and not 1 <= count <= _MOST_WORKERS:
        yield Problem(path, count, "is out of range", remedy)


def _pod_problems(role: Scheduler | WorkerGroup) -> Iterator[Problem]:
    yield from image_problems("image", role.image)
    sides: list[tuple[str, object]] = [("requests", role.requests), ("limits", role.limits)]
    for side, value in sides:
        if value is None or isinstance(value, Resources):
            continue
        if looks_like_resources(value):
            yield from (problem.under(side) for problem in amount_problems(value))
        else:
            yield Problem(side, value, "is no Resources", "write Resources(cpu=..., mem=...)")
    yield from pair_problems(role.requests, role.limits)


def _merged_pod(
    left: Scheduler | WorkerGroup, right: Scheduler | WorkerGroup
) -> tuple[str | None, Resources | None, Resources | None]:
    image = left.image if right.image is None else right.image
    pair = merge_pairs((left.requests, left.limits), (right.requests, right.limits))
    return (image, *pair)
