"""The memory that each worker needs, by the peaks of past runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

import attrs

from flyte_dask.quantities.formatting import counted, in_bytes
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.usual import usual_memory
from flyte_dask_records import Record, WorkerRecord
from flyte_dask_sizing.evidence import Evidence
from flyte_dask_sizing.options import MARGIN
from flyte_dask_sizing.size import number_of, size_of, threads_of

__all__ = ["LEAST", "Need", "WorkerMemory", "quantile", "with_margin"]

LEAST = 2**29
"""Bytes; no pod with Dask in it is suggested to have less."""

_QUANTILE = 0.95  # of the peaks of all workers in all runs
_PAUSED_AT = 0.8  # of its limit, at which Dask pauses a worker
_FACTOR_KILLED = 2.0  # from the limit with which a worker was killed
_FACTOR_SHORT = 1.3  # from the limit with which it paused or spilled
_MIN_SPILLED = 10 * 2**20  # bytes


@final
class Need(NamedTuple):
    """Bytes that a pod needs at least, and why."""

    nbytes: float
    why: str


@final
@attrs.frozen(kw_only=True)
class WorkerMemory:
    """What workers need, for each number of them and of their threads."""

    evidence: Evidence
    margin: float = MARGIN
    scale: Callable[[Record], float] = lambda _: 1.0
    """The factor from the peaks of a run to those with the input that is sized for."""
    least: float = 0.0
    """Bytes of a peak that is predicted, as the upper end of its interval."""

    def need(self, number: int, threads: int) -> Need:
        """The largest need of a worker, of *number* workers with *threads* each."""
        needs = [*self._peaks(number, threads), *self._shortages()]
        return max(needs, key=lambda each: each.nbytes)

    def amount(self, number: int, threads: int) -> Quantity:
        """The usual amount that covers the need."""
        return Quantity(usual_memory(max(self.need(number, threads).nbytes, LEAST)))

    def _peaks(self, number: int, threads: int) -> list[Need]:
        runs = self.evidence.runs
        scaled = [
            each.peak * self._factor(run, number, threads) for run in runs for each in run.workers
        ]
        if not scaled:
            return []
        upper, highest = quantile(scaled, _QUANTILE), max(scaled)
        of_runs = f"in {counted(len(runs), 'run')}"
        if scaled_to := [*self._scaled_to(number, threads)]:
            of_runs += f", scaled to {' and '.join(scaled_to)}"
        margin = f"a margin of {self.margin:.0%}"
        return [
            Need(
                with_margin(upper, self.margin),
                f"95% of workers needed at most {in_bytes(upper)} {of_runs}; {margin} is added",
            ),
            Need(
                self.least,
                f"a peak of up to {in_bytes(self.least)} is predicted for the larger input",
            ),
            Need(
                highest / _PAUSED_AT,
                f"the highest peak {of_runs} was {in_bytes(highest)}, and Dask pauses a worker at "
                f"{_PAUSED_AT:.0%} of its limit",
            ),
        ]

    def _factor(self, run: Record, number: int, threads: int) -> float:
        """The factor of peaks from *run*: fewer workers share its data, more threads its work."""
        fewer = max(number_of(run) / number, 1.0)
        return self.scale(run) * fewer * max(threads / threads_of(run), 1.0)

    def _scaled_to(self, number: int, threads: int) -> Iterator[str]:
        """What differs from some run, and needs more."""
        runs = self.evidence.runs
        if any(number_of(run) > number for run in runs):
            yield f"{counted(number, 'worker')} that may hold the data of more"
        if any(threads_of(run) < threads for run in runs):
            yield counted(threads, "thread")
        if any(self.scale(run) > 1 for run in runs):
            yield "the size of the input"

    def _shortages(self) -> list[Need]:
        """More than the limits with which memory was short."""
        killed = [Need(_FACTOR_KILLED * _limit(run), _killed(run)) for run in self.evidence.starved]
        short = [
            need for run in self.evidence.runs for each in run.workers for need in _short(each)
        ]
        return killed + short


def with_margin(peak: float, margin: float) -> float:
    """*peak* with *margin*, which is a share of it."""
    return peak * (1 + margin)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of *values* that is at least as large as the *share* of them."""
    ordered = sorted(values)
    return ordered[min(max(math.ceil(share * len(ordered)) - 1, 0), len(ordered) - 1)]


def _limit(run: Record) -> float:
    """The memory limit with which a worker of *run* was killed."""
    limits = [each.limit for each in run.workers if each.killed]
    if not any(limits):
        limits = [each.limit for each in run.workers]
    if not any(limits):
        _, limit = size_of(run).workers.get("mem", (None, None))
        limits = [int(limit.value) if limit is not None else 0]
    return float(max(limits))


def _killed(run: Record) -> str:
    what = "a run failed" if run.reason == "memory" else "a worker was killed"
    return f"{what} for lack of memory with {in_bytes(_limit(run))}, which is doubled"


def _short(worker: WorkerRecord) -> list[Need]:
    """What a worker needs that paused or spilled, at most the double of its limit."""
    has_spilled = worker.spilled >= _MIN_SPILLED
    if not worker.limit or not (worker.paused or has_spilled):
        return []
    spilled = worker.spilled if has_spilled else 0.0
    unspilled = min(worker.peak + spilled, _FACTOR_KILLED * worker.limit)
    what = " and ".join(
        text
        for text, was in (
            (f"paused {_times(worker.paused)}", worker.paused),
            (f"spilled {in_bytes(spilled)} to disk", has_spilled),
        )
        if was
    )
    why = f"a worker with {in_bytes(worker.limit)} {what}"
    return [Need(max(_FACTOR_SHORT * worker.limit, unspilled), why)]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
