"""The team files whose presets the modules of this process have."""

from __future__ import annotations

from pathlib import Path

import attrs

__all__ = ["Taken", "taken"]


@attrs.frozen
class Taken:
    """A preset of a team file that a module has."""

    path: Path
    """The team file's."""
    preset: str
    """Its name."""
    module: Path | None
    """The module's file; None if it has none, as in a notebook."""


taken: dict[Taken, None] = {}
"""All that were taken in this process, in order."""
