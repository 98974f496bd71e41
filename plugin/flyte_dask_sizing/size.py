"""The size of a cluster: the number of its workers, and what each pod requests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast, final

import attrs

from flyte_dask.quantities.quantity import Quantity, quantity_or_none, unless_zero
from flyte_dask.quantities.usual import usual_memory
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS
from flyte_dask_records import Record

__all__ = [
    "ROLES",
    "Size",
    "completed",
    "cpu_of",
    "number_of",
    "same",
    "size_of",
    "text_of",
    "threads_of",
    "work_of",
]

ROLES = ("workers", "scheduler", "runner")
"""The kinds of pods, in the order of their importance for the size."""

_GIB = 2**30


@final
@attrs.frozen(kw_only=True)
class Size:
    """The number of workers, and request and limit of each dimension of each kind of pod."""

    number: int
    workers: Mapping[str, Pair]
    scheduler: Mapping[str, Pair]
    runner: Mapping[str, Pair]

    @property
    def pods(self) -> int:
        """The number of all pods, the runner's included."""
        return self.number + 2

    @property
    def cpus(self) -> float:
        """The CPUs that all pods request."""
        return self._total("cpu")

    @property
    def gib(self) -> float:
        """The GiB of memory that all pods request."""
        return self._total("mem") / _GIB

    @property
    def threads(self) -> int:
        """The threads of each worker: its CPU limit, rounded up."""
        _, limit = self.workers.get("cpu", (None, None))
        return 1 if limit is None else max(math.ceil(limit.value), 1)

    def _total(self, dimension: str) -> float:
        total = 0.0
        for role, times in zip(ROLES, (self.number, 1, 1), strict=True):
            request, limit = getattr(self, role).get(dimension, (None, None))
            amount = limit if request is None else request
            total += 0.0 if amount is None else times * float(amount.value)
        return total


def same(text: str) -> Pair:
    """The amount *text* as both request and limit."""
    amount = Quantity(text)
    return amount, amount


def text_of(pair: Pair) -> str:
    """One amount, or both as ``1 to 4``."""
    request, limit = pair
    return f"{limit}" if request == limit else f"{request} to {limit}"


def size_of(record: Record) -> Size:
    """The size that a run had by its config, or by its workers where that is not recorded."""
    workers = _of_role(record, "workers")
    if record.workers:
        first = record.workers[0]
        workers.setdefault("cpu", same(str(first.nthreads)))
        if first.limit:
            workers.setdefault("mem", same(usual_memory(first.limit)))
    return Size(
        number=number_of(record),
        workers={name: workers[name] for name in DIMENSIONS if name in workers},
        scheduler=_of_role(record, "scheduler"),
        runner=_of_role(record, "runner"),
    )


def number_of(record: Record) -> int:
    """The number of workers of the config; of all that joined, where that is not recorded."""
    number = _value(record, "workers.number_of_workers")
    if type(number) is int and number > 0:
        return number
    return max(record.number, len(record.workers), 1)


def threads_of(record: Record) -> int:
    """The threads of each worker in the run."""
    return max((each.nthreads for each in record.workers), default=1) or 1


def work_of(record: Record) -> float:
    """Thread seconds of the tasks of all workers, also of those that the record has no room for."""
    return record.computed or sum(each.computed for each in record.workers)


def cpu_of(record: Record) -> float:
    """CPU seconds of all workers."""
    return record.cpu or sum(each.cpu for each in record.workers)


def _of_role(record: Record, role: str) -> dict[str, Pair]:
    found: dict[str, Pair] = {}
    for name in DIMENSIONS:
        request, limit = (
            _amount(_value(record, f"{role}.{side}.{name}")) for side in ("requests", "limits")
        )
        if request is not None or limit is not None:
            found[name] = (request or limit, limit or request)
    return found


def _amount(value: object) -> Quantity | None:
    """*value* as an amount; zero is none."""
    return unless_zero(quantity_or_none(str(value))) if value is not None else None


def _value(record: Record, path: str) -> object:
    return cast("Mapping[str, object]", record.values.get(path) or {}).get("value")


def completed(size: Size) -> Size:
    """*size* with CPUs and memory for every pod, where its record has none: those of one core."""
    least = {"cpu": same("1"), "mem": same("2Gi")}
    return attrs.evolve(
        size,
        workers={**least, **size.workers},
        scheduler={**least, **size.scheduler},
        runner={**least, **size.runner},
    )
