"""How far a suggestion can be trusted, by the number of runs and how alike they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean, median, pstdev
from typing import Literal, TypeAlias

from flyte_dask.quantities.formatting import counted
from flyte_dask_records import Record
from flyte_dask_sizing.evidence import LONG

__all__ = ["Confidence", "confidence_in"]

Confidence: TypeAlias = Literal["none", "low", "medium", "high"]
"""``none`` is that of a refusal."""

_LEVELS: tuple[Confidence, ...] = ("low", "medium", "high")
_MANY, _SOME = 8, 4  # runs
_UNLIKE_PEAKS = 1.5  # factor from the median of the runs' highest peaks to the largest
_UNLIKE_WALLS = 0.3  # standard deviation, as a share of the mean


def confidence_in(
    runs: Sequence[Record], alike: Sequence[Record], *, is_beyond: bool = False
) -> tuple[Confidence, str]:
    """The confidence in what follows from *runs*, and why.

    Args:
        runs: the runs that count.
        alike: those of them whose inputs had the same size, which should be alike.
        is_beyond: whether the input that is sized for is larger than that of any run.
    """
    level = 2 if len(runs) >= _MANY else 1 if len(runs) >= _SOME else 0
    doubts = [*_doubts(alike), *(["for a larger input than any run had"] if is_beyond else [])]
    name = _LEVELS[max(level - len(doubts), 0)]
    return name, ", ".join([counted(len(runs), "run"), *doubts])


def _doubts(runs: Sequence[Record]) -> Iterator[str]:
    """Why runs say less than their number."""
    if not runs:
        return
    peaks = [run.peak or 0 for run in runs]
    walls = [run.wall or 0.0 for run in runs]
    if max(peaks) > _UNLIKE_PEAKS * median(peaks):
        yield "peaks of memory that differ by much"
    if pstdev(walls) > _UNLIKE_WALLS * fmean(walls):
        yield "times that differ by much"
    if median(walls) < LONG:
        yield f"most of them shorter than {LONG:g} s"
    if len({run.config for run in runs}) > 1:
        yield "different configs"
    if any(run.where != "cluster" for run in runs):
        yield "local clusters"
