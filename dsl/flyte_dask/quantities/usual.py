"""Amounts that people and clouds use: few significant digits, and the unit that fits."""

from __future__ import annotations

import math

__all__ = ["usual_cpus", "usual_memory"]

_MIB, _GIB = 2**20, 2**30


def usual_memory(least: float) -> str:
    """The next usual amount of memory from *least* bytes on, as a Kubernetes quantity."""
    unit, name = (_GIB, "Gi") if least > _GIB / 2 else (_MIB, "Mi")
    return f"{_usual(least / unit)}{name}"


def usual_cpus(least: float) -> str:
    """The next usual number of whole CPUs from *least* on, at least one."""
    return str(_usual(least))


def _usual(least: float) -> int:
    """The next of 1 2 3 4 5 6 7 8 10 12 14 16 20 24 28 32 40 ... from *least* on."""
    number = max(math.ceil(least), 1)
    step = 1 << max(0, number.bit_length() - 3)
    return math.ceil(number / step) * step
