"""Makes every error of a task one that reaches its client, and that the client can raise.

With some exceptions distributed does not: a SystemExit ends the worker, an exception that cannot be
inspected leaves the task running for ever, and others end what a client waits with.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from inspect import isawaitable, iscoroutinefunction
from time import time
from types import TracebackType
from typing import Any

import distributed.client
import distributed.worker
from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.protocol.pickle import dumps, loads
from distributed.protocol.serialize import to_serialize

from flyte_dask_engine.cluster_plugins.by_code import ByCode
from flyte_dask_engine.distributed_internals import fail_dependents, let_receiving_fail
from flyte_dask_engine.foreign_errors import (
    chain_of,
    describe,
    is_harmless,
    make_sendable,
    traceback_of,
)

__all__ = ["TaskErrors", "pass_all_errors", "raisable"]

_LONG = 200  # frames of a traceback; pickle's recursion fails at a few hundred
_MAX_FRAMES = 20  # that are kept of one that is longer
_MAX_TEXT = 10_000  # characters; distributed's own maximum is the same

_MARK = "is_of_flyte_dask"  # an attribute of functions that replace those of distributed

_RUNNERS = ("_run_task_simple", "_run_task_async", "apply_function_simple", "apply_function_async")
"""The functions of distributed.worker that run a task; the latter two are those of 2024."""

_ACTOR_HANDLERS = ("actor_execute", "actor_attribute")
"""The handlers of a worker that run methods of actors."""


class TaskErrors(ByCode, WorkerPlugin):
    """Makes a worker send every error of a task, and its process until that ends."""

    idempotent = True

    def __init__(self, name: str) -> None:
        self.name = f"{name}-task-errors"

    def setup(self, worker: Worker) -> None:
        """Wrap what runs tasks, unless another session has done it."""
        self.worker = worker
        pass_all_errors()
        for name in _ACTOR_HANDLERS:
            handler = worker.handlers[name]
            worker.handlers[name] = _wrapped(handler, _sending_errors_of_actors)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Let what waits for a result that cannot be unpickled here fail; it would wait for ever.

        distributed tells its scheduler only that the result failed, which is in memory elsewhere.
        """
        if (start, finish) == ("flight", "error"):
            fail_dependents(self.worker, key)


def pass_all_errors() -> None:
    """Make this process send and receive every error of a task, and of ``client.run()``.

    It stays so until the process ends.
    """
    for holder, name, wrap in _REPLACED:
        function = getattr(holder, name, None)
        if function is not None:
            setattr(holder, name, _wrapped(function, wrap))


def _wrapped(function: Any, wrap: Callable[[Any], Any]) -> Any:
    """*function*, wrapped unless it is already."""
    if hasattr(function, _MARK):
        return function
    made = wrap(function)
    setattr(made, _MARK, True)
    return made


