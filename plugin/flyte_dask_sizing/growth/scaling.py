"""How what runs needed grows with the size of their input, and what the next size needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import final

import attrs

from flyte_dask_records import InputRecord, Record
from flyte_dask_sizing.growth.laws import MIN_SIZES, Fit, Interval, fitted
from flyte_dask_sizing.size import work_of

__all__ = ["MEMORY", "QUANTITIES", "WALL", "Axis", "Scaling", "axis_of", "scaling_of"]

MEMORY, WORK, WALL = "worker peak memory", "task seconds", "wall seconds"
"""The names of what is fitted."""

QUANTITIES: Mapping[str, Callable[[Record], float]] = {
    MEMORY: lambda run: float(run.peak or 0),
    WORK: work_of,
    WALL: lambda run: run.wall or 0.0,
}
"""What is fitted, in bytes and in seconds."""

_NEXT = 2.0  # times the largest input, by default
_SAME = 0.1  # relative difference up to which two sizes of inputs count as the same
_MATTERS = 1.25  # factor of a quantity from the smallest to the largest input
_ALIKE_RANKS = 0.9


@final
@attrs.frozen(kw_only=True)
class Axis:
    """The size of one input, in every run that counts."""

    name: str
    unit: str
    """``bytes``, ``rows``, or ``value`` for the input's own number."""
    sizes: Sequence[float]
    """By run."""

    @property
    def distinct(self) -> list[float]:
        """The sizes that differ, in ascending order."""
        found: list[float] = []
        for size in sorted(self.sizes):
            if not found or size > found[-1] * (1 + _SAME):
                found.append(size)
        return found

    @property
    def largest(self) -> float:
        """The largest size."""
        return max(self.sizes)


@final
@attrs.frozen(kw_only=True)
class Scaling:
    """The laws for each quantity along one axis, and what they predict for one size."""

    axis: Axis
    target: float
    fits: Mapping[str, Sequence[Fit]]
    """By quantity: the best law, and those that are about as likely."""

    def interval(self, quantity: str, size: float | None = None) -> Interval:
        """The prediction at *size*, by default the target, as wide as that of all likely laws."""
        where = self.target if size is None else size
        found = [fit.interval(where) for fit in self.fits[quantity]]
        return Interval(
            found[0].value, min(each.low for each in found), max(each.high for each in found)
        )

    def is_beyond(self, size: float) -> bool:
        """Whether *size* is larger than that of every run."""
        return size > self.axis.largest * (1 + _SAME)


def _axes_of(runs: Sequence[Record]) -> Iterator[Axis]:
    """The inputs whose size is known in all *runs*, and differs between them."""
    names = dict.fromkeys(each.name for run in runs for each in run.inputs)
    for name in names:
        inputs = [next((each for each in run.inputs if each.name == name), None) for run in runs]
        for unit in ("bytes", "rows", "value"):
            sizes = [_size(each, unit) if each else None for each in inputs]
            known = [size for size in sizes if size is not None and size > 0]
            if len(known) == len(runs):
                axis = Axis(name=name, unit=unit, sizes=known)
                if len(axis.distinct) > 1:
                    yield axis
                break


def axis_of(runs: Sequence[Record], name: str | None = None) -> Axis | None:
    """The input by which *runs* differ most in what they needed; None if by none.

    Args:
        runs: the runs that count.
        name: the input that the caller names, which is taken whether or not it matters.
    """
    axes = [axis for axis in _axes_of(runs) if name in {None, axis.name}]
    if name is None:
        axes = [axis for axis in axes if _does_matter(axis, runs)]
    return max(axes, key=lambda axis: axis.largest / min(axis.sizes), default=None)


def scaling_of(runs: Sequence[Record], axis: Axis, target: float | None = None) -> Scaling | None:
    """The laws along *axis*; None with fewer than three distinct sizes.

    Args:
        runs: the runs that count.
        axis: the input whose size differs.
        target: the size to predict for; by default twice the largest one.
    """
    if len(axis.distinct) < MIN_SIZES:
        return None
    fits = {
        name: found
        for name, quantity in QUANTITIES.items()
        if (found := fitted([*zip(axis.sizes, map(quantity, runs), strict=True)]))
    }
    if not fits:
        return None
    return Scaling(axis=axis, target=target or _NEXT * axis.largest, fits=fits)


def _size(found: InputRecord, unit: str) -> float | None:
    if unit == "bytes":
        return found.nbytes
    return found.rows if unit == "rows" else found.value


def _does_matter(axis: Axis, runs: Sequence[Record]) -> bool:
    """Whether memory or work grow with the size, and not only differ by chance.

    A number may be anything, such as a seed or a month: it has to order the runs.
    """
    return any(
        _grows([*zip(axis.sizes, map(QUANTITIES[name], runs), strict=True)], axis)
        for name in (MEMORY, WORK)
    )


def _grows(points: Sequence[tuple[float, float]], axis: Axis) -> bool:
    smallest = [value for size, value in points if size <= axis.distinct[0] * (1 + _SAME)]
    largest = [value for size, value in points if size >= axis.distinct[-1]]
    if not smallest or not largest or max(largest) < _MATTERS * max(smallest):
        return False
    if axis.unit != "value":
        return True
    return len(axis.distinct) >= MIN_SIZES and _correlation(points) >= _ALIKE_RANKS


def _correlation(points: Sequence[tuple[float, float]]) -> float:
    """Spearman's correlation of ranks."""
    one, two = (_ranks(side) for side in zip(*points, strict=True))
    mean = (len(points) - 1) / 2
    of_both = sum((a - mean) * (b - mean) for a, b in zip(one, two, strict=True))
    squares = (sum((each - mean) ** 2 for each in side) for side in (one, two))
    product = next(squares) * next(squares)
    return of_both / product**0.5 if product else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """The rank of each value; equal ones share the mean of their ranks."""
    ordered = sorted(values)
    return [ordered.index(value) + (ordered.count(value) - 1) / 2 for value in values]
