"""Errors for wrong uses of config classes, each with what to do instead.

Python's own `TypeError` for a misspelt keyword hides the other problems of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from inspect import Parameter, signature
from typing import Any

import attrs

from flyte_dask.errors import InvalidConfig, Problem, UnknownPreset, raise_if_any, short
from flyte_dask.errors.call_site import user_call_site
from flyte_dask.errors.misplaced import misplaced, resources_remedy
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions, synonym_of

__all__ = ["reject_call", "reject_preset", "reject_subclass", "type_problems"]

_PLAIN = {type(None), bool, int, float, complex, str, bytes}
_POSITIONAL = Parameter.POSITIONAL_OR_KEYWORD
_OF_COPIES = "_origins"
"""The private argument that `attrs.evolve` passes to the config classes, next to the user's."""


def reject_call(
    subject: str,
    function: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    error: Exception,
) -> None:
    """Raise `InvalidConfig` if *function* cannot be called like this, which raised *error*."""
    kwargs = {name: value for name, value in kwargs.items() if name != _OF_COPIES}
    parameters = signature(function).parameters
    names = list(parameters)
    positional = [name for name in names if parameters[name].kind is _POSITIONAL]
    by_position = positional[: len(args)]
    missing = [*_missing(parameters.values(), {*by_position, *kwargs})]
    with few_suggestions():
        problems = [
            *_extra_positional(subject, names, positional, args),
            *_bad_keywords(subject, names, by_position, kwargs),
            *missing,
        ]
    if problems and not missing:
        rest = {name: kwargs[name] for name in kwargs if name in names and name not in by_position}
        with suppress(Exception):  # arguments that raise are reported once these are right
            try:
                function(*args[: len(positional)], **rest)
            except InvalidConfig as invalid:
                problems += invalid.problems
    if problems:  # they say all that Python's own error does
        raise InvalidConfig(subject, problems, user_call_site()) from None
    raise_if_any(subject, _raising(function, args, kwargs, error))


def _raising(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any], error: Exception
) -> Iterator[Problem]:
    """The arguments that may have raised *error*: all whose code is not Python's or ours."""
    rule = f"cannot be validated: it raises {short(error)}"
    for name, value in signature(function).bind(*args, **kwargs).arguments.items():
        if not _is_plain(value):
            yield Problem(name, value, rule, "pass a value of a type that is documented")


def _is_plain(value: object) -> bool:
    kind: type = type(value)
    return kind in _PLAIN or kind.__module__.partition(".")[0] == "flyte_dask"


def type_problems(**given: tuple[object, type]) -> Iterator[Problem]:
    """The problem of each argument that is not of its type, which is final."""
    for name, (value, kind) in given.items():
        if type(value) is not kind:
            remedy = "use True or False" if kind is bool else f"pass {kind.__name__}(...)"
            yield Problem(name, value, f"is not a {kind.__name__}", remedy)


def _extra_positional(
    subject: str, names: list[str], positional: list[str], args: tuple[object, ...]
) -> Iterator[Problem]:
    for number, value in enumerate(args[len(positional) :], start=len(positional) + 1):
        rule = f"is an extra positional argument: {subject} takes {len(positional)}"
        keywords = ", ".join(name for name in names if name not in positional)
        remedy = f"pass it by keyword: {keywords}" if keywords else "omit it"
        if _is_resources(value):
            remedy = resources_remedy(names) or remedy
        yield Problem(f"argument {number}", value, rule, remedy)


def _is_resources(value: object) -> bool:
    with suppress(Exception):  # of an attribute
        return all(hasattr(value, name) for name in ("cpu", "mem", "gpu"))
    return False


def _bad_keywords(
    subject: str, names: list[str], by_position: list[str], kwargs: Mapping[str, object]
) -> Iterator[Problem]:
    for name, value in kwargs.items():
        if name not in names:
            rule = f"is an unexpected keyword argument of {subject}"
            yield Problem(name, value, rule, _remedy(name, names))
        elif name in by_position:
            rule = "was given twice, by position and by keyword"
            yield Problem(name, value, rule, "pass it once")


def _remedy(name: str, names: list[str]) -> str:
    """What to use instead of the argument *name*, of a call that has these *names*."""
    same = synonym_of(name, names)
    elsewhere = None if same else misplaced(name, names)
    return elsewhere or did_you_mean(name, names) or f"use one of {', '.join(names)}"


def _missing(parameters: Iterable[Parameter], given: set[str]) -> Iterator[Problem]:
    for parameter in parameters:
        if parameter.default is Parameter.empty and parameter.name not in given:
            yield Problem(parameter.name, attrs.NOTHING, "is required", "pass it")


def reject_subclass(name: str, base: type) -> None:
    """Raise `InvalidConfig` with what to do instead of subclassing *base*."""
    rule = "cannot be subclassed: flytekit looks up the exact type of a config"
    remedy = "define a preset, or a function that returns a config"
    raise_if_any(f"class {name}", [Problem("bases", base, rule, remedy)])


def reject_preset(name: str, names: Iterable[str]) -> None:
    """Raise `UnknownPreset` for the attribute *name* of ``presets``, which has *names*."""
    remedy = did_you_mean(name, names) or f"use presets.get({name!r}) for presets of packages"
    problem = Problem("name", name, "is an unknown preset", remedy)
    raise_if_any(f"presets.{name}", [problem], UnknownPreset)
