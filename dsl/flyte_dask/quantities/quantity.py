"""Kubernetes quantities: amounts such as ``500m`` or ``2Gi``, exact and in their own spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, final

from flyte_dask.errors import Problem, raise_if_any

if TYPE_CHECKING:  # 3 ms that few programs need, and importing us must stay almost free
    from fractions import Fraction

__all__ = [
    "BINARY_UNITS",
    "DECIMAL_UNITS",
    "ZERO",
    "Quantity",
    "plain_text",
    "quantity_or_none",
    "quantity_problem",
]

_DIGITS = "0123456789"
_MISSPELT = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))?\s*([A-Za-z]*)"
_LONGEST_MISSPELT = 100  # to guess at more makes no sense, and takes long

_LARGER = {"Ei": (2, 60), "Pi": (2, 50), "Ti": (2, 40)}
BINARY_UNITS = _LARGER | {"Gi": (2, 30), "Mi": (2, 20), "Ki": (2, 10)}
_LARGE = {"E": (10, 18), "P": (10, 15), "T": (10, 12), "G": (10, 9), "M": (10, 6), "k": (10, 3)}
_SMALL = {"": (10, 0), "m": (10, -3), "u": (10, -6), "n": (10, -9)}
DECIMAL_UNITS = _LARGE | _SMALL
_UNITS = BINARY_UNITS | DECIMAL_UNITS
"""Base and power of each suffix; within each family from the largest to the smallest."""

# Far beyond any machine; reading longer numbers or larger powers would only eat memory.
_LONGEST = 1000
_LARGEST_EXPONENT = 999

_RULE = "is not a Kubernetes quantity"
_SYNTAX = "write a number and a unit such as '500m', '2', '16Gi' or '16G'"


@final
class Quantity:
    """An amount as Kubernetes writes it: its exact value, and the spelling that it was given.

    Equality, order and hash go by value (``1000m`` equals ``1``); *text* goes to the wire as it is.
    The unit is that of the dimension: CPUs, bytes, whole GPUs. Quantities add, subtract, and
    multiply with an int: what comes out may be beyond what is read.

    What the API server's parser takes is taken, even where digits are left out: ``Gi`` is zero. (It
    rounds parts of a billionth up, and cuts binary amounts at ``2**63 - 1``; *value* does neither.)

    Args:
        text: the spelling.

    Raises:
        InvalidConfig: if Kubernetes would refuse *text*, or it is far beyond any machine (over 1000
            characters, an exponent over 999).
    """

    # Written out: attrs takes longer to make a class than Python to load a module of ours.
    __slots__ = ("_ratio", "_text")

    _text: str
    _ratio: tuple[int, int]
    """Numerator and denominator, which is above zero; not in lowest terms."""

    def __init__(self, text: str) -> None:
        problem = quantity_problem("text", text)
        raise_if_any("Quantity(...)", [problem] if problem else [])
        object.__setattr__(self, "_text", plain_text(text))
        object.__setattr__(self, "_ratio", _parse(text))

    if not TYPE_CHECKING:  # type checkers shall see that nothing can be set

        def __setattr__(self, name: str, value: object) -> None:
            from flyte_dask.errors.usage_errors import reject_assignment  # noqa: PLC0415  # for errors only

            reject_assignment(self, {"text": "Quantity({value})"}, name, value)

        def __delattr__(self, name: str) -> None:
            from flyte_dask.errors.usage_errors import reject_deletion  # noqa: PLC0415  # for errors only

            reject_deletion(self, name)

    def __reduce__(self) -> tuple[Callable[[str, tuple[int, int]], Quantity], tuple[object, ...]]:
        return _made, (self._text, self._ratio)

    @property
    def text(self) -> str:
        """The spelling."""
        return self._text

    @property
    def value(self) -> Fraction:
        """The exact amount."""
        from fractions import Fraction  # noqa: PLC0415  # as above

        return Fraction(*self._ratio)

    @property
    def is_whole(self) -> bool:
        """Whether it is an integer."""
        numerator, denominator = self._ratio
        return numerator % denominator == 0

    @property
    def has_digits(self) -> bool:
        """Whether a number was written at all; Kubernetes reads none, as in ``Gi``, as zero."""
        return self.text.lstrip("+-.")[:1].isdigit()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._ratio == other._ratio or self._compared(other) == 0

    # All four, since functools.total_ordering's compare twice, and there is much to compare.

    def __lt__(self, other: Quantity) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._compared(other) < 0

    def __le__(self, other: Quantity) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._compared(other) <= 0

    def __gt__(self, other: Quantity) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._compared(other) > 0

    def __ge__(self, other: Quantity) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._compared(other) >= 0

    def __hash__(self) -> int:
        return hash(self.value)

    def __add__(self, other: Quantity) -> Quantity:
        """The sum, in the largest unit that fits it; so are differences and products."""
        if not isinstance(other, Quantity):
            return NotImplemented
        return _spelled(self.value + other.value, self.text, other.text)

    def __sub__(self, other: Quantity) -> Quantity:
        if not isinstance(other, Quantity):
            return NotImplemented
        return _spelled(self.value - other.value, self.text, other.text)

    def __mul__(self, times: int) -> Quantity:
        if not isinstance(times, int):
            return NotImplemented
        return _spelled(self.value * times, self.text)

    __rmul__ = __mul__

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    def _compared(self, other: Quantity) -> int:
        """Below, at or above zero as this is below, at or above *other*."""
        numerator, denominator = self._ratio
        return numerator * other._ratio[1] - other._ratio[0] * denominator


def plain_text(text: str) -> str:
    """*text* as a plain str, whose repr is valid Python; subclasses may have another."""
    return str.__str__(text)


def quantity_problem(
    path: str,
    text: object,
    how: str = _SYNTAX,
    fits: Callable[[Quantity], bool] = lambda _: True,
) -> Problem | None:
    """What keeps *text* from being a quantity; with a guess that *fits*, else with *how*."""
    if not isinstance(text, str):
        return Problem(path, text, _RULE, how)
    if _parse(text) is None:
        return Problem(path, text, _RULE, _guess(text, fits) or how)
    return None


@lru_cache(maxsize=1024)
def quantity_or_none(text: str) -> Quantity | None:
    """The quantity that *text* is, if it is one; the same object each time."""
    return None if _parse(text) is None else Quantity(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[int, int] | None:
    """The ratio that *text* says, None if it is no quantity; as Kubernetes' parser reads it.

    A sign, digits with at most one point among them, and a unit or an exponent. Even the digits
    may be missing, which is zero; but not before ``Pi`` and ``Ei``.
    """
    if not 0 < len(text) <= _LONGEST:
        return None
    sign, number = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    unit = number.lstrip(_DIGITS)
    whole, part = number[: len(number) - len(unit)], ""
    if unit.startswith("."):
        fraction = unit[1:]
        unit = fraction.lstrip(_DIGITS)
        part = fraction[: len(fraction) - len(unit)]
    scale = _UNITS.get(unit) or _exponent(unit)
    if scale is None or (unit in {"Pi", "Ei"} and not (whole or part)):
        return None
    base, power = scale
    mantissa = int(f"{sign}{whole}{part}" if whole or part else "0")
    return mantissa * base ** max(power, 0), 10 ** len(part) * base ** max(-power, 0)


def _exponent(unit: str) -> tuple[int, int] | None:
    digits = unit[2:] if unit[1:2] in {"+", "-"} else unit[1:]
    if unit[:1] not in {"e", "E"} or not digits or digits.strip(_DIGITS):
        return None
    power = int(unit[1:])
    return (10, power) if abs(power) <= _LARGEST_EXPONENT else None


def _made(text: str, ratio: tuple[int, int]) -> Quantity:
    """The quantity of that spelling and amount, which are not judged: nobody wrote them."""
    made = object.__new__(Quantity)
    object.__setattr__(made, "_text", text)
    object.__setattr__(made, "_ratio", ratio)
    return made


def _spelled(value: Fraction, *like: str) -> Quantity:
    """*value* in the largest unit in which it is whole, of the families of the amounts *like*.

    Thousands and millions only where one of them is written so: 1000 CPUs stay 1000.
    """
    ratio = value.numerator, value.denominator
    suffixes = {text.lstrip("+-.0123456789") for text in like}
    families = [family for family in (BINARY_UNITS, _LARGE) if not suffixes.isdisjoint(family)]
    for suffix in [*chain(*families), *_SMALL] if value else [""]:
        base, power = _UNITS[suffix]
        number = value / base**power if power >= 0 else value * base**-power
        if number.denominator == 1:
            return _made(f"{number}{suffix}", ratio)
    digits = next(count for count in range(10, 10_000) if (value * 10**count).denominator == 1)
    return _made(f"{value * 10**digits}e-{digits}", ratio)


def _guess(text: str, fits: Callable[[Quantity], bool]) -> str | None:
    """What *text* would be but for blanks, case, a ``B`` for bytes or a missing number."""
    match = re.fullmatch(_MISSPELT, text.strip()) if len(text) <= _LONGEST_MISSPELT else None
    if match is None or not text.strip():
        return None
    number, unit = match.groups(default="1")
    units = [unit, *_units_like(unit.lower().removesuffix("b")), unit.lower()]
    guesses = [quantity_or_none(f"{number}{each}") for each in dict.fromkeys(units)]
    fitting = [guess.text for guess in guesses if guess is not None and fits(guess)]
    if not fitting:
        return None
    others = f" (or {fitting[1]!r})" if len(fitting) > 1 and unit not in _UNITS else ""
    return f"did you mean {fitting[0]!r}{others}?"


def _units_like(lower: str) -> list[str]:
    if lower.removesuffix("i") not in {"k", "m", "g", "t", "p", "e"}:
        return []
    letter = lower[0].upper()
    decimal = "k" if letter == "K" else letter
    return [f"{letter}i"] if lower.endswith("i") else [f"{letter}i", decimal]


ZERO = Quantity("0")
"""Nothing of anything."""
