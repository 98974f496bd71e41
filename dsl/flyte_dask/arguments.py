"""Calls that do not fit their signature end in our error too: all problems at once, with remedies.

Python answers a misspelt keyword with a bare `TypeError` that hides whatever else is wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial, wraps
from typing import Any, TypeVar, cast

from flyte_dask.errors import InvalidConfig, Problem, raise_if_any

__all__ = ["ConfigType", "checked_call"]

Function = TypeVar("Function", bound=Callable[..., Any])
R = TypeVar("R")
T = TypeVar("T")


class ConfigType(type):
    """The type of the config classes, which checks their calls.

    A metaclass, so that ``__init__`` stays the one that attrs writes and type checkers read, and so
    that a class which is given in the place of a config can be told by its type.
    """

    def __call__(cls: type[T], *args: Any, **kwargs: Any) -> T:
        """An instance, or `InvalidConfig` with every problem of the call."""
        make: Callable[..., T] = partial(type.__call__, cls)
        return _checked(make, f"{cls.__name__}(...)", cls.__init__, args, kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of ``__init__``, which the checked call would hide from `help` and from editors."""
        init: Callable[..., None] = cls.__dict__["__init__"]
        return inspect.Signature(_parameters(init))


def checked_call(subject: str) -> Callable[[Function], Function]:
    """Check the calls of a method in the same way; *subject* names the call, with ``{self}``."""

    def decorate(method: Function) -> Function:
        @wraps(method)
        def checked(self: object, *args: Any, **kwargs: Any) -> Any:
            return _checked(partial(method, self), subject.format(self=self), method, args, kwargs)

        return cast("Function", checked)

    return decorate


def _checked(
    call: Callable[..., R],
    subject: str,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> R:
    """What *call*, of *function* bound to its object, returns; its signature's errors are ours."""
    try:
        return call(*args, **kwargs)
    except InvalidConfig:
        raise
    except TypeError:
        _raise_what_does_not_fit(call, subject, function, args, kwargs)
        raise


def _raise_what_does_not_fit(
    call: Callable[..., object],
    subject: str,
    function: Callable[..., object],
    args: tuple[object, ...],
    kwargs: Mapping[str, object],
) -> None:
    """Raise what does not fit, and with it what is wrong with the rest; return if all fits."""
    names = {parameter.name: parameter for parameter in _parameters(function)}
    positional = [
        name
        for name, parameter in names.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    taken = positional[: len(args)]
    problems = [
        *_too_many(subject, positional, args),
        *_unknown_or_twice(subject, list(names), taken, kwargs),
        *_missing(names.values(), {*taken, *kwargs}),
    ]
    if not problems:
        return
    rest = {name: kwargs[name] for name in kwargs if name in names and name not in taken}
    try:
        call(*args[: len(positional)], **rest)
    except InvalidConfig as invalid:
        problems += invalid.problems
    except TypeError:
        pass  # a missing argument: said already
    raise_if_any(subject, problems)


def _too_many(subject: str, positional: list[str], args: tuple[object, ...]) -> Iterator[Problem]:
    for number, value in enumerate(args[len(positional) :], start=len(positional) + 1):
        yield Problem(
            f"argument {number}",
            value,
            f"is one too many: {subject} takes {len(positional)} without a name",
            f"they are {', '.join(positional)}",
        )


def _unknown_or_twice(
    subject: str, names: list[str], taken: list[str], kwargs: Mapping[str, object]
) -> Iterator[Problem]:
    for name, value in kwargs.items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            remedy = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(names)}"
            yield Problem(name, value, f"is for an argument that {subject} does not have", remedy)
        elif name in taken:
            yield Problem(name, value, "is said twice, by position and by name", "say it once")


def _missing(parameters: Iterable[inspect.Parameter], given: set[str]) -> Iterator[Problem]:
    for parameter in parameters:
        if parameter.default is inspect.Parameter.empty and parameter.name not in given:
            yield Problem(
                parameter.name, None, "was given, and the argument has no default", "say it"
            )


def _parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """All but the first, which is the object itself."""
    return list(inspect.signature(function).parameters.values())[1:]
