"""Kubernetes quantities: amounts such as ``500m`` or ``2Gi``, exact and in their own spelling."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache, total_ordering
from typing import final

import attrs

from flyte_dask.errors import Problem, raise_if_any

__all__ = ["Quantity"]

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)"
_QUANTITY = re.compile(rf"({_NUMBER})([KMGTPE]i|[numkMGTPE]?|[eE]([+-]?[0-9]+))")
_MISSPELT = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z]*)\s*")

_SCALES = {
    **{suffix: Fraction(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    "": Fraction(1),
    **{suffix: Fraction(1000) ** (power + 1) for power, suffix in enumerate("kMGTPE")},
    **{f"{suffix}i": Fraction(1024) ** (power + 1) for power, suffix in enumerate("KMGTPE")},
}

# Beyond any machine by far; expanding longer numbers or larger powers would only eat memory.
_LONGEST = 100
_LARGEST_EXPONENT = 99

_RULE = "is not a Kubernetes quantity"
_SYNTAX = "write a number and a unit such as '500m', '2', '16Gi' or '16G'"


@final
@total_ordering
@attrs.frozen(eq=False, repr=False)
class Quantity:
    """An amount as Kubernetes writes it: its exact value, and the spelling that it was given.

    Equality, order and hash go by value (``1000m`` equals ``1``); *text* goes to the wire as it is.
    The unit is that of the dimension: CPUs, bytes, whole GPUs.

    Raises:
        InvalidConfig: if Kubernetes would refuse *text*, or it is beyond any machine (over 100
            characters, an exponent over 99).
    """

    text: str
    value: Fraction = attrs.field(init=False)
    """The exact amount."""

    def __attrs_post_init__(self) -> None:
        problem = quantity_problem("text", self.text)
        raise_if_any("Quantity(...)", [problem] if problem else [])
        object.__setattr__(self, "value", _parse(self.text))

    def __eq__(self, other: object) -> bool:
        return self.value == other.value if isinstance(other, Quantity) else NotImplemented

    def __lt__(self, other: Quantity) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self.value < other.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"


def quantity_problem(path: str, text: object) -> Problem | None:
    """What keeps *text* from being a quantity, with a guess at what was meant; None if nothing."""
    if not isinstance(text, str):
        return Problem(path, text, _RULE, _SYNTAX)
    if _parse(text) is None:
        return Problem(path, text, _RULE, _guess(text) or _SYNTAX)
    return None


@lru_cache(maxsize=1024)
def _parse(text: str) -> Fraction | None:
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    number, suffix, exponent = match.groups()
    if exponent is None:
        return Fraction(number) * _SCALES[suffix]
    if abs(int(exponent)) > _LARGEST_EXPONENT:
        return None
    return Fraction(number) * Fraction(10) ** int(exponent)


def _guess(text: str) -> str | None:
    """What *text* would be but for blanks, case and a ``B`` for bytes; None if nothing."""
    match = _MISSPELT.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups()
    candidates = [unit, *_units_like(unit.lower().removesuffix("b"))]
    valid = [f"{number}{each}" for each in dict.fromkeys(candidates) if _parse(f"{number}{each}")]
    if not valid:
        return None
    others = f" (or {valid[1]!r})" if len(valid) > 1 else ""
    return f"did you mean {valid[0]!r}{others}?"


def _units_like(lower: str) -> list[str]:
    if lower.removesuffix("i") not in {"k", "m", "g", "t", "p", "e"}:
        return [unit for unit in _SCALES if unit.lower() == lower]
    letter = lower[0].upper()
    decimal = "k" if letter == "K" else letter
    return [f"{letter}i"] if lower.endswith("i") else [f"{letter}i", decimal]
