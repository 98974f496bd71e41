"""The history of runs: what changed from run to run, and which runs are unlike the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median

import attrs

from flyte_dask_records import InputRecord, Record

__all__ = ["MEASURES", "Measure", "Run", "are_similar", "history"]

_MOST_COMPARED = 100  # runs before a run, and after it
_SIMILAR = 1.5  # factor between two sizes of an input
_FEWEST = 5  # similar runs, from which on others are outliers
_FAR = 3.5  # robust standard deviations
_TO_DEVIATION = 1.4826  # from the median absolute deviation to a standard deviation
_LEAST_DEVIATION = 0.1  # of a median; less is noise, whatever the runs


@attrs.frozen
class Measure:
    """A number of each run that is compared."""

    name: str
    """Its key, such as ``wall``."""
    label: str
    """Its name in text."""
    of: Callable[[Record], float | None]
    """Returns the number; None if the run has none."""
    least: float
    """A difference that is too small to matter."""


MEASURES: Sequence[Measure] = (
    Measure("wall", "wall time", lambda record: record.wall, 1.0),
    Measure("startup", "startup", lambda record: record.startup, 5.0),
    Measure("peak", "peak memory", lambda record: record.peak, 64 * 2**20),
    Measure("spilled", "spilled bytes", lambda record: record.spilled, 64 * 2**20),
    Measure("cpu", "CPU time", lambda record: record.cpu, 5.0),
)
"""What is compared: seconds and bytes."""


@attrs.frozen(kw_only=True)
class Run:
    """A run among the runs of its task."""

    place: str
    record: Record
    peak_share: float | None
    """The highest peak of a worker as a share of its memory limit; None without a limit."""
    deaths: int
    """How often a worker left unexpectedly."""
    earlier: int
    """How many earlier runs were similar."""
    changes: Mapping[str, float]
    """The change of each measure against the median of these, such as 0.25 for a quarter more."""
    has_new_config: bool
    """Whether its config is another one than that of the task's run before."""
    outliers: Mapping[str, float]
    """By measure, how many times the median of all similar runs; only of what is far from it."""


def history(found: Sequence[tuple[str, Record]]) -> list[Run]:
    """The runs by task and time, each compared with the similar runs of its task.

    Runs are similar if they succeeded in the same kind of place, and each input whose size is known
    in both has less than 1.5 times the size in one of them. Of a task's runs, the hundred before
    and after a run are looked at. An outlier is more than 3.5 robust
    standard deviations from the median of at least five similar runs, itself among them; that is
    1.4826 times their median absolute deviation, or 10 % of their median if that is more.

    Args:
        found: pairs of an address and the record found there.
    """
    by_task: dict[str, list[tuple[str, Record]]] = {}
    for each in sorted(found, key=lambda each: (each[1].task, each[1].began)):
        by_task.setdefault(each[1].task, []).append(each)
    return [
        _run(place, record, number, [other for _, other in of_task])
        for of_task in by_task.values()
        for number, (place, record) in enumerate(of_task)
    ]


def _run(place: str, record: Record, number: int, of_task: Sequence[Record]) -> Run:
    """The run with this *number* of those of its task."""
    start = max(number - _MOST_COMPARED, 0)
    before = [each for each in of_task[start:number] if are_similar(record, each)]
    after = of_task[number : number + _MOST_COMPARED]
    similar = [*before, *(each for each in after if are_similar(record, each))]
    return Run(
        place=place,
        record=record,
        peak_share=_peak_share(record),
        deaths=record.events.get("lost", 0),
        earlier=len(before),
        changes=dict(_changes(record, before)),
        has_new_config=number > 0 and of_task[number - 1].config != record.config,
        outliers=dict(_outliers(record, similar)),
    )


def are_similar(one: Record, other: Record) -> bool:
    """Whether both runs succeeded in the same kind of place, with inputs of about the same size."""
    if one.reason or other.reason or (one.task, one.where) != (other.task, other.where):
        return False
    sizes = {each.name: _size(each) for each in other.inputs}
    pairs = ((_size(each), sizes.get(each.name)) for each in one.inputs)
    return all(_are_near(first, second) for first, second in pairs)


def _size(given: InputRecord) -> float | None:
    """The size of an input, in whatever unit is known."""
    known = (given.nbytes, given.rows, given.value)
    return next((float(size) for size in known if size is not None), None)


def _are_near(one: float | None, other: float | None) -> bool:
    if one is None or other is None or one == other:
        return True
    low, high = sorted((abs(one), abs(other)))
    return one * other > 0 and high < _SIMILAR * low


def _changes(record: Record, before: Sequence[Record]) -> Iterator[tuple[str, float]]:
    """The changes against the medians of the runs *before*, where both are known."""
    if record.reason:
        return
    for measure in MEASURES:
        value = measure.of(record)
        usual = _usual(measure, before)
        if value is not None and usual:
            yield measure.name, value / usual - 1


def _outliers(record: Record, similar: Sequence[Record]) -> Iterator[tuple[str, float]]:
    for measure in MEASURES:
        value = measure.of(record)
        known = [each for each in map(measure.of, similar) if each is not None]
        if value is None or len(known) < _FEWEST:
            continue
        usual = median(known)
        spread = _TO_DEVIATION * median(abs(each - usual) for each in known)
        far = abs(value - usual)
        if far > max(_FAR * max(spread, _LEAST_DEVIATION * usual), measure.least):
            yield measure.name, value / usual if usual else float("inf")


def _usual(measure: Measure, records: Sequence[Record]) -> float | None:
    known = [each for each in map(measure.of, records) if each is not None]
    return median(known) if known else None


def _peak_share(record: Record) -> float | None:
    shares = [each.peak / each.limit for each in record.workers if each.limit]
    return max(shares, default=None)
