"""Usual amounts: the next one from any number on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.usual import usual_cpus, usual_memory

MIB, GIB = 2**20, 2**30


@pytest.mark.parametrize(
    ("least", "amount"),
    [
        (0, "1Mi"),
        (200 * MIB, "224Mi"),
        (512 * MIB, "512Mi"),
        (513 * MIB, "1Gi"),
        (6 * GIB, "6Gi"),
        (8.1 * GIB, "10Gi"),
        (33 * GIB, "40Gi"),
    ],
)
def test_memory_has_few_digits(least: float, amount: str) -> None:
    assert usual_memory(least) == amount


@given(st.floats(0, 2**50), st.floats(1, 2))
def test_an_amount_is_enough_never_much_more_and_monotone(least: float, factor: float) -> None:
    amount, other = (Quantity(usual_memory(each)).value for each in (least, factor * least))
    assert least <= amount <= max(2 * least, MIB)
    assert amount <= other
    cpus = Quantity(usual_cpus(least)).value
    assert least <= cpus <= max(1.25 * least + 1, 1)
