"""The incumbent, ``flytekitplugins-dask``, installed beside us: two packages, one set of files."""

from __future__ import annotations

import logging
import re

__all__ = ["REMEDY", "warn"]

REMEDY = (
    "pip uninstall -y flytekitplugins-dask, then pip install --force-reinstall --no-deps flyte-dask"
)
"""Both, in this order: to uninstall either removes the files of both."""


def warn(names: str) -> None:
    """Say that it is there, if one of the file *names* is that of its installation.

    In a log: a warning may be an error, and this breaks nothing.
    """
    found = re.search(r"\bflytekitplugins_dask-([\w.]+?)(-[^/]*)?\.(dist|egg)-info\b", names)
    if found:
        logging.getLogger("flyte_dask").warning(
            "flytekitplugins-dask %s is installed beside flyte-dask, and both own "
            "flytekitplugins/dask: which of them tasks get depends on who was installed last. "
            "Remedy: %s",
            found[1],
            REMEDY,
        )
