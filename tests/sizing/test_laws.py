"""Laws of growth: which one is found, and that intervals contain what comes next."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_sizing.growth.laws import fitted

LAWS: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 7e8,
    "linear": lambda size: 3 * size,
    "quadratic": lambda size: 1e-6 * size**2,
    "fixed and linear": lambda size: 2e8 + 0.4 * size,
    "power": lambda size: 5e4 * size**0.5,
}
SIZES = [1e6, 1e7, 3e7, 1e8, 1e9]


@pytest.mark.parametrize("name", LAWS)
def test_a_law_without_noise_is_found(name: str) -> None:
    best, *_ = fitted([(size, LAWS[name](size)) for size in SIZES])
    assert best.name == name
    for size in (*SIZES, 1e10):
        assert math.isclose(best.at(size), LAWS[name](size), rel_tol=1e-6)


def test_n_log_n_is_told_from_linear_over_a_wide_range() -> None:
    points = [(size, 4 * size * math.log2(size + 1)) for size in (10, 1e3, 1e5, 1e7)]
    best, *others = fitted(points)
    assert best.name == "n log n"
    assert "linear" not in {each.name for each in others}


def test_laws_that_cannot_be_told_apart_widen_the_interval() -> None:
    """Over a narrow range linear and n log n are alike; the simpler one is taken."""
    best, *others = fitted([(size, 4 * size * math.log2(size + 1)) for size in (1e9, 2e9, 4e9)])
    assert best.name == "linear"
    assert "n log n" in {each.name for each in others}


@pytest.mark.parametrize("points", [[], [(1, 1)], [(1, 1), (2, 2)], [(1, 1), (1, 2), (2, 2)]])
def test_too_few_sizes_have_no_law(points: list[tuple[float, float]]) -> None:
    assert fitted(points) == []


@pytest.mark.parametrize("noise", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("name", LAWS)
def test_intervals_contain_what_they_promise(name: str, noise: float) -> None:
    """Nine of ten next runs of twice the largest size; one more may miss by a law that is alike."""
    chance, within = random.Random(27), 0

    def run(size: float) -> float:
        return LAWS[name](size) * math.exp(chance.gauss(0, noise))

    for _ in range(100):
        intervals = [fit.interval(2e9) for fit in fitted([(size, run(size)) for size in SIZES])]
        low, high = min(each.low for each in intervals), max(each.high for each in intervals)
        within += low <= run(2e9) <= high
    assert within >= 80


@given(st.lists(st.tuples(st.floats(1, 1e12), st.floats(1e-3, 1e15)), min_size=1, max_size=20))
def test_any_points_have_finite_laws_that_do_not_fall(points: list[tuple[float, float]]) -> None:
    for fit in fitted(points):
        value, low, high = fit.interval(1e13)
        assert 0 <= low <= value <= high
        assert fit.at(2e13) >= fit.at(1e13) >= 0
