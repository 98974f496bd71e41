"""Where the collections of this process are in the blob store, if they are."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import ref

import attrs

from flyte_dask_engine.collections.written import Written
from flyte_dask_engine.distributed_internals import name_of

__all__ = ["Place", "place_of", "remember", "take_place"]


@attrs.define
class Place:
    """Where a collection is stored."""

    uri: str
    columns: tuple[str, ...] = ()
    """The columns that were asked for; empty for all."""
    written: Written | None = None
    """What was written; None if it was read from there."""
    uses: int | None = None
    """How many outputs it is for; None for any number, as of an input that is returned."""
    name: str = ""
    """The collection's name, which an operation in place changes."""


_places: dict[int, list[Place]] = {}  # by identity: collections compare by their elements
_kept: dict[int, ref[object]] = {}


def remember(collection: object, place: Place) -> None:
    """Remember the *place* of *collection*, as long as that exists and is what it is now."""
    key = id(collection)

    def forget(_: object) -> None:
        del _places[key], _kept[key]

    if key not in _kept:
        _kept[key], _places[key] = ref(collection, forget), []
    place.name = name_of(collection)
    _places[key].append(place)


def place_of(collection: object) -> Place | None:
    """Where *collection* is, for those who look at it."""
    return next(reversed(_of(collection)), None)


def take_place(collection: object, columns: Sequence[str], uri: str | None) -> Place | None:
    """Where an output is that is *collection*: of these *columns*, and at *uri* if that is said.

    What was written for an execution of a task is not taken by a later one, which writes anew. An
    input of some columns is at the place of all of them, and so is written too.
    """
    for place in reversed(_of(collection)):
        fits = place.columns == (*columns,) and uri in {None, place.uri}
        is_input = place.written is None and not place.columns and uri is None
        if fits and (is_input or place.uses):
            place.uses = place.uses and place.uses - 1
            return place
    return None


def _of(collection: object) -> list[Place]:
    known = _places.get(id(collection), ())
    name = name_of(collection) if known else ""
    return [each for each in known if each.name == name]
