"""What the caller of `flyte_dask_sizing.suggest` asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, final, get_args

import attrs

__all__ = ["MARGIN", "MIN_RUNS", "MOST_WORKERS", "PREFERENCES", "Options", "Preference"]

MARGIN = 0.3
"""The share of a peak that is added to it by default, as by the findings of a deck."""

MIN_RUNS = 3
"""The number of runs below which nothing is suggested, but for what failed for memory."""

MOST_WORKERS = 1000
"""The number of workers that one scheduler serves well; more are not compared."""

Preference: TypeAlias = Literal["balance", "cost", "time"]
"""What the number of workers is chosen by; the time is that of startup and function.

- ``balance``: the least product of time and core-hours: a worker more is worth its cost as long as
  it shortens the time by a larger share than it adds to the cost.
- ``cost``: the least core-hours.
- ``time``: the fewest workers within 10 % of the shortest time.
"""

PREFERENCES: tuple[Preference, ...] = get_args(Preference)


@final
@attrs.frozen(kw_only=True)
class Options:
    """What the number of workers is chosen by, the margin of memory, and what is predicted."""

    prefer: Preference = "balance"
    """What the number of workers is chosen by."""
    margin: float = MARGIN
    """The share of peaks of memory that is added to them."""
    min_runs: int = MIN_RUNS
    """The number of successful runs below which only memory that was too little is raised."""
    what_if: Sequence[int] = ()
    """The numbers of workers to predict for; by default powers of two around the present one."""
    input: tuple[str, float] | None = None
    """The name of an input, and the size of it that is sized for; by default the largest one."""
