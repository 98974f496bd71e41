"""What Dask's own report draws of tasks, in a space that does not grow."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler
from distributed.diagnostics.task_stream import TaskStreamPlugin

__all__ = ["MOST_STREAMED", "BoundedTaskStream"]

MOST_STREAMED = 3000
"""Tasks that are kept: the last ones."""


class BoundedTaskStream(TaskStreamPlugin):
    """Dask's own, with fewer tasks; it is found in that one's place, for it has its name."""

    idempotent = True

    def __init__(self) -> None:
        """Without a scheduler, to which it is sent."""

    async def start(self, scheduler: Scheduler) -> None:
        """Begin."""
        begin: Any = super().__init__
        begin(scheduler, maxlen=MOST_STREAMED)
