"""What to write instead of an assignment to a frozen value: the call that makes a changed copy.

A part of a config does not know its config, nor whether it has one. So remedies name the call for
each of the places where it may be.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import attrs

from flyte_dask.errors.call_site import is_library
from flyte_dask.errors.errors import FrozenConfig, Problem, raise_if_any, short
from flyte_dask.errors.misplaced import misplaced
from flyte_dask.errors.recording import current_recording
from flyte_dask.errors.suggestions import nearest, synonym_of

__all__ = ["reject"]

_DIMENSIONS = ("cpu", "mem", "gpu", "ephemeral_storage")
_PLAIN = {type(None), bool, int, float, str, tuple, list}
_HOLE = "..."
"""What stands for a value that is not valid there, or that is too long for a message."""

_VARIABLES = {"WorkerGroup": "group"}
"""The variables in remedies, where they are not named after the class."""


def reject(frozen: object, name: str, *value: object) -> None:
    """Raise `FrozenConfig` for setting *name* of *frozen* to *value*, or deleting it without one.

    While errors are recorded, the user's code goes on, and *frozen* is a stand-in from there.
    """
    recording = current_recording()
    try:
        subject = f"{type(frozen).__name__}.{name}"
        raise_if_any(subject, [_problem(frozen, name, *value)], FrozenConfig)
    except FrozenConfig as error:
        if recording is None or is_library(sys._getframe(2)):  # noqa: SLF001  # of `reject_change`
            raise
        recording.record(error, frozen)


def _problem(frozen: object, name: str, *value: object) -> Problem:
    kind = type(frozen).__name__
    return Problem(
        name,
        value[0] if value else getattr(frozen, name, attrs.NOTHING),
        f"cannot be {'set' if value else 'deleted'}: a {kind} is frozen",
        _remedy(frozen, name, *value),
    )


def _remedy(frozen: Any, name: str, *value: object) -> str:
    if not attrs.has(type(frozen)):  # a quantity
        return f"write a new one, such as {_new(frozen, *value)}"
    fields = {each.alias: each for each in attrs.fields(type(frozen)) if each.alias}
    names = [each for each in fields if not each.startswith("_")]
    if name in names:
        new = value[0] if value else fields[name].default
        return f"write {_copy(frozen, name, new)}"
    if hasattr(type(frozen), name):
        return "omit it: it follows from the other values"
    near = synonym_of(name, names)
    elsewhere = None if near else misplaced(name, names)
    near = near or nearest(name, names)
    if elsewhere or not near:
        return elsewhere or f"use one of {', '.join(names)}"
    return f"did you mean '{near}'? Then write {_copy(frozen, near, *(value or (None,)))}"


def _new(frozen: object, *value: object) -> str:
    """The call that makes another value of the class of *frozen*, of a *value* that is valid."""
    kind: Any = type(frozen)
    with suppress(Exception):
        if value:
            kind(value[0])
            return f"{kind.__name__}({_code(value[0])})"
    return f"{kind.__name__}({_HOLE})"


def _copy(frozen: Any, name: str, value: object) -> str:
    """The calls that make a copy of *frozen*, or of its config, with this *value* of *name*."""
    kind = type(frozen).__name__
    code = _code(value) if _is_valid(frozen, {name: value}) else _HOLE
    variable = _VARIABLES.get(kind, kind.lower())
    alone = f"{variable} = attrs.evolve({variable}, {name}={code})"
    if kind == "Dask":
        return _of_dask(frozen, name, value, code)
    of_config = _OF_CONFIG.get(kind)
    if of_config is None:
        return alone
    call = of_config(frozen, name, value, code)
    return f"{call}; for a {kind} by itself, {alone}"


def _of_dask(frozen: Any, name: str, value: object, code: str) -> str:
    """The call for a value of a config itself."""
    call = f"attrs.evolve(config, {name}={code})"
    if name == "workers" and type(value) is int:
        call = f"config.with_workers({code})"
    elif name == "inherit" and value is not None:
        call = f"config.with_inherit({code})"
    elif name == "silence" and code != _HOLE and value and isinstance(value, (list, tuple)):
        codes = [*map(str, value)]
        if {*frozen.silence} <= {*codes}:  # the method only adds some
            call = f"config.without_advice({', '.join(map(repr, codes))})"
    return f"config = {call}"


def _of_role(role: str) -> Callable[[Any, str, object, str], str]:
    """The call for a value of the workers or the scheduler of a config."""

    def call(frozen: Any, name: str, value: object, code: str) -> str:
        arguments: str | None = None
        if name == "number_of_workers":
            arguments = code
        elif name == "image":
            arguments = f"image={code}"
        elif name in {"requests", "limits"}:
            arguments = _pairs(frozen, name, value)
        if value is None or not arguments:  # the method cannot unset a value
            copy = f"attrs.evolve(config.{role}, {name}={code})"
            return f"config = attrs.evolve(config, {role}={copy})"
        return f"config = config.with_{role}({arguments})"

    return call


def _pairs(frozen: Any, name: str, side: object) -> str | None:
    """The arguments of a ``with_*`` method that set one *side* of a role, requests or limits.

    They keep the other side, unless both contradict each other. None if no arguments do that.
    """
    other_name = "limits" if name == "requests" else "requests"
    new, old, other = map(_amounts, (side, getattr(frozen, name), getattr(frozen, other_name)))
    if not _is_valid(frozen, {name: side}):
        old, other = {}, {}
    is_valid = _is_valid(frozen, {name: side, other_name: None})
    arguments = []
    for dimension in _DIMENSIONS:
        if dimension not in new and dimension not in old:
            continue
        amount, kept = (_code(each.get(dimension)) for each in (new, other))
        if dimension not in new and dimension not in other:
            return None
        amount = amount if is_valid else _HOLE
        pair = f"{amount}, {kept}" if name == "requests" else f"{kept}, {amount}"
        arguments.append(f"{dimension}=({pair})")
    return ", ".join(arguments)


def _amounts(side: object) -> Mapping[str, object]:
    """The amounts that *side* sets, which may be of another library."""
    found = {name: getattr(side, name, None) for name in _DIMENSIONS}
    return {name: amount for name, amount in found.items() if amount is not None}


def _of_resources(_frozen: Any, name: str, value: object, code: str) -> str:
    """The call for an amount of the requests or the limits of a role."""
    if value is None:
        copy = f"attrs.evolve(config.workers.requests, {name}=None)"
        group = f"attrs.evolve(config.workers, requests={copy})"
        return f"config = attrs.evolve(config, workers={group}), or limits, or scheduler"
    return (
        f"config = config.with_workers({name}=({code}, None)) for the request, "
        f"{name}=(None, {code}) for the limit, or {name}={code} for both; "
        "for the scheduler, config.with_scheduler(...) with the same"
    )


def _of_runtime(_frozen: Any, name: str, _value: object, code: str) -> str:
    """The call for a setting of the runtime of a config."""
    return f"config = config.with_runtime({name}={code})"


_OF_CONFIG: Mapping[str, Callable[[Any, str, object, str], str]] = {
    "WorkerGroup": _of_role("workers"),
    "Scheduler": _of_role("scheduler"),
    "Resources": _of_resources,
    "Runtime": _of_runtime,
}
"""The calls that change a config, by the class of its part."""


def _is_valid(frozen: Any, values: Mapping[str, object]) -> bool:
    """Whether a copy of *frozen* may have these *values*."""
    with suppress(Exception):  # of a user's object, too
        attrs.evolve(frozen, **values)
        return True
    return False


def _code(value: object) -> str:
    """The code of *value*, if it has one that fits in a message."""
    kind = type(value)
    if kind.__name__ == "Quantity" and isinstance(value, str):
        return repr(str.__str__(value))
    if kind in _PLAIN or (attrs.has(kind) and kind.__module__.startswith("flyte_dask.")):
        text = repr(value)
        return text if text == short(value) else _HOLE
    return _HOLE
