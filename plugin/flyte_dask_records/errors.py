"""The error of a record that cannot be read."""

from __future__ import annotations

from typing import final

from flyte_dask.errors import ConfigError

__all__ = ["InvalidRecord"]


@final
class InvalidRecord(ConfigError, ValueError):
    """A text that is not the record of a run: all its problems, each with a path and a remedy."""
