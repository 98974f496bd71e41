"""Caches for results that tasks with equal configs share."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Latest", "cached"]

_MOST = 4096  # entries, of some kilobytes each; a registration rarely has so many different ones

T = TypeVar("T")


def cached(cache: dict[Hashable, T], key: Hashable, compute: Callable[[], T]) -> T:
    """The value of *key* in *cache*; *compute* provides a missing one."""
    try:
        return cache[key]
    except KeyError:
        pass  # an error below must not have this one as its context
    value = compute()
    if len(cache) >= _MOST:
        cache.clear()
    cache[key] = value
    return value


class Latest(Generic[T]):
    """A cache for the latest registration, during which files do not move."""

    def __init__(self) -> None:
        self._settings: object = None
        self._cache: dict[Hashable, T] = {}

    def of(self, settings: object) -> dict[Hashable, T]:
        """The cache for the registration with these *settings*; a new one starts empty."""
        if settings is not self._settings:
            self._settings, self._cache = settings, {}
        return self._cache
