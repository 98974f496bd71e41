"""The team files whose presets the modules of this process have."""

from __future__ import annotations

from pathlib import Path

import attrs

__all__ = ["Taken", "taken"]


@attrs.frozen
class Taken:
    """A team file whose presets a module has."""

    path: Path
    preset: str
    """One of them."""
    module: Path | None


taken: dict[Path, Taken] = {}
"""All files of which a preset was taken in this process."""
