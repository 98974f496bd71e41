"""The entry point ``flyte.plugins.types``, which the SDK loads before it looks up a type.

Dask DataFrames are made a type of the SDK once the program has imported them, with or without a
Dask task: no other program pays for their import.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from flyte.types import TypeEngine

__all__ = ["register"]


def register() -> None:
    """Register them as soon as they are imported; the SDK calls a hook before each look-up."""
    engine: Any = TypeEngine
    known = engine.lazy_import_transformers
    is_registered = False

    def lazy_import_transformers() -> None:
        nonlocal is_registered
        known()
        # one that is still being imported has no such class yet
        if not is_registered and hasattr(sys.modules.get("dask.dataframe"), "DataFrame"):
            is_registered = True
            import_module("flyteplugins.flyte_dask.collections.frames").register()

    engine.lazy_import_transformers = staticmethod(lazy_import_transformers)
