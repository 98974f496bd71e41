"""Blocking calls next to the SDK's event loop, which also serves the controller and other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from threading import Thread
from typing import Any, Generic, TypeVar

__all__ = ["OnLoop", "in_thread"]

T = TypeVar("T")


class OnLoop(Generic[T]):
    """A function that blocks its thread while the coroutine of *function* runs on *loop*.

    The coroutine gets the context variables of that thread.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, function: Callable[[], Coroutine[Any, Any, T]]
    ) -> None:
        self._loop, self._function = loop, function
        self._running: Future[T] | None = None
        self._is_cancelled = False

    def __call__(self) -> T:
        """Run the coroutine, and return its result."""
        self._running = asyncio.run_coroutine_threadsafe(self._function(), self._loop)
        if self._is_cancelled:
            self._running.cancel()
        return self._running.result()

    def cancel(self) -> None:
        """Cancel the coroutine, also one that does not run yet."""
        self._is_cancelled = True
        if self._running is not None:
            self._running.cancel()


async def in_thread(
    function: Callable[[], T], name: str, cancel: Callable[[], object] | None = None
) -> T:
    """The result of *function*, which is called in a thread of its own, with this context.

    The thread is not one of a pool, whose size would limit how many tasks run at a time, and is a
    daemon, so that a function that never returns does not keep the process alive.

    Args:
        function: what is called.
        name: the name of the thread.
        cancel: ends *function* if this coroutine is cancelled, which then waits for its end;
            without it the thread goes on.
    """
    context, future = copy_context(), Future[T]()

    def call() -> None:
        try:
            result = context.run(function)
        except BaseException as error:  # it is raised where the result is awaited
            future.set_exception(error)
        else:
            future.set_result(result)

    Thread(target=call, name=name, daemon=True).start()
    awaited = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(awaited)
    except asyncio.CancelledError:
        if cancel is not None and not awaited.done():
            cancel()
            with suppress(BaseException):
                await awaited
        raise
