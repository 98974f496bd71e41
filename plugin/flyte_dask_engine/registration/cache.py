"""What was worked out for one task, and holds for others that say the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Latest", "remembered"]

_MOST = 4096  # entries, of some kilobytes each; a registration rarely has so many different ones

T = TypeVar("T")


def remembered(memory: dict[Hashable, T], key: Hashable, work_out: Callable[[], T]) -> T:
    """What *memory* has for *key*, or else what *work_out* says, which it has from then on."""
    try:
        return memory[key]
    except KeyError:
        pass  # what goes wrong below did not go wrong because of this
    found = work_out()
    if len(memory) >= _MOST:
        memory.clear()
    memory[key] = found
    return found


class Latest(Generic[T]):
    """What holds for the latest registration, in which all is where it was."""

    def __init__(self) -> None:
        self._settings: object = None
        self._found: dict[Hashable, T] = {}

    def of(self, settings: object) -> dict[Hashable, T]:
        """What is remembered for this registration; another one starts empty."""
        if settings is not self._settings:
            self._settings, self._found = settings, {}
        return self._found
