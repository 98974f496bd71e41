"""The error for an attribute that a config does not have, with the nearest that it has.

Python's own suggestions are not part of the text, and only some programs print them.
"""

from __future__ import annotations

from typing import Any

import attrs

from flyte_dask.errors.suggestions import did_you_mean

__all__ = ["missing_attribute"]


def missing_attribute(value: object, name: str, where: str | None = None) -> AttributeError:
    """The error for the attribute *name* of *value*, an instance of an attrs class of ours.

    It names the nearest attribute, unless it is known *where* that one is instead.
    """
    rule = f"{type(value).__name__!r} object has no attribute {name!r}"
    remedy = where or _nearest(value, name)
    return AttributeError(f"{rule}: {remedy}" if remedy else rule)


def _nearest(value: Any, name: str) -> str | None:
    kind = type(value)
    if hasattr(kind, name):  # a property failed, of an object that has no values yet
        return None
    parts = [each.name for each in attrs.fields(kind) if not each.name.startswith("_")]
    inside = [part for part in parts if _has(getattr(value, part, None), name)]
    if inside:
        return f"did you mean {' or '.join(repr(f'{part}.{name}') for part in inside)}?"
    return did_you_mean(name, [each for each in dir(kind) if not each.startswith("_")])


def _has(part: object, name: str) -> bool:
    """Whether *part*, if it is of an attrs class itself, has the attribute *name*."""
    return attrs.has(type(part)) and hasattr(type(part), name)
