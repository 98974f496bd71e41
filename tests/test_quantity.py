"""Kubernetes quantities: the grammar, the exact value, the spelling."""

from __future__ import annotations

import pickle
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import InvalidConfig, Quantity

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
        *(
            (text, "write a number and a unit such as '500m', '2', '16Gi' or '16G'")
            for text in ("", "abc", "K", "Gi", "1Zi", "--1", "1.2.3", "1e1.5", "٣", "nan")
        ),
        *(
            (text, "write a number and a unit such as '500m', '2', '16Gi' or '16G'")
            for text in ("1e100", "1e999999999999", "9" * 101)
        ),
    ],
)
def test_what_is_no_quantity_is_refused_with_a_guess(text: str, remedy: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Quantity(text)
    (problem,) = caught.value.problems
    assert (problem.path, problem.value, problem.rule, problem.remedy) == (
        "text",
        text,
        "is not a Kubernetes quantity",
        remedy,
    )


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


def test_a_quantity_is_no_number_and_no_text() -> None:
    assert Quantity("1") != 1
    assert Quantity("1") != "1"
    with pytest.raises(TypeError):
        Quantity("1") < 2  # type: ignore[operator]  # noqa: B015  # what this test is about
