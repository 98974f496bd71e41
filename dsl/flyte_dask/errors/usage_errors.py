"""Errors for wrong uses of config classes and frozen configs, each with what to do instead.

Python's own `TypeError` for a misspelt keyword hides the other problems of the call, and its error
for an assignment to a frozen value does not say how to make a changed copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from inspect import Parameter, Signature, signature
from typing import Any

import attrs

from flyte_dask.errors import (
    FrozenConfig,
    InvalidConfig,
    Problem,
    UnknownPreset,
    raise_if_any,
    short,
)
from flyte_dask.errors.suggestions import did_you_mean, synonym_of

__all__ = [
    "reject_assignment",
    "reject_call",
    "reject_deletion",
    "reject_preset",
    "reject_subclass",
]


def reject_call(subject: str, expected: Signature, call: partial[Any]) -> None:
    """Raise `InvalidConfig` with all problems if the arguments of *call* are not as *expected*."""
    args, kwargs = call.args, call.keywords
    names = list(expected.parameters)
    positional = [
        name
        for name, parameter in expected.parameters.items()
        if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    by_position = positional[: len(args)]
    problems = [
        *_extra_positional(subject, names, positional, args),
        *_bad_keywords(subject, names, by_position, kwargs),
        *_missing(expected.parameters.values(), {*by_position, *kwargs}),
    ]
    if not problems:
        return
    rest = {name: kwargs[name] for name in kwargs if name in names and name not in by_position}
    try:
        call.func(*args[: len(positional)], **rest)
    except InvalidConfig as invalid:
        problems += invalid.problems
    except TypeError:
        pass  # a missing argument, which is among the problems
    raise_if_any(subject, problems)


def _extra_positional(
    subject: str, names: list[str], positional: list[str], args: tuple[object, ...]
) -> Iterator[Problem]:
    for number, value in enumerate(args[len(positional) :], start=len(positional) + 1):
        rule = f"is an extra positional argument: {subject} takes {len(positional)}"
        keywords = ", ".join(name for name in names if name not in positional)
        remedy = f"pass it by keyword: {keywords}" if keywords else "omit it"
        yield Problem(f"argument {number}", value, rule, remedy)


def _bad_keywords(
    subject: str, names: list[str], by_position: list[str], kwargs: Mapping[str, object]
) -> Iterator[Problem]:
    for name, value in kwargs.items():
        if name not in names:
            remedy = did_you_mean(name, names) or _methods(name) or f"use one of {', '.join(names)}"
            yield Problem(name, value, f"is an unexpected keyword argument of {subject}", remedy)
        elif name in by_position:
            rule = "was given twice, by position and by keyword"
            yield Problem(name, value, rule, "pass it once")


def _methods(name: str) -> str | None:
    """The remedy if *name* means an argument of the ``with_*`` methods; else None."""
    argument = synonym_of(name, ("cpu", "mem", "gpu", "ephemeral_storage", "image"))
    if argument is None:
        return None
    return f"use .with_workers({argument}=...) or .with_scheduler({argument}=...) on the config"


def _missing(parameters: Iterable[Parameter], given: set[str]) -> Iterator[Problem]:
    for parameter in parameters:
        if parameter.default is Parameter.empty and parameter.name not in given:
            yield Problem(parameter.name, attrs.NOTHING, "is required", "pass it")


def reject_subclass(name: str, base: type) -> None:
    """Raise `InvalidConfig` with what to do instead of subclassing *base*."""
    rule = "cannot be subclassed: flytekit looks up the exact type of a config"
    remedy = "define a preset, or a function that returns a config"
    raise_if_any(f"class {name}", [Problem("bases", base, rule, remedy)])


def reject_assignment(config: object, copies: Mapping[str, str], name: str, value: object) -> None:
    """Raise `FrozenConfig`, with the call that makes a copy in which *name* is *value*.

    *copies* has that call by name, with ``{value}``; the default is `attrs.evolve`.
    """
    call = copies.get(name, "attrs.evolve(..., {name}={value})") if value is not None else _UNSET
    copy = f"make a changed copy: {call.format(name=name, value=short(value))}"
    _reject(config, name, value, "cannot be set", copy)


def reject_deletion(config: object, name: str) -> None:
    """Raise `FrozenConfig`, with the call that makes a copy in which *name* is unset."""
    value = getattr(config, name, None)
    _reject(config, name, value, "cannot be deleted", f"make a copy: {_UNSET.format(name=name)}")


_UNSET = "attrs.evolve(..., {name}=None)"


def _reject(config: object, name: str, value: object, rule: str, remedy: str) -> None:
    kind = type(config).__name__
    parameters = signature(type(config)).parameters
    if name in parameters:
        rule = f"{rule}: a {kind} is frozen"
        if "=None" in remedy and parameters[name].default is not None:
            remedy = f"create a new {kind}"
    elif hasattr(type(config), name):
        rule = f"{rule}: a {kind} is frozen, and '{name}' is computed"
        remedy = f"make a copy with other values of {', '.join(parameters)}"
    else:
        rule = f"{rule}: a {kind} is frozen, and has no '{name}'"
        remedy = did_you_mean(name, parameters) or f"use one of {', '.join(parameters)}"
    raise_if_any(f"{kind}.{name}", [Problem(name, value, rule, remedy)], FrozenConfig)


def reject_preset(name: str, names: Iterable[str]) -> None:
    """Raise `UnknownPreset` for the attribute *name* of ``presets``, which has *names*."""
    remedy = did_you_mean(name, names) or f"use presets.get({name!r}) for presets of packages"
    problem = Problem("name", name, "is an unknown preset", remedy)
    raise_if_any(f"presets.{name}", [problem], UnknownPreset)
