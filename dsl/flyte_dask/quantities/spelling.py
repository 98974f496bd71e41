"""The canonical text of a quantity: the one that Kubernetes itself writes.

It has no fraction and the largest possible unit of the family in which the amount was written:
thousands, powers of 1024, or an exponent. Dask's memory limit is passed to it in this form.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from math import ceil

from flyte_dask.quantities.quantity import BINARY_UNITS, DECIMAL_UNITS, Quantity

__all__ = ["canonical"]

_PARTS = re.compile(r"[+-]?0*(?P<whole>[0-9]*)\.?(?P<part>[0-9]*)(?P<unit>.*)")
_MOST_DIGITS = 18  # what fits into 64 bits, up to which Kubernetes may keep a text unchanged
_MOST_BYTES = 2**63 - 1
_FINEST = Fraction(1, 10**9)


def canonical(quantity: Quantity) -> str:
    """*quantity* as Kubernetes writes it: ``1536Mi`` for ``1.5Gi``, ``1Gi`` for ``1024Mi``."""
    return _canonical(quantity.text)


@lru_cache(maxsize=1024)
def _canonical(text: str) -> str:
    match = _PARTS.fullmatch(text)
    value = Quantity(text).value
    if match is None or not value:
        return "0"
    whole, part, unit = match["whole"] or "0", match["part"], match["unit"]
    if _stays(whole, part, unit):
        return text
    is_binary = unit in BINARY_UNITS
    fine = abs(value) if _is_short(whole, part, unit) else ceil(abs(value) / _FINEST) * _FINEST
    if is_binary:
        fine = min(fine, Fraction(_MOST_BYTES))
    sign = "-" if value < 0 else ""
    if is_binary and fine >= 1024 and fine.denominator == 1:
        return sign + _in_units(fine, BINARY_UNITS)
    if not is_binary and unit not in DECIMAL_UNITS:
        return sign + _with_exponent(fine)
    return sign + _in_units(fine, DECIMAL_UNITS)


def _is_short(whole: str, part: str, unit: str) -> bool:
    """Whether it fits into 64 bits, by the estimate that Kubernetes makes before it parses it."""
    if unit in BINARY_UNITS:
        _, power = BINARY_UNITS[unit]
        return not part and len(whole) + power * 3 // 10 < 15
    return len(whole) + len(part) <= _MOST_DIGITS and _scale(part, unit) >= -9


def _stays(whole: str, part: str, unit: str) -> bool:
    """Whether Kubernetes takes the fast path that keeps the text unchanged."""
    digits = whole + part
    if not _is_short(whole, part, unit):
        return False
    if unit in BINARY_UNITS:
        return int(digits) % 8 != 0
    return _scale(part, unit) % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _scale(part: str, unit: str) -> int:
    """The power of ten of the last digit."""
    power = DECIMAL_UNITS[unit][1] if unit in DECIMAL_UNITS else int(unit[1:])
    return power - len(part)


def _in_units(value: Fraction, units: dict[str, tuple[int, int]]) -> str:
    for suffix, (base, power) in units.items():
        number = value / Fraction(base) ** power
        if number.denominator == 1:
            return f"{number}{suffix}"
    return str(value)  # below the smallest unit, or above all units


def _with_exponent(value: Fraction) -> str:
    power = -9
    while (value / Fraction(10) ** (power + 3)).denominator == 1:
        power += 3
    number = value / Fraction(10) ** power
    return f"{number}e{power}" if power else str(number)
