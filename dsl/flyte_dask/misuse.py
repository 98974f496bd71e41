"""What cannot be done with a config class or a frozen config, answered with what to do instead.

Python answers a misspelt keyword with a bare `TypeError` that hides whatever else is wrong, and an
assignment to a frozen value with no more than that it is frozen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import NoReturn

import attrs

from flyte_dask.callsite import user_call_site
from flyte_dask.errors import FrozenConfig, InvalidConfig, Problem, raise_if_any
from flyte_dask.suggestions import did_you_mean, same_thing

__all__ = ["parameters", "raise_what_does_not_fit", "refuse_to_replace", "refuse_to_set"]


def raise_what_does_not_fit(
    subject: str, function: Callable[..., object], attempt: partial[object]
) -> None:
    """Raise what does not fit, and with it what is wrong with the rest; return if all fits.

    *attempt* is a call of *function* on the object that is its first argument.
    """
    (this, *args), kwargs = attempt.args, attempt.keywords
    names = {parameter.name: parameter for parameter in parameters(function)}
    positional = [
        name
        for name, parameter in names.items()
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    ]
    taken = positional[: len(args)]
    problems = [
        *_too_many(subject, list(names), positional, args),
        *_unknown_or_twice(subject, list(names), taken, kwargs),
        *_missing(names.values(), {*taken, *kwargs}),
    ]
    if not problems:
        return
    rest = {name: kwargs[name] for name in kwargs if name in names and name not in taken}
    try:
        attempt.func(this, *args[: len(positional)], **rest)
    except InvalidConfig as invalid:
        problems += invalid.problems
    except TypeError:
        pass  # a missing argument: said already
    raise_if_any(subject, problems)


def parameters(function: Callable[..., object]) -> list[inspect.Parameter]:
    """The public ones, without the first, which is the object itself."""
    _, *others = inspect.signature(function).parameters.values()
    return [parameter for parameter in others if not parameter.name.startswith("_")]


def _too_many(
    subject: str, names: list[str], positional: list[str], args: list[object]
) -> Iterator[Problem]:
    for number, value in enumerate(args[len(positional) :], start=len(positional) + 1):
        rule = f"is one too many: {subject} takes {len(positional)} without a name"
        by_name = [name for name in names if name not in positional]
        remedy = f"write the name of what it is: {', '.join(by_name or positional)}"
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


def _missing(parameters: Iterable[inspect.Parameter], given: set[str]) -> Iterator[Problem]:
    for parameter in parameters:
        if parameter.default is inspect.Parameter.empty and parameter.name not in given:
            yield Problem(
                parameter.name,
                attrs.NOTHING,
                "was given, and the argument has no default",
                "say it",
            )


def refuse_to_set(config: object, verbs: Mapping[str, str], name: str, value: object) -> NoReturn:
    """Raise `FrozenConfig`, with the call that makes a copy in which *name* is *value*.

    It is that of *verbs*, by name, with ``{value}``; else `attrs.evolve`.
    """
    verb = verbs.get(name, "attrs.evolve(..., {name}={value!r})")
    copy = f"make a changed copy: {verb.format(name=name, value=value)}"
    _refuse(config, name, value, "cannot be set", copy)


def refuse_to_delete(config: object, name: str) -> NoReturn:
    """Raise `FrozenConfig`, with the call that makes a copy that does not say *name*."""
    copy = f"make a copy that leaves it unsaid: attrs.evolve(..., {name}=None)"
    _refuse(config, name, getattr(config, name, None), "cannot be deleted", copy)


def _refuse(config: object, name: str, value: object, rule: str, remedy: str) -> NoReturn:
    kind = type(config).__name__
    rule = f"{rule}: a {kind} is frozen"
    names = list(inspect.signature(type(config)).parameters)
    if name not in names:
        rule = f"{rule}, and has no '{name}'"
        remedy = did_you_mean(name, names) or f"it has {', '.join(names)}"
    raise FrozenConfig(f"{kind}.{name}", [Problem(name, value, rule, remedy)], user_call_site())


def refuse_to_replace(kind: type, changes: Iterable[str]) -> None:
    """Raise what to write instead of ``dataclasses.replace(config, **changes)``."""
    changed = ", ".join(f"{name}=..." for name in changes)
    rule, remedy = "is no dataclass but an attrs class", f"write attrs.evolve(config, {changed})"
    raise_if_any("dataclasses.replace(...)", [Problem("obj", kind, rule, remedy)])
