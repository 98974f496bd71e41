"""Detection of the official plugin, ``flytekitplugins-dask``, whose files this package replaces."""

from __future__ import annotations

import logging
import re

__all__ = ["REMEDY", "warn"]

REMEDY = (
    "pip uninstall -y flytekitplugins-dask, then pip install --force-reinstall --no-deps flyte-dask"
)
"""Both commands, in this order: uninstalling either package removes the files of both."""


def warn(names: str) -> None:
    """Log a warning if one of the file *names* is the metadata of the official plugin.

    A log record rather than a Python warning, which may be configured as an error.
    """
    found = re.search(r"\bflytekitplugins_dask-([\w.]+?)(-[^/]*)?\.(dist|egg)-info\b", names)
    if found:
        logging.getLogger("flyte_dask").warning(
            "flytekitplugins-dask %s and flyte-dask are both installed, and both own "
            "flytekitplugins/dask: tasks use the one that was installed last. Remedy: %s",
            found[1],
            REMEDY,
        )
