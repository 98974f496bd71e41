"""What happens once, when `flyte_dask` is imported; it is almost free, and no I/O."""

from __future__ import annotations

import sys

__all__ = ["REMEDY", "start"]

REMEDY = (
    "pip uninstall -y flytekitplugins-dask, then pip install --force-reinstall --no-deps flyte-dask"
)
"""Both commands, in this order: uninstalling either package removes the files of both."""

_METADATA = r"\bflytekitplugins_dask-([\w.]+?)(-[^/]*)?\.(dist|egg)-info\b"


def start() -> None:
    """Warn of the official plugin, and register with flytekit, where either is there."""
    _warn_of_official_plugin()
    # flytekit loads its plugins when it is imported: ours waits there until there can be a config
    if "flytekitplugins.dask.plugin" in sys.modules:
        sys.modules["flytekitplugins.dask.plugin"].register()


def _warn_of_official_plugin() -> None:
    """Log a warning if ``flytekitplugins-dask``, whose files this package replaces, is installed.

    It is found in what the import system knows of the folders that it read: to list them again
    would be I/O at each import. A Python warning may be configured as an error, a log record not.
    """
    for finder in tuple(sys.path_importer_cache.values()):  # other threads may import too
        if "flytekitplugins_dask-" in (names := "/".join(getattr(finder, "_path_cache", ()))):
            import logging  # noqa: PLC0415  # few have it
            import re  # noqa: PLC0415

            found = re.search(_METADATA, names)
            if found:
                logging.getLogger("flyte_dask").warning(
                    "flytekitplugins-dask %s and flyte-dask are both installed, and both own "
                    "flytekitplugins/dask: tasks use the one that was installed last. Remedy: %s",
                    found[1],
                    REMEDY,
                )
