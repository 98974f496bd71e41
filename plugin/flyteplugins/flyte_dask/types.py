"""The entry point ``flyte.plugins.types``, which the SDK loads before it looks up a type.

Dask DataFrames are made a type of the SDK once the program has imported them, with or without a
Dask task: no other program pays for their import.
"""

from __future__ import annotations

import sys
from importlib import import_module

from flyte.types import TypeEngine

__all__ = ["register"]


def register() -> None:
    """Register them now, or before a later look-up of a type, of which each calls a hook."""
    engine = vars(TypeEngine)
    known = TypeEngine.lazy_import_transformers
    if getattr(known, "is_ours", False):
        return
    registered = False

    def lazy_import_transformers() -> None:
        nonlocal registered
        known()
        # one that is still being imported has no such class yet
        if not registered and hasattr(sys.modules.get("dask.dataframe"), "DataFrame"):
            registered = True
            import_module("flyteplugins.flyte_dask.collections.frames").register()

    assert "lazy_import_transformers" in engine
    lazy_import_transformers.is_ours = True  # type: ignore[attr-defined]  # a mark
    TypeEngine.lazy_import_transformers = staticmethod(lazy_import_transformers)
