"""The origin of a value: the call that set it, its line, its preset, and what it overrides."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias, final

from flyte_dask.errors.call_site import CallSite, user_call_site
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.image import Image

__all__ = [
    "NO_ORIGINS",
    "Leaf",
    "Origin",
    "Pair",
    "as_text",
    "merge_origins",
    "of_preset",
    "origins_of",
]

Pair: TypeAlias = tuple[Quantity | None, Quantity | None]
"""Request and limit of one dimension; None for a side that is unset."""

Leaf: TypeAlias = float | Image | Pair | None
"""A value of a config that a merge replaces as a whole.

It is a count, an image, a `Pair`, an inheritance mode, or a runtime setting, which may be None.
"""

NO_ORIGINS: "Mapping[str, Origin]" = MappingProxyType({})
"""The origins of a config that sets nothing."""


@final
class Origin(NamedTuple):
    """What set one value of a config. Origins are not part of a config's equality or hash."""

    by: str
    """The call that set the value, such as ``with_workers(...)``."""
    call_site: CallSite | None
    """The user's file and line; for a value of a built-in preset, those of the preset."""
    value: Leaf
    """The value that was set; for a dimension, its request and limit."""
    preset: str | None = None
    """The name of the preset that set the value; None if no preset did."""
    overrides: "Origin | None" = None
    """The origin of the value that this one overrides; its own ``overrides`` is None."""

    def __str__(self) -> str:
        """``with_workers(...) at etl.py:41``, or ``preset medium at builtin.py:50``."""
        source = self.by if self.preset is None else f"preset {self.preset}"
        return source if self.call_site is None else f"{source} at {self.call_site}"


def origins_of(
    leaves: Mapping[str, Leaf], by: str, known: Mapping[str, Origin] = NO_ORIGINS
) -> dict[str, Origin]:
    """The origin of each leaf: the known one if its value is equal, else the call *by*."""
    call_site = user_call_site() if leaves else None
    origins = {}
    for name, value in leaves.items():
        origin = known.get(name)
        if origin is None:
            origin = Origin(by, call_site, value)
        elif origin.value != value:
            origin = Origin(by, call_site, value, overrides=origin._replace(overrides=None))
        elif as_text(origin.value) != as_text(value):  # equal, but written differently
            origin = origin._replace(value=value)
        origins[name] = origin
    return origins


def merge_origins(left: Mapping[str, Origin], right: Mapping[str, Origin]) -> dict[str, Origin]:
    """The origins of a merge: the right side's, each overriding that of the left side.

    An origin that overrides one already keeps it, and an origin does not override itself: this
    makes the merge of origins associative.
    """
    merged = {**left, **right}
    for name, new in right.items():
        old = left.get(name)
        if old is not None and new.overrides is None:
            earlier = old._replace(overrides=None)
            is_same = earlier == new  # by value: the right side's text is kept
            merged[name] = (
                old._replace(value=new.value) if is_same else new._replace(overrides=earlier)
            )
    return merged


def of_preset(origin: Origin, preset: str) -> Origin:
    """*origin*, attributed to *preset* unless it is attributed to another preset."""
    overrides = origin.overrides and of_preset(origin.overrides, preset)
    return origin._replace(preset=origin.preset or preset, overrides=overrides)


def as_text(value: Leaf) -> object:
    """*value* with amounts as text; one amount if request and limit are written alike."""
    if not isinstance(value, tuple):
        return value
    request, limit = (amount and amount.text for amount in value)
    return request if request == limit else (request, limit)
