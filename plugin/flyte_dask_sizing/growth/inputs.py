"""Which runs count for the input that is sized for, and how others scale to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import attrs

from flyte_dask.quantities.formatting import counted
from flyte_dask_records import Record
from flyte_dask_sizing.evidence import Evidence
from flyte_dask_sizing.growth.laws import MIN_SIZES, Fit
from flyte_dask_sizing.growth.scaling import MEMORY, WALL, Axis, Scaling, axis_of, scaling_of

__all__ = ["Inputs", "UnknownScale", "inputs_of"]

_NEAR = 0.9  # of the largest size, from which on a run counts as one with the largest input


class UnknownScale(Exception):
    """Runs with inputs of several sizes, from which none can be derived for the wanted one."""


@final
@attrs.frozen(kw_only=True)
class Inputs:
    """The runs that count, and what is needed for the input that is sized for."""

    runs: Sequence[Record]
    scaling: Scaling | None = None
    """How needs grow with the input; None if they do not, or it is unknown."""
    target: float | None = None
    """The size that is sized for; None for that of *runs*."""

    @property
    def is_beyond(self) -> bool:
        """Whether the size that is sized for is larger than that of any run."""
        if self.target is None or self.scaling is None:
            return False
        return self.scaling.is_beyond(self.target)

    def scale(self, run: Record) -> float:
        """The factor from the memory of *run* to that of the input that is sized for.

        It is at least one: no suggestion is below what a run needed.
        """
        fit = self._fit(MEMORY)
        if fit is None or self.scaling is None or self.target is None:
            return 1.0
        own = next(
            size
            for each, size in zip(self.runs, self.scaling.axis.sizes, strict=True)
            if each is run
        )
        return max(fit.at(self.target) / fit.at(own), 1.0)

    @property
    def least_memory(self) -> float:
        """The upper end of the interval of the peak, where it is extrapolated; else zero."""
        if not self.is_beyond or self.scaling is None or MEMORY not in self.scaling.fits:
            return 0.0
        return self.scaling.interval(MEMORY, self.target).high

    @property
    def wall_factor(self) -> float:
        """The factor from the time with the largest input so far to that which is sized for."""
        fit = self._fit(WALL)
        if fit is None or self.scaling is None or self.target is None or not self.is_beyond:
            return 1.0
        return fit.at(self.target) / fit.at(self.scaling.axis.largest)

    def largest(self) -> Sequence[Record]:
        """The runs with the largest inputs."""
        if self.scaling is None:
            return self.runs
        return _largest(self.runs, self.scaling.axis)

    def _fit(self, quantity: str) -> Fit | None:
        fits = self.scaling.fits.get(quantity) if self.scaling else None
        return fits[0] if fits else None


def inputs_of(evidence: Evidence, wanted: tuple[str, float] | None, min_runs: int) -> Inputs:
    """The runs of *evidence* that count for the *wanted* input, by default the largest so far.

    Raises:
        UnknownScale: if the wanted input has no known law, or if the sizes of inputs are mixed, so
            that too few runs had the largest one.
    """
    runs = evidence.runs
    name, size = wanted or (None, None)
    axis = axis_of(runs, name) if runs else None
    scaling = None if axis is None else scaling_of(runs, axis, size)
    if name is not None:
        if scaling is None:
            known = f" in {counted(len(axis.distinct), 'size')}" if axis else " in no two sizes"
            raise UnknownScale(
                f"input {name} is recorded{known}, and a law needs {MIN_SIZES}: run the task with "
                "more sizes, or omit --input"
            )
        return Inputs(runs=runs, scaling=scaling, target=size)
    if axis is None:
        return Inputs(runs=runs)
    largest = _largest(runs, axis)
    if len(largest) >= min_runs and scaling is None:
        return Inputs(runs=largest)
    if scaling is not None:
        return Inputs(runs=runs, scaling=scaling, target=axis.largest)
    raise UnknownScale(
        f"inputs {axis.name} of {counted(len(axis.distinct), 'size')} are mixed, and needs grow "
        f"with them: {counted(len(largest), 'run')} with the largest, where {min_runs} are needed, "
        f"or {MIN_SIZES} sizes"
    )


def _largest(runs: Sequence[Record], axis: Axis) -> list[Record]:
    pairs = zip(runs, axis.sizes, strict=True)
    return [run for run, size in pairs if size >= _NEAR * axis.largest]
