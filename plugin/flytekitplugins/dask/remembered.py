"""What was worked out for one task, and holds for others that say the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

__all__ = ["remembered"]

_MOST = 4096  # entries, of some kilobytes each; a registration rarely has so many different ones

T = TypeVar("T")


def remembered(memory: dict[Hashable, T], key: Hashable, work_out: Callable[[], T]) -> T:
    """What *memory* has for *key*, or else what *work_out* says, which it has from then on."""
    try:
        return memory[key]
    except KeyError:
        found = work_out()
    if len(memory) >= _MOST:
        memory.clear()
    memory[key] = found
    return found
