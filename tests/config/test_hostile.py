"""Every public call with values that break code which trusts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flyte_dask
from flyte_dask import Dask, FlyteDaskError, InvalidConfig, Quantity, presets, team_files
from flyte_dask.prediction import Platform
from tests.support.hostile_values import HOSTILE, Call, calls

pytestmark = pytest.mark.once

MOST_BYTES = 20_000
CALLS = [*calls()]
THREE: Any = np.int64(3)


def as_given(value: object) -> object:
    """The value alone."""
    return value


def in_list(value: object) -> object:
    """A list with it."""
    return [value]


def in_pair(value: object) -> object:
    """Twice in a tuple."""
    return (value, value)


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_is_valid_or_an_error_of_ours(call: Call) -> None:
    """Whose text is short; what is valid can be printed."""
    # settings are many, and none is a collection
    wraps = [as_given] if "untime" in call.name else [as_given, in_list, in_pair]
    outcomes = {
        f"{parameter}: {wrap.__name__} {name}": outcome(call, parameter, wrap(value))
        for parameter in call.valid
        for name, value in HOSTILE.items()
        for wrap in wraps
    }
    assert {name: each for name, each in outcomes.items() if each is not None} == {}


def outcome(call: Call, parameter: str, value: object) -> str | None:
    """What is wrong with the outcome of *call*; None if nothing is."""
    try:
        repr(call.with_value(parameter, value))
    except FlyteDaskError as error:
        text = str(error)
        return None if len(text.encode()) <= MOST_BYTES else text[:100]  # surrogates would raise
    except Exception as error:  # anything else is a fault
        return f"{type(error).__name__}"
    return None


def test_covers_every_public_name() -> None:
    """Apart from errors and types that nobody makes."""
    made = {call.name.split(".")[0] for call in CALLS}
    others = {"CallSite", "Origin", "Problem", "presets"}
    names = {
        name
        for name in flyte_dask.__all__
        if name not in others and not _is_error(getattr(flyte_dask, name))
    }
    assert names - made == set()
    assert {f"presets.{name}" for name in ("define", "get")} <= {call.name for call in CALLS}


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (
            lambda: team_files.read(None),  # type: ignore[arg-type]  # what this is about
            "file   None is not a path: pass a str or a Path",
        ),
        (
            lambda: Platform(backend=np.array([1, 2])),  # type: ignore[arg-type]  # as above
            "backend   array([1, 2]) is an unknown backend: use 'v1' or 'v2'",
        ),
        (
            lambda: Dask(silence=THREE),
            "silence   np.int64(3) is not a list of rule codes: use a list of strings",
        ),
        (
            lambda: Quantity("2Gi") * 10**5000,
            "result   is beyond any machine, and more than can be written: use smaller amounts",
        ),
        (
            lambda: Dask().with_workers(mem=(np.array([1, 2]), 3)),  # type: ignore[arg-type]  # as above
            (
                "workers.requests.mem   array([1, 2]) must be a str or int, not ndarray: "
                "write bytes such as '16Gi' or '16G'"
            ),
        ),
    ],
)
def test_the_error_is_as_everywhere(call: Callable[[], object], problem: str) -> None:
    with pytest.raises(InvalidConfig) as caught:
        call()
    assert str(caught.value).splitlines()[1].strip() == problem


def test_an_error_of_an_argument_names_all_that_may_have_raised_it() -> None:
    fighting = HOSTILE["fighting name"]
    with pytest.raises(InvalidConfig) as caught:
        presets.medium(3, image=fighting)
    (problem,) = caught.value.problems
    assert problem.path == "image"
    assert problem.rule.startswith("cannot be validated: it raises ValueError(")


@given(st.integers(), st.integers(min_value=0, max_value=6000), st.sampled_from(["1", "5n", "3Ki"]))
def test_a_product_is_written_or_rejected(factor: int, power: int, text: str) -> None:
    """It can be read back, as long as its text is not longer than that of an amount."""
    try:
        product = Quantity(text) * (factor * 10**power)
    except InvalidConfig:
        assert power > 900
    else:
        assert product == Quantity(text) * factor * 10**power
        assert len(product.text) > 1000 or Quantity(product.text) == product


def test_many_wrong_arguments_are_compared_with_names_in_time() -> None:
    """Of most there is no room in the message."""
    wrong: Any = {f"worker_{number}": 1 for number in range(20_000)}
    with pytest.raises(InvalidConfig) as caught:
        Dask(**wrong)
    assert len(caught.value.problems) == 20_000
    assert "did you mean 'workers'?" in caught.value.problems[0].remedy
    assert len(str(caught.value).encode()) < MOST_BYTES
