"""What a monitor does when the function itself shuts the cluster down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from distributed import Client

from flyte_dask_engine.cluster_plugins.shutdown import ShutdownObserver
from flyte_dask_engine.errors import ClusterShutDown
from flyte_dask_engine.monitor.abort import (
    abort_waiting,
    fail_instead_of_cancelling,
    stop_reconnecting,
)
from flyte_dask_engine.monitor.verdict import Assessment

__all__ = ["ShutdownWatch"]

_LONGEST = 5.0  # seconds that an end of the cluster is waited for

_Answer = dict[str, Any]


class ShutdownWatch:
    """Waits for a shutdown by the function, and makes it the verdict: nothing was lost."""

    def __init__(
        self,
        name: str,
        assessment: Assessment,
        clients: Callable[[], Iterable[Client]],
        ask: Callable[[str, str], Awaitable[_Answer | None]],
    ) -> None:
        """Watch for it.

        Args:
            name: the name of the monitor.
            assessment: takes in the verdict.
            clients: returns the clients of the cluster.
            ask: asks the scheduler's plugin of a name to do something.
        """
        self.observer = ShutdownObserver(f"{name}-shutdowns")
        self.activity: _Answer | None = None
        """What the cluster had done before."""
        self.is_over = False
        """Whether the cluster has been shut down."""
        self._assessment = assessment
        self._clients = clients
        self._ask = ask

    @property
    def has_happened(self) -> bool:
        """Whether the function shut the cluster down."""
        return isinstance(self._assessment.verdict, ClusterShutDown)

    async def run(self, last: Callable[[], Awaitable[_Answer | None]]) -> None:
        """Wait for the shutdown, and end what waits for the cluster.

        Args:
            last: returns what the cluster has done, which is asked for before the shutdown.
        """
        subject = self._assessment.subject
        try:
            if await self._ask("wait", self.observer.name) is None:
                return  # another scheduler has replaced that of the observer
        except OSError:  # the scheduler is lost
            return
        verdict = subject.shut_down()
        with suppress(OSError, asyncio.TimeoutError):
            self.activity = await last()
        self._assessment.conclude(verdict)
        subject.logger.info("%s: the function shut the cluster down", subject.task)
        stop_reconnecting(self._clients())
        fail_instead_of_cancelling(self._clients(), verdict)
        with suppress(OSError, asyncio.TimeoutError):
            # what waits is aborted only afterwards, for that may be the request itself
            await asyncio.wait_for(self._ask("note", self.observer.name), _LONGEST)
        self.is_over = True
        self.abort()

    def abort(self) -> None:
        """End what waits for the cluster once it has been shut down, however often that is tried.

        A client that has not requested the shutdown stays open, and can be used afterwards.
        """
        verdict = self._assessment.verdict
        if verdict is not None:
            abort_waiting(self._clients(), self._assessment.subject.address, verdict)

    async def leave(self) -> None:
        """Remove the observer."""
        await self._ask("leave", self.observer.name)
