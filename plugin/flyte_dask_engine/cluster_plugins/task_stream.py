"""A bounded task stream for Dask's performance report."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler
from distributed.diagnostics.task_stream import TaskStreamPlugin

__all__ = ["MAX_STREAMED", "BoundedTaskStream"]

MAX_STREAMED = 3000
"""How many tasks are kept: the latest."""


class BoundedTaskStream(TaskStreamPlugin):
    """Dask's task stream with fewer tasks. It has the same name, so that Dask uses it instead."""

    idempotent = True

    def __init__(self) -> None:
        """Skip the setup, which needs a scheduler."""

    async def start(self, scheduler: Scheduler) -> None:
        """Set up on *scheduler*."""
        begin: Any = super().__init__
        begin(scheduler, maxlen=MAX_STREAMED)
