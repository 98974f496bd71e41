"""Make our loggers visible where flytekit's are silenced: `pyflyte` hides even warnings."""

from __future__ import annotations

import logging
import os

from flytekit.loggers import LOGGING_ENV_VAR

__all__ = ["make_audible"]


def make_audible(logger: logging.Logger, level: int) -> None:
    """Let *logger* show what is of *level*, unless somebody has said otherwise.

    That is by ``FLYTE_SDK_LOGGING_LEVEL``, or by a level of *logger* itself.
    """
    is_said = logger.level != logging.NOTSET or LOGGING_ENV_VAR in os.environ
    if not is_said and logger.getEffectiveLevel() > level:
        logger.setLevel(level)
