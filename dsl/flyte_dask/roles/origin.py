"""Who said a value: the call, its line, its preset, and the one value that it overrides."""

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
    "merge_origins",
    "of_preset",
    "origins_of",
    "shown",
]

Pair: TypeAlias = tuple[Quantity | None, Quantity | None]
"""One dimension's request and limit, None where unsaid."""

Leaf: TypeAlias = float | Image | Pair | None
"""What a config says as a whole and a merge replaces as a whole.

A count, an image, a `Pair`, a way to inherit, or a setting, which may be None.
"""

NO_ORIGINS: "Mapping[str, Origin]" = MappingProxyType({})
"""Those of a config that says nothing."""


@final
class Origin(NamedTuple):
    """Who said one value of a config. Not a part of the config's equality."""

    by: str
    """The call that said it, such as ``with_workers(...)``."""
    call_site: CallSite | None
    """The user's file and line; of a built-in preset, its own."""
    value: Leaf
    """What was said; of a dimension, its request and limit."""
    preset: str | None = None
    """The name of the preset that it belongs to."""
    overrides: "Origin | None" = None
    """The one value that this one overrides, without what that had overrides itself."""

    def overriding(self, old: "Origin") -> "Origin":
        """The same, with *old* as what it overrides."""
        return Origin(self.by, self.call_site, self.value, self.preset, old)

    def __str__(self) -> str:
        """``with_workers(...) at etl.py:41``, or ``preset medium at builtin.py:50``."""
        who = self.by if self.preset is None else f"preset {self.preset}"
        return who if self.call_site is None else f"{who} at {self.call_site}"


def origins_of(
    said: Mapping[str, Leaf], by: str, known: Mapping[str, Origin] = NO_ORIGINS
) -> dict[str, Origin]:
    """The origin of each leaf: the known one where it said the same, else this very call."""
    call_site = user_call_site() if said else None
    origins = {}
    for name, value in said.items():
        origin = known.get(name)
        if origin is None:
            origin = Origin(by, call_site, value)
        elif origin.value != value:
            origin = Origin(by, call_site, value, overrides=_alone(origin))
        elif shown(origin.value) != shown(value):  # the same, but spelled otherwise now
            origin = origin._replace(value=value)
        origins[name] = origin
    return origins


def merge_origins(left: Mapping[str, Origin], right: Mapping[str, Origin]) -> dict[str, Origin]:
    """Those of a merge: the right side's, each with the value of the left side that it overrides.

    One that has overrides a value already keeps that, and the same word said twice replaces
    nothing: so these merge associatively too.
    """
    merged = {**left, **right}
    for name, new in right.items():
        old = left.get(name)
        if old is not None and new.overrides is None:
            earlier = _alone(old)
            said_again = earlier == new  # if spelled otherwise, then that is how it stands now
            merged[name] = old._replace(value=new.value) if said_again else new.overriding(earlier)
    return merged


def of_preset(origin: Origin, preset: str) -> Origin:
    """*origin* in a preset's config: what no other preset said was said by *preset*."""
    overrides = origin.overrides and of_preset(origin.overrides, preset)
    return origin._replace(preset=origin.preset or preset, overrides=overrides)


def shown(value: Leaf) -> object:
    """*value* as people write it: one amount where request and limit are spelled alike."""
    if not isinstance(value, tuple):
        return value
    request, limit = (amount and amount.text for amount in value)
    return request if request == limit else (request, limit)


def _alone(origin: Origin) -> Origin:
    return origin if origin.overrides is None else origin._replace(overrides=None)
