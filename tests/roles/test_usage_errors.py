"""Checked calls: wrong arguments raise `InvalidConfig`, other errors pass through."""

from __future__ import annotations

from traceback import format_exception
from typing import Any

import pytest

from flyte_dask import InvalidConfig, WorkerGroup
from flyte_dask.roles.base import checked


class Greeter:
    """A class with a checked method."""

    name = "anna"

    @checked("{0.name}.greet(...)")
    def greet(self, whom: str, *, times: int = 1) -> str:
        """A greeting."""
        return f"{self.name} greets " + " ".join([whom] * times)


greeter: Any = Greeter()


def test_a_correct_call_is_the_method() -> None:
    assert greeter.greet("bob", times=2) == "anna greets bob bob"
    assert Greeter.greet.__doc__ == "A greeting."


def test_all_wrong_arguments_are_reported_together() -> None:
    with pytest.raises(InvalidConfig) as caught:
        greeter.greet(time=3)
    assert str(caught.value).splitlines()[1:] == [
        "  time   3 is an unexpected keyword argument of anna.greet(...): did you mean 'times'?",
        "  whom   is required: pass it",
    ]


def test_pythons_own_error_is_not_shown_before_it() -> None:
    with pytest.raises(InvalidConfig) as caught:
        greeter.greet("bob", time=3)
    assert caught.value.__suppress_context__
    assert "TypeError" not in "".join(format_exception(caught.value))


def test_a_type_error_from_within_passes_through() -> None:
    with pytest.raises(TypeError, match="can't multiply sequence") as caught:
        greeter.greet("bob", times="2")
    assert not isinstance(caught.value, InvalidConfig)


def test_an_error_of_a_users_object_is_the_cause() -> None:
    class Broken:
        mem = gpu = ephemeral_storage = None

        @property
        def cpu(self) -> str:
            raise TypeError("broken by its owner")

    with pytest.raises(InvalidConfig, match=r"raises TypeError\('broken by its owner'\)") as caught:
        WorkerGroup(requests=Broken())
    assert str(caught.value.__context__) == "broken by its owner"
    assert not caught.value.__suppress_context__
