"""Laws by which a quantity grows with the size of an input, fitted to runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean
from typing import Any, NamedTuple, final

import attrs

__all__ = ["MIN_SIZES", "Fit", "Interval", "fitted"]

MIN_SIZES = 3
"""The number of distinct sizes below which no law is fitted."""

_NOISE = 0.02  # relative error below which laws are alike: runs repeat no better
_CLOSE = 2.0  # difference of scores up to which the simpler law is preferred
_ALIKE = 6.0  # difference of scores up to which another law is about as likely
_STEEPEST = 4.0  # exponent
_CONFIDENCE = 0.95  # one-sided: intervals contain 90 %

_T95 = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
"""The 95% quantiles of Student's t distribution with 1, 2, ... degrees of freedom."""

_Shape = Callable[[float], float]


@final
class Interval(NamedTuple):
    """A predicted value, and the interval that contains 90 % of such runs."""

    value: float
    low: float
    high: float


@final
@attrs.frozen(kw_only=True)
class Fit:
    """A law with its parameters: ``value = fixed + factor * shape(size)``."""

    name: str
    """``constant``, ``linear``, ``n log n``, ``quadratic``, ``fixed and linear`` or ``power``."""
    factor: float
    fixed: float = 0.0
    exponent: float = 1.0
    """That of the law ``power``."""
    error: float
    """The standard deviation of the logarithms of values from the law."""
    freedom: int
    """Degrees of freedom of that error."""
    score: float
    """Smaller for laws that fit better with fewer parameters."""
    sizes: Sequence[float] = attrs.field(repr=False)

    def at(self, size: float) -> float:
        """The value at *size*."""
        return self.fixed + self.factor * _shape(self.name, self.exponent)(size)

    def interval(self, size: float) -> Interval:
        """The value at *size* with the error of the runs, and of the law beyond them."""
        logs = [math.log(each) for each in self.sizes]
        spread = sum((each - fmean(logs)) ** 2 for each in logs)
        beyond = (math.log(size) - fmean(logs)) ** 2 / spread if spread else 0.0
        # the distance from the runs counts where their slope is fitted
        has_slope = self.name in {"power", "fixed and linear"}
        error = self.error * math.sqrt(1 + 1 / len(logs) + (beyond if has_slope else 0.0))
        factor = math.exp(min(_t_quantile(self.freedom) * error, 50.0))
        value = self.at(size)
        return Interval(value, value / factor, value * factor)

    def __str__(self) -> str:
        """Its name, and the exponent of a power."""
        return f"{self.name} of {self.exponent:.2g}" if self.name == "power" else self.name


def fitted(points: Sequence[tuple[float, float]]) -> list[Fit]:
    """The laws that fit *points* of size and value about equally well, the best one first.

    Points are positive. A law with fewer parameters, or that grows less, is preferred to another
    that fits as well as runs repeat. Without `MIN_SIZES` distinct sizes there are none.
    """
    usable = [(size, value) for size, value in points if size > 0 and value > 0]
    if len({size for size, _ in usable}) < MIN_SIZES:
        return []
    fits = [_one_parameter(name, usable) for name in _SHAPES]
    fits += [fit for make in (_affine, _power) if (fit := make(usable)) is not None]
    least = min(fit.score for fit in fits)
    best = next(fit for fit in fits if fit.score <= least + _CLOSE)
    others = [fit for fit in fits if fit is not best and fit.score <= least + _ALIKE]
    return [best, *others]


_SHAPES: dict[str, _Shape] = {
    "constant": lambda _: 1.0,
    "linear": lambda size: size,
    "n log n": lambda size: size * math.log2(size + 1),
    "quadratic": lambda size: size * size,
}


def _shape(name: str, exponent: float) -> _Shape:
    if name == "power":
        return lambda size: size**exponent
    return _SHAPES.get(name, _SHAPES["linear"])


def _one_parameter(name: str, points: Sequence[tuple[float, float]]) -> Fit:
    """The law of this shape whose factor fits best, by the logarithms."""
    shape = _SHAPES[name]
    log_factor = fmean(math.log(value / shape(size)) for size, value in points)
    return _fit(points, 1, name=name, factor=math.exp(log_factor))


def _power(points: Sequence[tuple[float, float]]) -> Fit | None:
    """The power that fits best; None if it would fall with the size, or is none of any program."""
    sizes, values = ([math.log(each) for each in side] for side in zip(*points, strict=True))
    mean = fmean(sizes)
    spread = sum((each - mean) ** 2 for each in sizes)
    exponent = (
        sum((size - mean) * value for size, value in zip(sizes, values, strict=True)) / spread
    )
    if not 0 < exponent <= _STEEPEST:
        return None
    factor = math.exp(fmean(values) - exponent * mean)
    return _fit(points, 2, name="power", factor=factor, exponent=exponent)


def _affine(points: Sequence[tuple[float, float]]) -> Fit | None:
    """A fixed part and a linear one, by relative errors; None if either would be negative.

    Memory and time have a fixed part, which a power would continue with too small a slope.
    """
    one = sum(1 / value**2 for _, value in points)
    mixed = sum(size / value**2 for size, value in points)
    square = sum((size / value) ** 2 for size, value in points)
    right = sum(1 / value for _, value in points), sum(size / value for size, value in points)
    determinant = one * square - mixed**2
    if determinant <= 1e-12 * one * square:
        return None
    fixed = (right[0] * square - right[1] * mixed) / determinant
    factor = (right[1] * one - right[0] * mixed) / determinant
    if fixed <= 0 or factor <= 0:
        return None
    return _fit(points, 2, name="fixed and linear", factor=factor, fixed=fixed)


def _fit(points: Sequence[tuple[float, float]], parameters: int, **law: Any) -> Fit:
    """The law with these parameters, its error and its score (Schwarz's criterion)."""
    sizes, number, freedom = [size for size, _ in points], len(points), len(points) - parameters
    fit = Fit(**law, error=0.0, freedom=freedom, score=0.0, sizes=sizes)
    squares = sum(math.log(value / fit.at(size)) ** 2 for size, value in points)
    score = number * math.log(max(squares / number, _NOISE**2)) + parameters * math.log(number)
    return attrs.evolve(fit, error=max(math.sqrt(squares / freedom), _NOISE), score=score)


def _t_quantile(freedom: int) -> float:
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    normal = NormalDist().inv_cdf(_CONFIDENCE)
    return normal + (normal**3 + normal) / (4 * freedom)
