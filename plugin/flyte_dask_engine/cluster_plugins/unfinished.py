"""Counts, inside the scheduler, the tasks that were requested and have not finished."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any

__all__ = ["UnfinishedTasks"]

_STATES = ("waiting", "queued", "no-worker", "processing")
_LAST_MESSAGES = 0.1  # seconds for what workers have finished, and are about to report
_MAX_KEPT = 1000
_WIDTH = 0.01  # seconds in which releases are added up


class UnfinishedTasks:
    """Counts the unfinished tasks of a scheduler.

    The futures of a function are released when it returns, and the scheduler then forgets their
    tasks. Those are counted too, unlike tasks that were released earlier, since nobody needs them,
    and tasks that were cancelled, or whose client was closed.

    Each client sends a mark when the function returns. Messages of a client are handled in order,
    so what it sent before, such as a graph, has been taken in when its mark arrives.
    """

    def __init__(self) -> None:
        self.dropped = 0  # tasks that were released before they finished, for whatever reason
        self.released: deque[list[float]] = deque(maxlen=_MAX_KEPT)  # when, and how many
        self.marks: dict[str, float] = {}  # when they arrived, by client

    def begin(self, scheduler: Any, name: str) -> None:
        """Take in marks as messages called *name*, and ignore the tasks that are present."""
        self.scheduler, self.name = scheduler, name
        self.has_mark = asyncio.Event()
        scheduler.stream_handlers[name] = self.mark
        present = scheduler.tasks.values() if self._in_states() else ()
        self.before = [each for each in present if each.state in _STATES]

    def leave(self) -> None:
        """Ignore marks, which may still arrive."""
        self.scheduler.stream_handlers[self.name] = _ignore

    def mark(self, client: str, **_: Any) -> None:
        """Note that the function has returned."""
        self.marks.setdefault(client, monotonic())
        self.has_mark.set()

    def note(self, start: Any, stimulus_id: Any) -> None:
        """Note a task that is released."""
        if start not in _STATES:
            return
        self.dropped += 1
        if not str(stimulus_id).startswith("client-releases-keys"):
            return  # cancelled, or its client was closed, or restarted the cluster
        now = monotonic()
        if self.released and now - self.released[-1][0] < _WIDTH:
            self.released[-1][1] += 1
        else:
            self.released.append([now, 1])

    async def count(self, clients: Iterable[str], seconds: float, margin: float) -> dict[str, Any]:
        """The number of tasks that had not finished when the function returned, and have not since.

        Args:
            clients: the clients that sent a mark.
            seconds: how long to wait for marks. A mark that is behind a large graph takes a while;
                without it the count is a lower bound.
            margin: how many seconds before its mark the futures of a function are released.

        Returns:
            The *live* tasks, those *released* as the function returned, those *dropped* unfinished
            at any time, and whether the count *is_exact*.
        """
        awaited = {*clients}
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._wait_for(awaited), seconds)
        if self._live():
            await asyncio.sleep(_LAST_MESSAGES)
        since = min(self.marks.values(), default=monotonic()) - margin
        return {
            "live": self._live(),
            "released": int(sum(number for when, number in self.released if when >= since)),
            "dropped": self.dropped,
            "is_exact": awaited <= {*self.marks},
        }

    async def _wait_for(self, clients: set[str]) -> None:
        while not clients <= {*self.marks}:
            self.has_mark.clear()
            await self.has_mark.wait()

    def _live(self) -> int:
        before = sum(each.state in _STATES for each in self.before)
        return self._in_states() - before

    def _in_states(self) -> int:
        groups = list(self.scheduler.task_groups.values())
        return sum(group.states[state] for group in groups for state in _STATES)


def _ignore(**_: Any) -> None:
    """Ignore a mark."""
