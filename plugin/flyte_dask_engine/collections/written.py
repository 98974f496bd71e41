"""Collections that were written: what a deck shows of them."""

from __future__ import annotations

import attrs

__all__ = ["Written"]


@attrs.frozen
class Written:
    """A collection in a folder."""

    uri: str
    partitions: int
    """The number of partitions of a frame, or of chunks of an array."""
    bytes: int
    """The size on disk."""
    facts: tuple[tuple[str, str], ...]
    """What else there is to say of it, such as its number of rows, with names for people."""
    types: tuple[tuple[str, str], ...]
    """The types of its columns, by name; of an array, that of its values."""
    preview: str
    """Its first rows as an HTML table, from the files; empty if it has none."""
