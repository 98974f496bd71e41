"""The loggers of the engine, made visible where an SDK silences its own, as `pyflyte` does."""

from __future__ import annotations

import logging
import os

from flyte_dask_engine.host import Host

__all__ = ["make_visible", "runtime_logger"]


def runtime_logger(host: Host) -> logging.Logger:
    """The logger of all that sessions say under *host*."""
    return host.logger.getChild("runtime")


def make_visible(logger: logging.Logger, level: int, variable: str | None) -> None:
    """Let *logger* show what is of *level*, unless the user has set a level.

    That is by the environment *variable* of the SDK, or by a level of *logger* itself.
    """
    is_set = logger.level != logging.NOTSET or (variable is not None and variable in os.environ)
    if not is_set and logger.getEffectiveLevel() > level:
        logger.setLevel(level)