def _total(original: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Distributed's ``error_message``, for every exception."""

    @wraps(original)
    def error_message(error: BaseException, status: str = "error") -> dict[str, Any]:
        message = None
        with suppress(BaseException):  # raised by what the exception is made of
            message = original(raisable(error), status)
        if message is None:
            message = original(_described(error), status)
        message["traceback"] = _sendable(message["traceback"], sys.exc_info()[2])
        return message

    return error_message


def _loading_all(original: Callable[..., Any]) -> Callable[..., Any]:
    """Distributed's ``clean_exception``, with an error also for one that cannot be loaded."""

    @wraps(original)
    def clean_exception(exception: Any, traceback: Any = None, **others: Any) -> Any:
        if isinstance(exception, (bytes, bytearray)):
            exception = _loaded(exception)
        elif isinstance(exception, BaseException):
            exception = raisable(exception)
        with suppress(AssertionError):  # of a traceback that is only a text
            return original(exception, traceback, **others)
        return original(exception, None, **others)

    return clean_exception


def _closing_all(original: Callable[..., Any]) -> Callable[..., Any]:
    """The method of clients that closes them, also if an exception ends what they receive.

    distributed's own raises that exception in the event loop, and then waits for ever.
    """

    @wraps(original)
    async def close(client: Any, *args: Any, **kwargs: Any) -> Any:
        let_receiving_fail(client)
        return await original(client, *args, **kwargs)

    return close


def _loaded(data: bytes | bytearray) -> Exception:
    """The exception that was pickled as *data*, or why it cannot be loaded."""
    try:
        found = loads(data)
        if isinstance(found, BaseException):
            return raisable(found)
        why = f"it is a value of type {type(found).__name__}"
    except BaseException as failure:
        why = repr(raisable(failure))
    return RuntimeError(f"a Dask task failed, and its exception cannot be loaded here: {why}")


def _sendable(serialized: Any, traceback: TracebackType | None) -> Any:
    """The *serialized* traceback if a client can use it, otherwise the last frames of the other."""
    if serialized is None:
        return None
    with suppress(Exception):
        if isinstance(loads(serialized.data), TracebackType):
            return serialized
    with suppress(Exception):
        data = dumps(_last_frames(traceback, _MAX_FRAMES))
        if isinstance(loads(data), TracebackType) and len(data) <= _MAX_TEXT:
            return to_serialize(data)
    return None


def _last_frames(traceback: TracebackType | None, longest: int) -> TracebackType | None:
    """*traceback*; if it has more than *longest* frames, the last ones of it."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    if len(frames) > longest:
        return frames[-_MAX_FRAMES]
    return frames[0] if frames else None


def _outliving_exits(original: Callable[..., Any]) -> Callable[..., Any]:
    """One of distributed's functions that run a task, where exits end only the task."""
    if iscoroutinefunction(original):

        @wraps(original)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            started = time()
            try:
                return await original(*args, **kwargs)
            except (SystemExit, KeyboardInterrupt) as error:
                return _failed(error, started)

        return run_async

    @wraps(original)
    def run(*args: Any, **kwargs: Any) -> Any:
        started = time()
        try:
            return original(*args, **kwargs)
        except (SystemExit, KeyboardInterrupt) as error:
            return _failed(error, started)

    return run


def _failed(error: BaseException, started: float) -> Mapping[str, Any]:
    """The message of a task that failed with *error*."""
    return {
        **_message_of(error),
        "op": "task-erred",
        "actual_exception": error,
        "start": started,
        "stop": time(),
        "thread": threading.get_ident(),
    }


def _message_of(error: BaseException) -> dict[str, Any]:
    """Distributed's message about *error*, which is being handled."""
    message: dict[str, Any] = vars(distributed.worker)["error_message"](error)
    return message


def _outliving_calls(original: Callable[..., Any]) -> Callable[..., Any]:
    """Distributed's function behind ``client.run()``, whose error is sent whatever it is."""

    @wraps(original)
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await original(*args, **kwargs)
        except asyncio.CancelledError:  # the server is closing
            raise
        except BaseException as error:
            return _message_of(error)

    return run


def _sending_errors_of_actors(original: Callable[..., Any]) -> Callable[..., Any]:
    """A handler for actors, whose errors are sent whatever they are."""

    @wraps(original)
    async def handle(*args: Any, **kwargs: Any) -> Any:
        try:
            response = original(*args, **kwargs)
            response = await response if isawaitable(response) else response
        except asyncio.CancelledError:  # the worker is closing
            raise
        except BaseException as error:
            return _error_of_actor(error)
        if response["status"] == "error":
            return _error_of_actor(response["exception"].data)
        return response

    return handle


def _error_of_actor(error: BaseException) -> dict[str, Any]:
    found = raisable(error)
    with suppress(Exception):
        loads(dumps(found))
        return {"status": "error", "exception": to_serialize(found)}
    return {"status": "error", "exception": to_serialize(_described(error))}


def raisable(error: BaseException) -> Exception:
    """*error* itself if every thread can raise and print it; otherwise one with its text.

    First it is made harmless, with a chain and tracebacks that can be pickled, unlike those of a
    RecursionError. Only subclasses of Exception pass through the event loop of a client.
    """
    is_usable = False
    with suppress(BaseException):
        make_sendable(error)
        for each in chain_of(error, with_contexts=True):
            traceback = _last_frames(traceback_of(each), _LONG)
            BaseException.with_traceback(each, traceback)  # a class may let nothing be set
        is_usable = is_harmless(error)
    return error if isinstance(error, Exception) and is_usable else _described(error)


def _described(error: BaseException) -> RuntimeError:
    """An error with the type and the text of *error*."""
    return RuntimeError(describe(error, _MAX_TEXT).removesuffix(": "))


_REPLACED: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
    (distributed.worker, "error_message", _total),
    (distributed.worker, "run", _outliving_calls),
    *((distributed.worker, name, _outliving_exits) for name in _RUNNERS),
    (distributed.client, "clean_exception", _loading_all),
    (distributed.Client, "_close", _closing_all),
)
"""The functions of distributed that are replaced: where, their names, and by what."""
