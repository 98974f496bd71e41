"""Exceptions that are hard to send, to inspect or to raise, without flytekit."""

from __future__ import annotations

import asyncio
import builtins
import os
from typing import Any

import attrs


class Base(BaseException):
    """Not an Exception, which event loops let pass."""


class Members(Exception):
    """One whose members cannot be listed."""

    @property
    def exceptions(self) -> Any:
        """Raises."""
        raise RuntimeError("no members")


class Cause(Exception):
    """One whose cause cannot be looked at."""

    def __getattribute__(self, name: str) -> Any:
        if name == "__cause__":
            raise RuntimeError("no cause")
        return super().__getattribute__(name)


class Repr(Exception):
    """One that cannot be printed."""

    def __repr__(self) -> str:
        raise ValueError("no repr")


class Text(Exception):
    """One without a text."""

    def __str__(self) -> str:
        raise ValueError("no text")


class Unpicklable(Exception):
    """One that cannot be pickled."""

    def __reduce__(self) -> Any:
        raise TypeError("no pickle")


class Loading(Exception):
    """One whose pickle raises something that is not an Exception."""

    def __reduce__(self) -> Any:
        return _raise_base, ()


class LoadingElsewhere(Exception):
    """One whose pickle cannot be loaded in another process than the worker's."""

    def __reduce__(self) -> Any:
        return _raise_elsewhere, (os.getpid(),)


class Unreadable:
    """A value whose pickle raises the user's error in every process but the one that made it."""

    def __reduce__(self) -> Any:
        return _load, (os.getpid(),)


def _load(pid: int) -> Unreadable:
    if os.getpid() != pid:
        raise ValueError("an older format")
    return Unreadable()


def _raise_base() -> None:
    raise Base("loading")


def _raise_elsewhere(pid: int) -> Exception:
    if os.getpid() != pid:
        raise Base("loading")
    return LoadingElsewhere("x")


def endless(number: int) -> int:
    """Recurses without end."""
    return endless(number + 1)


KINDS: dict[str, type[BaseException]] = {
    **{each.__name__: each for each in (Base, Members, Cause, Repr, Text, Unpicklable, Loading)},
    **{each.__name__: each for each in (SystemExit, KeyboardInterrupt, GeneratorExit)},
    "CancelledError": asyncio.CancelledError,
}


def fail(kind: str) -> int:
    """Raise an exception of this *kind*; ``endless`` is a recursion."""
    if kind == "endless":
        return endless(0)
    raise KINDS[kind]("x")


async def fail_async(kind: str) -> int:
    """The same as a coroutine."""
    return fail(kind)


def fail_with(error: Exception) -> int:
    """Raise *error*."""
    raise error


def fail_with_many(number: int) -> int:
    """Raise a group of so many members."""
    kind: Any = builtins.__dict__["ExceptionGroup"]
    raise kind("g", [ValueError(str(each)) for each in range(number)])


@attrs.frozen(auto_exc=False)
class Frozen(Exception):
    """One of which no attribute can be set."""

    code: int


def fail_to_load() -> int:
    """Raise an exception that only its worker can load."""
    raise LoadingElsewhere("x")


class Actor:
    """An actor whose methods fail."""

    def fail(self, kind: str) -> int:
        """Raise an exception of this *kind*."""
        return fail(kind)
