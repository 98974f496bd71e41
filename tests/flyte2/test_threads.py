"""Functions of tasks next to the SDK's event loop: their results, errors and cancellation."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import flyte
import pytest
from dask.delayed import delayed

from flyteplugins.flyte_dask import Dask
from flyteplugins.flyte_dask.threads import OnLoop, in_thread
from tests.support.processes import PATIENCE

env = flyte.TaskEnvironment(name="loop", plugin_config=Dask(workers=1))

_begun = threading.Event()
_computed: list[int] = []


@env.task
async def cleans_up() -> None:
    """Compute after a cancellation."""
    _begun.set()
    try:
        await asyncio.Event().wait()
    finally:
        total: Any = delayed(sum)([1, 2])
        _computed.append(await asyncio.to_thread(total.compute))


def test_a_cancelled_coroutine_has_its_cluster_until_it_ends() -> None:
    async def main() -> None:
        running: asyncio.Task[Any] = asyncio.create_task(cleans_up.execute())
        assert await asyncio.to_thread(_begun.wait, PATIENCE)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert _computed == [3]


def test_a_coroutine_may_refuse_to_be_cancelled() -> None:
    async def main() -> int:
        begun = asyncio.Event()

        async def refuse() -> int:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return 1
            return 0

        on_loop = OnLoop(asyncio.get_running_loop(), refuse)
        running = asyncio.create_task(in_thread(on_loop, "refuse", on_loop.cancel))
        await begun.wait()
        running.cancel()
        return await running

    assert asyncio.run(main()) == 1


def test_cancelling_does_not_wait_for_what_precedes_the_coroutine() -> None:
    """As the opening of a session, which may wait for workers."""
    go, ended, ran = threading.Event(), threading.Event(), list[str]()

    async def main() -> None:
        async def function() -> None:
            ran.append("the coroutine")

        on_loop = OnLoop(asyncio.get_running_loop(), function)

        def call() -> None:
            try:
                assert go.wait(PATIENCE)
                on_loop()
            except asyncio.CancelledError:
                ran.append("cancelled")
                raise
            finally:
                ended.set()

        running = asyncio.create_task(in_thread(call, "opening", on_loop.cancel))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        go.set()
        assert await asyncio.to_thread(ended.wait, PATIENCE)

    asyncio.run(main())
    assert ran == ["cancelled"]


def _sync(error: BaseException) -> Callable[[], Any]:
    def function() -> None:
        raise error from KeyError("cause")

    return function


@pytest.mark.parametrize(
    "error", [ValueError("x"), TimeoutError("x"), asyncio.TimeoutError("x"), GeneratorExit("x")]
)
@pytest.mark.parametrize("is_coroutine", [False, True])
def test_an_error_arrives_as_it_is(error: BaseException, is_coroutine: bool) -> None:
    function = _sync(error)

    async def raising() -> None:
        function()

    async def main() -> BaseException:
        on_loop = OnLoop(asyncio.get_running_loop(), raising)
        with pytest.raises(type(error)) as caught:
            await in_thread(on_loop if is_coroutine else function, "raises")
        return caught.value

    raised = asyncio.run(main())
    assert raised is error
    assert isinstance(raised.__cause__, KeyError)
    assert "function" in [
        each.name for each in pytest.ExceptionInfo.from_exception(raised).traceback
    ]


def test_a_stop_iteration_is_that_of_any_coroutine() -> None:
    with pytest.raises(RuntimeError, match="coroutine raised StopIteration"):
        asyncio.run(in_thread(_sync(StopIteration()), "stops"))


def test_the_coroutine_has_the_context_of_the_thread() -> None:
    color: ContextVar[str] = ContextVar("color")

    async def main() -> str:
        async def function() -> str:
            return color.get()

        on_loop = OnLoop(asyncio.get_running_loop(), function)

        def call() -> str:
            color.set("red")
            return on_loop()

        return await in_thread(call, "colors")

    assert asyncio.run(main()) == "red"
