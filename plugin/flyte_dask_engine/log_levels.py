"""Log levels of the engine, raised where an SDK such as `pyflyte` silences its loggers."""

from __future__ import annotations

import logging
import os

from flyte_dask_engine.host import Host

__all__ = ["make_visible", "runtime_logger"]


def runtime_logger(host: Host) -> logging.Logger:
    """The logger of sessions under *host*."""
    return host.logger.getChild("runtime")


def make_visible(logger: logging.Logger, level: int, variable: str | None) -> None:
    """Enable *level* for *logger*, unless the user has set a level.

    A user sets it by the SDK's environment *variable*, or on *logger* itself.
    """
    is_set = logger.level != logging.NOTSET or (variable is not None and variable in os.environ)
    if not is_set and logger.getEffectiveLevel() > level:
        logger.setLevel(level)
