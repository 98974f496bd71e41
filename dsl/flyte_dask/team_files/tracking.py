"""The team files that modules of this process read while they are imported."""

from __future__ import annotations

from pathlib import Path

import attrs

__all__ = ["TrackedFile", "tracked"]


@attrs.frozen
class TrackedFile:
    """A team file that a module reads, as a whole or for a preset."""

    path: Path
    """The path of the team file."""
    preset: str | None
    """The name of the preset; None if the file is read as a whole."""
    module: Path | None
    """The file of the module; None if it has none, as in a notebook."""


tracked: dict[TrackedFile, None] = {}
"""The team files read so far, in order."""
