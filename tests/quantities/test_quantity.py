"""Kubernetes quantities: the grammar, the exact value, the spelling."""

from __future__ import annotations

import json
import math
import pickle
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import FrozenConfig, InvalidConfig, Quantity
from tests.recorded.official_plugin.quantities import QUANTITIES, texts

CANONICAL: dict[str, str | None] = json.loads(QUANTITIES.read_text(encoding="utf-8"))["canonical"]

SUFFIXES = ["", *"numkMGTPE", *(f"{letter}i" for letter in "KMGTPE"), "e3", "E3", "e-2", "E+2"]
NUMBERS = st.from_regex(r"[+-]?([0-9]{1,18}(\.[0-9]{0,9})?|\.[0-9]{1,9})", fullmatch=True)
TEXTS = st.builds(lambda number, suffix: number + suffix, NUMBERS, st.sampled_from(SUFFIXES))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", Fraction(0)),
        ("1", Fraction(1)),
        ("+1", Fraction(1)),
        ("-1", Fraction(-1)),
        ("500m", Fraction(1, 2)),
        ("1.5Gi", Fraction(3 * 2**29)),
        (".5", Fraction(1, 2)),
        ("5.", Fraction(5)),
        ("1e3", Fraction(1000)),
        ("1E3", Fraction(1000)),
        ("1E-3", Fraction(1, 1000)),
        ("12E", Fraction(12 * 10**18)),
        ("1Ei", Fraction(2**60)),
        ("1152921504606846977", Fraction(2**60 + 1)),
        ("1n", Fraction(1, 10**9)),
        ("7u", Fraction(7, 10**6)),
        ("1k", Fraction(1000)),
        ("1Ki", Fraction(1024)),
    ],
)
def test_value_is_exact(text: str, value: Fraction) -> None:
    assert Quantity(text).value == value


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("16GB", "did you mean '16Gi' (or '16G')?"),
        ("16gb", "did you mean '16Gi' (or '16G')?"),
        ("2Gib", "did you mean '2Gi'?"),
        ("2GiB", "did you mean '2Gi'?"),
        ("1 Gi", "did you mean '1Gi'?"),
        (" 1Gi", "did you mean '1Gi'?"),
        ("4K", "did you mean '4Ki' (or '4k')?"),
        ("1e", "did you mean '1Ei' (or '1E')?"),
        ("16KB", "did you mean '16Ki' (or '16k')?"),
        ("K", "did you mean '1Ki' (or '1k')?"),
        ("GB", "did you mean '1Gi' (or '1G')?"),
        ("500 m", "did you mean '500m'?"),
        *(
            (text, "write a number and a unit such as '500m', '2', '16Gi' or '16G'")
            for text in ("", " ", "abc", "1Zi", "--1", "1.2.3", "1e1.5", "٣", "nan")
        ),
        *(
            (text, "write a number and a unit such as '500m', '2', '16Gi' or '16G'")
            for text in ("1e1000", "1e-1000", "1e999999999999", "9" * 1001, "1e" + "9" * 5000)
        ),
    ],
)
def test_an_invalid_text_is_rejected_with_a_suggestion(text: str, remedy: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Quantity(text)
    (problem,) = caught.value.problems
    assert (problem.path, problem.value, problem.rule, problem.remedy) == (
        "text",
        text,
        "is not a Kubernetes quantity",
        remedy,
    )


@pytest.mark.parametrize("text", list(CANONICAL))
def test_accepts_what_the_parser_of_kubernetes_accepts(text: str) -> None:
    """As recorded with `kubectl`, which rounds up to billionths and clamps to 2**63 - 1."""
    canonical = CANONICAL[text]
    if canonical is None:
        with pytest.raises(InvalidConfig):
            Quantity(text)
        return
    value = Quantity(text).value
    billionths = Fraction(math.ceil(abs(value) * 10**9), 10**9)
    if text.endswith("i"):
        billionths = min(billionths, Fraction(2**63 - 1))
    assert Quantity(canonical).value == (billionths if value > 0 else -billionths)


def test_the_recorded_texts_are_current() -> None:
    assert list(CANONICAL) == texts()


@given(TEXTS)
def test_every_spelling_of_the_grammar_is_accepted_and_kept(text: str) -> None:
    assert str(Quantity(text)) == text


@given(TEXTS, TEXTS)
def test_equality_hash_and_order_go_by_value(left: str, right: str) -> None:
    a, b = Quantity(left), Quantity(right)
    assert (a == b) == (a.value == b.value)
    assert (a < b, a <= b, a > b, a >= b) == (
        a.value < b.value,
        a.value <= b.value,
        a.value > b.value,
        a.value >= b.value,
    )
    if a == b:
        assert hash(a) == hash(b)


@given(TEXTS)
def test_repr_and_pickle_round_trip(text: str) -> None:
    quantity = Quantity(text)
    for copy in (eval(repr(quantity)), pickle.loads(pickle.dumps(quantity))):
        assert (copy, copy.text) == (quantity, text)


@pytest.mark.parametrize("text", ["9e999", "9" * 1000, "1e-999", "." + "0" * 998 + "1"])
def test_results_may_exceed_the_limits_on_texts(text: str) -> None:
    """Those limits are for user input only."""
    amount = Quantity(text)
    for total, value in (
        (amount * 50, amount.value * 50),
        (amount + Quantity("1n"), amount.value + Fraction(1, 10**9)),
        (Quantity("9e-999") - amount * 4, Fraction(9, 10**999) - amount.value * 4),
    ):
        assert (total.value, total + Quantity("0")) == (value, total)
        copy = pickle.loads(pickle.dumps(total))
        assert (copy, copy.text) == (total, total.text)


@pytest.mark.parametrize(
    ("left", "right", "total", "difference"),
    [
        ("500m", "1", "1500m", "-500m"),
        ("1500m", "500m", "2", "1"),
        ("999", "1", "1000", "998"),
        ("8Gi", "512Mi", "8704Mi", "7680Mi"),
        ("1Gi", "1Gi", "2Gi", "0"),
        ("1023Gi", "1Gi", "1Ti", "1022Gi"),
        ("16G", "500M", "16500M", "15500M"),
        ("1k", "999k", "1M", "-998k"),
        ("1k", "1", "1001", "999"),
        ("1Gi", "1", "1073741825", "1073741823"),
        ("1e3", "0.5", "1000500m", "999500m"),
        ("1n", "0.1n", "11e-10", "9e-10"),
        ("1e-12", "0", "1e-12", "1e-12"),
    ],
)
def test_sums_and_differences_keep_the_unit_family(
    left: str, right: str, total: str, difference: str
) -> None:
    assert (Quantity(left) + Quantity(right)).text == total
    assert (Quantity(left) - Quantity(right)).text == difference


def test_a_multiple_is_a_footprint() -> None:
    assert [(5 * Quantity(text)).text for text in ("2", "500m", "16Gi", "0", "400G")] == [
        "10",
        "2500m",
        "80Gi",
        "0",
        "2T",
    ]
    assert reduce(add, [Quantity("8Gi")] * 3, Quantity("4Gi")).text == "28Gi"


@given(TEXTS, TEXTS, st.integers(-10, 10))
def test_arithmetic_is_exact(left: str, right: str, times: int) -> None:
    a, b = Quantity(left), Quantity(right)
    assert (a + b).value == a.value + b.value
    assert (a - b).value == a.value - b.value
    assert (a * times).value == (times * a).value == a.value * times


def test_a_quantity_is_frozen() -> None:
    quantity: Any = Quantity("1Gi")
    with pytest.raises(FrozenConfig, match=r"write a new one, such as Quantity\('2Gi'\)"):
        quantity.text = "2Gi"
    with pytest.raises(FrozenConfig, match="cannot be deleted"):
        del quantity.text
    with pytest.raises(FrozenConfig, match="'2Gi' cannot be set: a Quantity is frozen"):
        quantity.txt = "2Gi"


def test_a_quantity_is_a_text_that_is_compared_by_its_value() -> None:
    """From either side."""
    amount = Quantity("1000m")
    assert isinstance(amount, str)
    assert [str.__str__(amount), f"{amount}", json.dumps(amount)] == ["1000m", "1000m", '"1000m"']
    assert type(amount.text) is type(str(amount)) is str
    assert [amount == each for each in ("1", "1000m", "2", "one", "")] == [True, True, *[False] * 3]
    assert [each == amount for each in ("1", "1000m", "2", "one", "")] == [True, True, *[False] * 3]
    assert [amount != each for each in ("1", "2", "one")] == [False, True, True]
    assert amount < "2"
    assert Quantity("9Mi") < "10Mi" <= Quantity("10Mi")
    assert Quantity("9Mi") < "10Mi"
    with pytest.raises(InvalidConfig, match="'one' is not a Kubernetes quantity"):
        amount < "one"  # noqa: B015  # what this test is about


def test_a_quantity_is_no_number() -> None:
    assert Quantity("1") != 1
    with pytest.raises(TypeError):
        Quantity("1") < 2  # type: ignore[operator]  # noqa: B015  # what this test is about
    for wrong in (1, 0.5, "1"):
        other: Any = wrong
        with pytest.raises(TypeError):
            Quantity("1") + other
        with pytest.raises(TypeError):
            Quantity("1") - other
    by: Any = 0.5
    with pytest.raises(TypeError):
        Quantity("1") * by


def test_text_of_a_subclass_becomes_plain() -> None:
    class Size(str):
        __slots__ = ()

        def __repr__(self) -> str:
            return "Size"

    quantity = Quantity(Size("1Gi"))
    assert (type(quantity.text), repr(quantity)) == (str, "Quantity('1Gi')")
