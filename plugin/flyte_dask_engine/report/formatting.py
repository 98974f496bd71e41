"""Amounts and names as the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix

__all__ = ["duration", "percent", "short_names", "worker_label"]


def duration(seconds: float) -> str:
    """``40 µs``, ``250 ms``, ``4.2 s``, ``41 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if seconds < 0.0009995:
        return f"{1_000_000 * seconds:.0f} µs" if seconds else "0 s"
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms" if seconds >= 0.00995 else f"{1000 * seconds:.1f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def percent(share: float) -> str:
    """``83 %`` for 0.83; ``0 %`` only for 0."""
    return "below 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def short_names(names: Sequence[str]) -> dict[str, str]:
    """A short label for each name of a worker: without their common prefix, up to a dash."""
    common = commonprefix(names) if len(names) > 1 else ""  # noqa: RUF071  # these are no paths
    length = common.rfind("-") + 1
    return {name: worker_label(name[length:] or name) for name in names}


def worker_label(name: str) -> str:
    """A worker's name; ``worker 3`` for a name that is only a number."""
    return f"worker {name}" if name.isdecimal() else name
