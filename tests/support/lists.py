"""Lists of names in recorded texts, such as ``{presets}`` for the names of all built-in presets."""

from __future__ import annotations

from flyte_dask.catalog import NAMES
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.rules import RULES

__all__ = ["with_lists"]


def with_lists(text: str) -> str:
    """*text*, with each list written out."""
    for name, names in (("presets", NAMES), ("rules", RULES), ("settings", SETTINGS)):
        text = text.replace(f"{{{name}}}", ", ".join(names))
    return text
