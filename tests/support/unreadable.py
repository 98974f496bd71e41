"""Exceptions that raise when they are read, or whose chain has no end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any


class Mute(ValueError):
    """It has no text."""

    def __str__(self) -> str:
        raise KeyError("no text")


class Endless(ValueError):
    """Its text contains itself."""

    def __str__(self) -> str:
        return f"{self!s}"

    def __repr__(self) -> str:
        return f"{self!r}"


class Closed(ValueError):
    """None of its attributes can be read."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Uncaused(ValueError):
    """Its cause and its arguments cannot be read."""

    @property
    def __cause__(self) -> Any:  # type: ignore[override]
        raise RuntimeError("cause")

    @property
    def args(self) -> Any:  # type: ignore[override]
        """Its arguments."""
        raise RuntimeError("args")


class Groupless(ValueError):
    """It has something like the members of a group, which cannot be read."""

    @property
    def exceptions(self) -> Any:
        """Its members."""
        raise RuntimeError("exceptions")


class Huge(ValueError):
    """It has 5 MB of text."""

    def __str__(self) -> str:
        return "x" * 5_000_000


def circular() -> ValueError:
    """An error that is the cause of its cause."""
    error, cause = ValueError("mine"), KeyError("x")
    error.__cause__, cause.__cause__ = cause, error
    return error


def deep() -> ValueError:
    """An error with 10,000 causes, each of the one before."""
    error = ValueError("mine")
    last: Exception = error
    for number in range(10_000):
        last.__cause__ = KeyError(number)
        last = last.__cause__
    return error


KINDS = (Mute, Endless, Closed, Uncaused, Groupless, Huge)
NAMES = [*(kind.__name__ for kind in KINDS), "circular", "deep"]


def fail(name: str) -> None:
    """Raise the one of this *name*, which is a `ValueError`."""
    makes: dict[str, Callable[[], ValueError]] = {"circular": circular, "deep": deep}
    makes |= {kind.__name__: partial(kind, "mine") for kind in KINDS}
    raise makes[name]()  # noqa: RSE102  # a function makes it
