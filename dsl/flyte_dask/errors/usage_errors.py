"""What cannot be done with a config class or a frozen config, answered with what to do instead.

Python answers a misspelt keyword with a bare `TypeError` that hides whatever else is wrong, and an
assignment to a frozen value with no more than that it is frozen.
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
from flyte_dask.errors.suggestions import did_you_mean, same_thing

__all__ = [
    "raise_what_does_not_fit",
    "reject_assignment",
    "reject_deletion",
    "reject_preset",
    "reject_subclass",
]


def raise_what_does_not_fit(subject: str, takes: Signature, attempt: partial[Any]) -> None:
    """Raise what does not fit, and with it what is wrong with the rest; return if all fits."""
    args, kwargs = attempt.args, attempt.keywords
    names = list(takes.parameters)
    positional = [
        name
        for name, parameter in takes.parameters.items()
        if parameter.kind is Parameter.POSITIONAL_OR_KEYWORD
    ]
    taken = positional[: len(args)]
    problems = [
        *_too_many(subject, names, positional, args),
        *_unknown_or_twice(subject, names, taken, kwargs),
        *_missing(takes.parameters.values(), {*taken, *kwargs}),
    ]
    if not problems:
        return
    rest = {name: kwargs[name] for name in kwargs if name in names and name not in taken}
    try:
        attempt.func(*args[: len(positional)], **rest)
    except InvalidConfig as invalid:
        problems += invalid.problems
    except TypeError:
        pass  # a missing argument: said already
    raise_if_any(subject, problems)


def _too_many(
    subject: str, names: list[str], positional: list[str], args: tuple[object, ...]
) -> Iterator[Problem]:
    for number, value in enumerate(args[len(positional) :], start=len(positional) + 1):
        rule = f"is one too many: {subject} takes {len(positional)} without a name"
        by_name = ", ".join(name for name in names if name not in positional)
        remedy = f"write the name of what it is: {by_name}" if by_name else "leave it out"
        yield Problem(f"argument {number}", value, rule, remedy)


def _unknown_or_twice(
    subject: str, names: list[str], taken: list[str], kwargs: Mapping[str, object]
) -> Iterator[Problem]:
    for name, value in kwargs.items():
        if name not in names:
            remedy = did_you_mean(name, names) or _verb(name) or f"it has {', '.join(names)}"
            yield Problem(name, value, f"is for an argument that {subject} does not have", remedy)
        elif name in taken:
            yield Problem(name, value, "is said twice, by position and by name", "say it once")


def _verb(name: str) -> str | None:
    """What to write if *name* is for an argument of the verbs."""
    argument = same_thing(name, ("cpu", "mem", "gpu", "ephemeral_storage", "image"))
    if argument is None:
        return None
    return f"write .with_workers({argument}=...) or .with_scheduler({argument}=...) on the config"


def _missing(parameters: Iterable[Parameter], given: set[str]) -> Iterator[Problem]:
    for parameter in parameters:
        if parameter.default is Parameter.empty and parameter.name not in given:
            rule = "was given, and the argument has no default"
            yield Problem(parameter.name, attrs.NOTHING, rule, "say it")


def reject_subclass(name: str, base: type) -> None:
    """Raise what to do instead of subclassing *base*."""
    rule = "has no subclasses: flytekit looks for the exact type of a config, and so do we"
    remedy = "make a preset, or a function that returns one"
    raise_if_any(f"class {name}", [Problem("bases", base, rule, remedy)])


def reject_assignment(config: object, verbs: Mapping[str, str], name: str, value: object) -> None:
    """Raise `FrozenConfig`, with the call that makes a copy in which *name* is *value*.

    It is that of *verbs*, by name, with ``{value}``; else `attrs.evolve`.
    """
    verb = verbs.get(name, "attrs.evolve(..., {name}={value})") if value is not None else _UNSAY
    copy = f"make a changed copy: {verb.format(name=name, value=short(value))}"
    _reject(config, name, value, "cannot be set", copy)


def reject_deletion(config: object, name: str) -> None:
    """Raise `FrozenConfig`, with what to do instead."""
    value = getattr(config, name, None)
    _reject(config, name, value, "cannot be deleted", f"make a copy: {_UNSAY.format(name=name)}")


_UNSAY = "attrs.evolve(..., {name}=None)"


def _reject(config: object, name: str, value: object, rule: str, remedy: str) -> None:
    kind = type(config).__name__
    parameters = signature(type(config)).parameters
    if name in parameters:
        rule = f"{rule}: a {kind} is frozen"
        if "=None" in remedy and parameters[name].default is not None:
            remedy = f"make another {kind}"
    elif hasattr(type(config), name):
        rule = f"{rule}: a {kind} is frozen, and works that out by itself"
        remedy = f"what it is made of is {', '.join(parameters)}"
    else:
        rule = f"{rule}: a {kind} is frozen, and has no '{name}'"
        remedy = did_you_mean(name, parameters) or f"it has {', '.join(parameters)}"
    raise_if_any(f"{kind}.{name}", [Problem(name, value, rule, remedy)], FrozenConfig)


def reject_preset(name: str, names: Iterable[str]) -> None:
    """Raise `UnknownPreset` for the attribute *name* of ``presets``, which has *names*."""
    remedy = did_you_mean(name, names) or f"presets.get({name!r}) looks into packages"
    problem = Problem("name", name, "is no preset that is known here", remedy)
    raise_if_any(f"presets.{name}", [problem], UnknownPreset)
