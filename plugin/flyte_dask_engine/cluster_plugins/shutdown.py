"""The observer in the scheduler of the request to shut the cluster down."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from distributed import Scheduler

from flyte_dask_engine.cluster_plugins.lifecycle import Observer

__all__ = ["ShutdownObserver"]

_OPERATION = "terminate"  # which `Client.shutdown` requests; signals don't
_PATIENCE = 1  # seconds


class ShutdownObserver(Observer):
    """Lets the runner know that a client shuts the cluster down, before that happens.

    Otherwise the runner could not tell it from the loss of the scheduler.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.is_awaited = False

    async def start(self, scheduler: Scheduler) -> None:
        """Replace the handler of the request."""
        self.begin(scheduler)
        self.requested, self.noted, self.ended = (asyncio.Event() for _ in range(3))
        self.proceed = scheduler.handlers[_OPERATION]
        scheduler.handlers[_OPERATION] = self.shut_down

    async def shut_down(self, **arguments: Any) -> Any:
        """Shut down, once the runner has noted it."""
        self.requested.set()
        if self.is_awaited:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.noted.wait(), _PATIENCE)
        try:
            return await self.proceed(**arguments)
        finally:
            self.ended.set()

    async def answer(self, what: str) -> dict[str, Any]:
        """Do *what* a monitor asks for.

        Args:
            what: *wait* for the request; *note* it, and wait for the end of the shutdown, unless
                that closes the connection before; or *leave*.
        """
        if what == "wait":
            self.is_awaited = True
            await self.requested.wait()
        elif what == "note":
            self.noted.set()
            await self.ended.wait()
        else:
            self.is_awaited = False
            self.requested.set()  # which ends the waiting
            if self.scheduler.handlers[_OPERATION] == self.shut_down:  # of parallel sessions
                self.scheduler.handlers[_OPERATION] = self.proceed
            return self.leave()
        return {}
