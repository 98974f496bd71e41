"""Where the collections of this process are in the blob store, if they are."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import ref

import attrs

from flyte_dask_engine.collections.written import Written

__all__ = ["Place", "place_of", "remember"]


@attrs.frozen
class Place:
    """Where a collection is stored."""

    uri: str
    columns: tuple[str, ...] = ()
    """The columns that were asked for; empty for all."""
    written: Written | None = None
    """What was written; None if it was read from there."""


_places: dict[int, list[Place]] = {}  # by identity: collections compare by their elements
_kept: dict[int, ref[object]] = {}


def remember(collection: object, place: Place) -> None:
    """Remember the *place* of *collection*, as long as that exists."""
    key = id(collection)

    def forget(_: object) -> None:
        del _places[key], _kept[key]

    if key not in _kept:
        _kept[key], _places[key] = ref(collection, forget), []
    _places[key].append(place)


def place_of(
    collection: object, columns: Sequence[str] | None = None, uri: str | None = None
) -> Place | None:
    """Where *collection* is, of these *columns* and at *uri*; None for both means any."""
    for place in reversed(_places.get(id(collection), ())):
        if (columns is None or place.columns == (*columns,)) and uri in {None, place.uri}:
            return place
    return None
