"""What happens once, when `flyte_dask` is imported; it is almost free, and no I/O."""

from __future__ import annotations

import sys

__all__ = ["start"]


def start() -> None:
    """Warn of the official plugin, and register with flytekit, where either is there."""
    _warn_of_official_plugin()
    # flytekit loads its plugins when it is imported: ours waits there until there can be a config
    if "flytekitplugins.dask.plugin" in sys.modules:
        sys.modules["flytekitplugins.dask.plugin"].register()


def _warn_of_official_plugin() -> None:
    """Warn if it is installed too, by what the import system knows of the folders that it read.

    To list them again would be I/O at each import. Other threads may import too.
    """
    for finder in tuple(sys.path_importer_cache.values()):
        if "flytekitplugins_dask-" in (names := "/".join(getattr(finder, "_path_cache", ()))):
            from flyte_dask import official_plugin  # noqa: PLC0415  # few have it

            official_plugin.warn(names)
