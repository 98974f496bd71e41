"""Kubernetes quantities: amounts such as ``500m`` or ``2Gi``, exact and with their spelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any, reject_change

if TYPE_CHECKING:  # takes 3 ms, and importing flyte_dask must stay almost free
    from fractions import Fraction

__all__ = [
    "BINARY_UNITS",
    "DECIMAL_UNITS",
    "ZERO",
    "Quantity",
    "plain_if_text",
    "plain_text",
    "quantity_or_none",
    "quantity_problem",
    "unless_zero",
]

T = TypeVar("T")

_DIGITS = "0123456789"
_MISSPELT = r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))?\s*([A-Za-z]*)"
_LONGEST_MISSPELT = 100  # longer texts get no suggestion: matching them is slow

_LARGER = {"Ei": (2, 60), "Pi": (2, 50), "Ti": (2, 40)}
BINARY_UNITS = _LARGER | {"Gi": (2, 30), "Mi": (2, 20), "Ki": (2, 10)}
_LARGE = {"E": (10, 18), "P": (10, 15), "T": (10, 12), "G": (10, 9), "M": (10, 6), "k": (10, 3)}
_SMALL = {"": (10, 0), "m": (10, -3), "u": (10, -6), "n": (10, -9)}
DECIMAL_UNITS = _LARGE | _SMALL
_UNITS = BINARY_UNITS | DECIMAL_UNITS
"""Base and power of each suffix, from the largest to the smallest within each family."""

# Far beyond any machine: parsing longer numbers or larger powers would only cost memory.
_LONGEST = 1000
_LARGEST_EXPONENT = 999
_LARGEST = 10**2000  # of a result, and above that of any text; Python does not write all numbers

_RULE = "is not a Kubernetes quantity"
_SYNTAX = "write a number and a unit such as '500m', '2', '16Gi' or '16G'"


@final
class Quantity(str):
    """An amount in Kubernetes notation, such as ``Quantity("16Gi")``: value and text, both exact.

    It is a str, so that whatever takes amounts as texts takes it too, such as the ``Resources`` of
    both SDKs and `json`. But equality, order and hash use the value (``1000m`` equals ``1``), also
    where the other side is a plain text; *text* is serialized unchanged. As keys, quantities and
    plain texts do not mix: their hashes differ.

    The unit is that of the dimension: CPUs, bytes, whole GPUs. Quantities can be added, subtracted,
    and multiplied by an int; the result may exceed the limits on *text*, up to 2000 digits.

    Everything that the API server's parser accepts is accepted, even without digits: ``Gi`` is
    zero. (That parser rounds up to billionths, and clamps binary amounts to ``2**63 - 1``; *value*
    does neither.)

    Raises:
        InvalidConfig: if Kubernetes would reject *text*, or it is far beyond any machine (more than
            1000 characters, or an exponent above 999).
    """

    # Not an attrs class: attrs takes longer to make one than Python to load a module of flyte_dask.
    __slots__ = ("_ratio",)

    _ratio: tuple[int, int]
    """Numerator and denominator; the denominator is positive, the fraction may be reducible."""

    def __new__(cls, text: str) -> Quantity:
        """The amount *text*."""
        problem = quantity_problem("text", text)
        raise_if_any("Quantity(...)", [problem] if problem else [])
        text = plain_text(text)
        return _unvalidated(text, cast("tuple[int, int]", _parse(text)))

    if not TYPE_CHECKING:  # type checkers should see that nothing can be set
        __setattr__ = __delattr__ = reject_change

    def __reduce__(self) -> tuple[Callable[[str, tuple[int, int]], Quantity], tuple[object, ...]]:
        return _unvalidated, (self.text, self._ratio)

    @property
    def text(self) -> str:
        """The amount as it was written, as a plain str."""
        return str.__str__(self)

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
        """Whether the text has a number; without one, as in ``Gi``, Kubernetes reads zero."""
        return self.text.lstrip("+-.")[:1].isdigit()

    def __eq__(self, other: object) -> bool:
        if type(other) is not Quantity:
            if not issubclass(type(other), str):
                return NotImplemented
            amount = quantity_or_none(plain_text(cast("str", other)))
            return amount is not None and self._compare(amount) == 0
        return self._ratio == other._ratio or self._compare(other) == 0

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    # All four: those of functools.total_ordering compare twice, and comparisons are frequent.

    def __lt__(self, other: str) -> bool:
        amount = _amount(other)
        return NotImplemented if amount is None else self._compare(amount) < 0

    def __le__(self, other: str) -> bool:
        amount = _amount(other)
        return NotImplemented if amount is None else self._compare(amount) <= 0

    def __gt__(self, other: str) -> bool:
        amount = _amount(other)
        return NotImplemented if amount is None else self._compare(amount) > 0

    def __ge__(self, other: str) -> bool:
        amount = _amount(other)
        return NotImplemented if amount is None else self._compare(amount) >= 0

    def __hash__(self) -> int:
        return hash(self.value)

    def __add__(self, other: Quantity) -> Quantity:  # type: ignore[override]  # no text is added
        """The sum, in the largest unit in which it is whole; the same for ``-`` and ``*``."""
        if type(other) is not Quantity:
            return NotImplemented
        return _in_largest_unit(self.value + other.value, self.text, other.text)

    def __sub__(self, other: Quantity) -> Quantity:
        if type(other) is not Quantity:
            return NotImplemented
        return _in_largest_unit(self.value - other.value, self.text, other.text)

    def __mul__(self, times: int) -> Quantity:  # type: ignore[override]  # as above
        if not issubclass(type(times), int):
            return NotImplemented
        return _in_largest_unit(self.value * int.__int__(times), self.text)

    def __rmul__(self, times: int) -> Quantity:  # type: ignore[override]  # as above
        return Quantity.__mul__(self, times)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Quantity({self.text!r})"

    def _compare(self, other: Quantity) -> int:
        """A number that is negative, zero or positive if this is below, at or above *other*."""
        numerator, denominator = self._ratio
        return numerator * other._ratio[1] - other._ratio[0] * denominator


def _amount(value: object) -> Quantity | None:
    """*value* as a quantity; None if it is no text.

    Raises:
        InvalidConfig: if it is another text, which is neither below nor above one.
    """
    if type(value) is Quantity:
        return value
    return Quantity(cast("str", value)) if issubclass(type(value), str) else None


def plain_text(text: str) -> str:
    """*text* as a plain str, whose repr is valid Python; that of a subclass may not be."""
    return str.__str__(text)


def plain_if_text(value: T) -> T:
    """*value* as a plain str if it is one of a subclass; unchanged otherwise."""
    is_text = issubclass(type(value), str)
    return cast("T", plain_text(cast("str", value))) if is_text else value


def quantity_problem(
    path: str,
    text: object,
    remedy: str = _SYNTAX,
    fits: Callable[[Quantity], bool] = lambda _: True,
) -> Problem | None:
    """The problem if *text* is not a quantity, with a suggestion that *fits*, else *remedy*."""
    if not issubclass(type(text), str):  # by its type: an object may claim another class
        return Problem(path, text, _RULE, remedy)
    text = plain_text(cast("str", text))
    if _parse(text) is None:
        guesses = _guesses(text, fits)
        if not guesses:
            return Problem(path, text, _RULE, remedy)
        others = f" (or {guesses[1]!r})" if len(guesses) > 1 else ""
        meant = f"did you mean {guesses[0]!r}{others}?"
        return Problem(path, text, _RULE, meant, replacement=guesses[0])
    return None


@lru_cache(maxsize=1024)
def quantity_or_none(text: str) -> Quantity | None:
    """*text* as a quantity, the same object each time; None if it is not one."""
    return None if _parse(text) is None else Quantity(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[int, int] | None:
    """*text* as a ratio, read as Kubernetes' parser does; None if it is not a quantity.

    The grammar: a sign, digits with at most one point, and a unit or an exponent. Missing digits
    mean zero, but are invalid before ``Pi`` and ``Ei``.
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


