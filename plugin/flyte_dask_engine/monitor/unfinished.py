"""What a function left unfinished when it returned."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import attrs
from distributed import Client

from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.distributed_internals import send_last

__all__ = ["Return", "Unfinished"]

_MARKS_SHARE = 0.8  # of the time to count: for the messages of the clients to arrive
_RELEASES = 0.25  # seconds in which the futures of a function are released when it returns


@attrs.frozen(kw_only=True)
class Unfinished:
    """The numbers of Dask tasks that a function left unfinished."""

    live: int
    """Tasks that the scheduler still has to finish."""
    released: int
    """Tasks whose futures were released when the function returned."""
    dropped: int
    """Tasks that were released before they finished, at any time and for whatever reason."""
    failed: int
    """Tasks that failed. Dask releases the others of their computation."""
    is_exact: bool
    """Whether all that the clients had sent was counted; otherwise there may be more."""

    @property
    def number(self) -> int:
        """How many are lost."""
        return self.live + (0 if self.failed else self.released)

    @property
    def is_nothing(self) -> bool:
        """Whether it is known that the function left nothing unfinished at any time."""
        return self.is_exact and not (self.live or self.dropped)

    def __str__(self) -> str:
        least = "" if self.is_exact else "at least "
        was, they = ("was", "it is") if self.number == 1 else ("were", "they are")
        return f"{least}{counted(self.number, 'task')} {was} unfinished; {they} lost"


class Return:
    """The return of a function, and what it left unfinished."""

    def __init__(self, mark: str) -> None:
        """Not yet.

        Args:
            mark: the operation of the scheduler that takes the clients' marks.
        """
        self.unfinished: Unfinished | None = None
        """What it left unfinished, once that is counted."""
        self._mark = mark
        self._marked: list[str] | None = None  # the clients that sent a mark

    def mark(self, clients: Iterable[Client]) -> None:
        """Mark the return in what *clients* send; the first call counts."""
        if self._marked is None:
            self._marked = [each.id for each in clients if send_last(each, self._mark)]

    async def count(
        self, ask: Callable[..., Awaitable[Mapping[str, Any] | None]], seconds: float
    ) -> None:
        """Count what is unfinished, by asking the `SchedulerObserver`, for at most *seconds*."""
        report = await ask(
            "unfinished", clients=self._marked, seconds=seconds * _MARKS_SHARE, margin=_RELEASES
        )
        self.unfinished = None if report is None else Unfinished(**report)
