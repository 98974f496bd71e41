"""Blocking calls next to the SDK's event loop, which also serves the controller and other tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
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
        self._task: asyncio.Task[T] | None = None
        self._is_cancelled = False

    def __call__(self) -> T:
        """Run the coroutine to its end, and return its result."""
        ended = Future[asyncio.Task[T]]()
        self._loop.call_soon_threadsafe(self._start, ended)  # with the context of this thread
        return ended.result().result()

    def _start(self, ended: Future[asyncio.Task[T]]) -> None:
        self._task = self._loop.create_task(self._run())
        if self._is_cancelled:
            self._task.cancel()
        self._task.add_done_callback(ended.set_result)

    async def _run(self) -> T:
        return await self._function()

    def cancel(self) -> bool:
        """Cancel the coroutine, on the loop; whether it has begun. Otherwise it never will."""
        self._is_cancelled = True
        if self._task is None:
            return False
        self._task.cancel()
        return True


async def in_thread(
    function: Callable[[], T], name: str, cancel: Callable[[], bool] | None = None
) -> T:
    """The result of *function*, which is called in a thread of its own, with this context.

    The thread is not one of a pool, whose size would limit how many tasks run at a time, and is a
    daemon, so that a function that never returns does not keep the process alive.

    Args:
        function: what is called.
        name: the name of the thread.
        cancel: cancels what *function* does, if this coroutine is cancelled, and tells whether to
            wait for its end, which may need some time; without it the thread goes on.
    """
    context, outcome, ended = copy_context(), Future[T](), Future[Future[T]]()

    def call() -> None:
        try:
            outcome.set_result(context.run(function))
        except BaseException as error:  # it is raised where the result is awaited
            outcome.set_exception(error)
        # as a value: a future of asyncio changes some errors, and takes no StopIteration
        ended.set_result(outcome)

    Thread(target=call, name=name, daemon=True).start()
    awaited = asyncio.wrap_future(ended)
    try:
        await asyncio.shield(awaited)
    except asyncio.CancelledError:
        if cancel is None or not cancel():
            raise
        await asyncio.shield(awaited)  # the coroutine may need the cluster to clean up
    return outcome.result()