def _unvalidated(text: str, ratio: tuple[int, int]) -> Quantity:
    """A quantity with this text and value, which are known to be valid."""
    quantity = str.__new__(Quantity, text)
    object.__setattr__(quantity, "_ratio", ratio)
    return quantity


def _in_largest_unit(value: Fraction, *like: str) -> Quantity:
    """*value* in the largest unit in which it is whole, within the families of the texts *like*.

    Thousands and millions are used only if one of these texts uses them: 1000 CPUs stay 1000.
    """
    ratio = value.numerator, value.denominator
    if max(map(abs, ratio)) > _LARGEST:
        rule = "is beyond any machine, and more than can be written"
        raise_if_any("Quantity", [Problem("result", attrs.NOTHING, rule, "use smaller amounts")])
    suffixes = {text.lstrip("+-.0123456789") for text in like}
    families = [family for family in (BINARY_UNITS, _LARGE) if not suffixes.isdisjoint(family)]
    for suffix in [*chain(*families), *_SMALL] if value else [""]:
        base, power = _UNITS[suffix]
        number = value / base**power if power >= 0 else value * base**-power
        if number.denominator == 1:
            return _unvalidated(f"{number}{suffix}", ratio)
    digits = next(count for count in range(10, 10_000) if (value * 10**count).denominator == 1)
    return _unvalidated(f"{value * 10**digits}e-{digits}", ratio)


def _guesses(text: str, fits: Callable[[Quantity], bool]) -> list[str]:
    """What *text* may mean, if only whitespace, case, a ``B`` or a missing number is wrong."""
    match = re.fullmatch(_MISSPELT, text.strip()) if len(text) <= _LONGEST_MISSPELT else None
    if match is None or not text.strip():
        return []
    number, unit = match.groups(default="1")
    units = [unit, *_units_like(unit.lower().removesuffix("b")), unit.lower()]
    guesses = [quantity_or_none(f"{number}{each}") for each in dict.fromkeys(units)]
    fitting = [guess.text for guess in guesses if guess is not None and fits(guess)]
    return fitting[:1] if unit in _UNITS else fitting[:2]


def _units_like(lower: str) -> list[str]:
    if lower.removesuffix("i") not in {"k", "m", "g", "t", "p", "e"}:
        return []
    letter = lower[0].upper()
    decimal = "k" if letter == "K" else letter
    return [f"{letter}i"] if lower.endswith("i") else [f"{letter}i", decimal]


ZERO = Quantity("0")


def unless_zero(amount: Quantity | None) -> Quantity | None:
    """*amount*; None if it is zero."""
    return None if amount == ZERO else amount
