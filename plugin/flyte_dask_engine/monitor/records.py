"""The records of what a cluster does, taken from the scheduler's `Recorder` from time to time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.monitor.task_graphs import task_graph

__all__ = ["Records"]

_PAUSE = 5.0  # seconds between records, at least
_SHARE = 0.01  # of the scheduler's time, at most, that records take


class Records:
    """The latest metrics of a cluster, and when to take the next ones."""

    def __init__(
        self, name: str, ask: Callable[[str, str], Awaitable[Mapping[str, Any] | None]]
    ) -> None:
        """Keep none yet.

        Args:
            name: the name of the recorder, a plugin of the scheduler.
            ask: asks the scheduler's plugin of a name to do something.
        """
        self.name = name
        self.are_kept = False
        """Whether the scheduler has the recorder."""
        self.metrics: ClusterMetrics | None = None
        """The latest metrics."""
        self.began_at: float | None = None
        """When the function began, by the monotonic clock."""
        self.returned_at: float | None = None
        """When the function returned, by the monotonic clock."""
        self._ask = ask
        self._taken_at = 0.0
        self._next = 0.0

    @property
    def age(self) -> float:
        """The age of the latest metrics in seconds."""
        return time.monotonic() - self._taken_at

    @property
    def are_due(self) -> bool:
        """Whether it is time for the next ones."""
        return self.are_kept and time.monotonic() >= self._next

    async def take(self, what: str) -> None:
        """Take the *metrics*, or the *last* ones, and not the next ones too soon."""
        before = time.monotonic()
        record = dict(await self._ask(what, self.name) or {})
        now = time.monotonic()
        self._next = now + max(_PAUSE, (now - before) / _SHARE)
        if record:
            recorded = record.pop("graph", None)
            found, self._taken_at = ClusterMetrics.from_recorder(record), now
            if recorded is not None:
                began, returned = (
                    None if at is None else now - at for at in (self.began_at, self.returned_at)
                )
                found = attrs.evolve(found, graph=task_graph(recorded, began, returned))
            self.metrics = found
