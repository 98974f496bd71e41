"""Checked calls: a call that does not fit is ours to explain, any other error is not."""

from __future__ import annotations

from typing import Any

import pytest

from flyte_dask import InvalidConfig, WorkerGroup
from flyte_dask.roles.base import checked_call


class Greeter:
    """Something with a checked call."""

    name = "anna"

    @checked_call("{self.name}.greet(...)")
    def greet(self, whom: str, *, times: int = 1) -> str:
        """A greeting."""
        return f"{self.name} greets " + " ".join([whom] * times)


greeter: Any = Greeter()


def test_a_call_that_fits_is_the_method() -> None:
    assert greeter.greet("bob", times=2) == "anna greets bob bob"
    assert Greeter.greet.__doc__ == "A greeting."


def test_everything_that_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(InvalidConfig) as caught:
        greeter.greet(time=3)
    assert str(caught.value).splitlines()[1:] == [
        "  time   3 is for an argument that anna.greet(...) does not have: did you mean 'times'?",
        "  whom   NOTHING was given, and the argument has no default: say it",
    ]


def test_a_type_error_from_within_passes_through() -> None:
    with pytest.raises(TypeError, match="can't multiply sequence") as caught:
        greeter.greet("bob", times="2")
    assert not isinstance(caught.value, InvalidConfig)


def test_an_error_of_a_users_object_passes_through() -> None:
    class Broken:
        mem = gpu = ephemeral_storage = None

        @property
        def cpu(self) -> str:
            raise TypeError("broken by its owner")

    with pytest.raises(TypeError, match=r"^broken by its owner$"):
        WorkerGroup(requests=Broken())
