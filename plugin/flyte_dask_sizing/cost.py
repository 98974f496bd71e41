"""What a size costs: pods, CPUs and memory, and both by the time for which they are held."""

from __future__ import annotations

from typing import NamedTuple, final

from flyte_dask_sizing.size import Size

__all__ = ["Cost", "cost_of"]

_DIGITS = 9  # of a difference: sums of decimal fractions are not exact
_HOUR = 3600.0


@final
class Cost(NamedTuple):
    """The cost of one run; hours are None if its time is unknown."""

    pods: int
    cpu: float
    """Requested CPUs of all pods."""
    mem_gib: float
    """Requested memory of all pods, in GiB."""
    wall_s: float | None
    """Seconds of the function, without the startup."""
    core_hours: float | None
    """Requested CPUs, times the hours of startup and function."""
    gib_hours: float | None
    """The same for GiB of memory."""

    def minus(self, other: Cost) -> dict[str, float | None]:
        """By how much this cost is larger than *other*, by name."""
        return {
            name: None if one is None or two is None else round(one - two, _DIGITS)
            for name, one, two in zip(self._fields, self, other, strict=True)
        }


def cost_of(size: Size, wall: float | None, startup: float) -> Cost:
    """The cost of a run with *size*, whose function takes *wall* seconds after *startup*."""
    hours = None if wall is None else (startup + wall) / _HOUR
    return Cost(
        size.pods,
        size.cpus,
        size.gib,
        wall,
        None if hours is None else size.cpus * hours,
        None if hours is None else size.gib * hours,
    )
