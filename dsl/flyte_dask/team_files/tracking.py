"""The team files that the modules of this process read when they are imported."""

from __future__ import annotations

from pathlib import Path

import attrs

__all__ = ["TrackedFile", "taken"]


@attrs.frozen
class TrackedFile:
    """A team file that a module reads, or a preset of it that the module has."""

    path: Path
    """The team file's."""
    preset: str | None
    """The name of the preset; None if the file is read as a whole."""
    module: Path | None
    """The module's file; None if it has none, as in a notebook."""


taken: dict[TrackedFile, None] = {}
"""All that were taken in this process, in order."""
