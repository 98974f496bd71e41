"""The session to which a thread and a client belong, while tasks run side by side in a process.

Dask's default client and the address in its configuration are process-wide, and a new thread has no
context variables of the one that starts it. So a thread is assigned to the session of the thread
that starts it, work in a pool of threads to that of the thread that submits it, a client to the
session in which it is made, and Dask asks for these here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

import attrs
import dask.config
from distributed import Client

from flyte_dask_engine.distributed_internals import (
    choosing_address,
    choosing_default_client,
)

__all__ = ["ADDRESS", "Scope", "open_scope", "scope_of"]

ADDRESS = "scheduler-address"
"""The key of Dask's configuration for the address that a ``Client()`` connects to."""


@attrs.define(eq=False)
class Scope:
    """What belongs to one session."""

    address: str | None = None
    """The address of its cluster, once known."""
    is_open: bool = True


_current: ContextVar[Scope | None] = ContextVar("flyte_dask_scope", default=None)
_of_work: ContextVar[tuple[Scope | None] | None] = ContextVar("flyte_dask_work", default=None)
_of_threads: WeakKeyDictionary[threading.Thread, Scope] = WeakKeyDictionary()
_of_clients: WeakKeyDictionary[Client, Scope] = WeakKeyDictionary()

_lock = threading.Lock()
_open: list[Scope] = []
_hooks = ExitStack()  # what is installed while a scope is open


@contextmanager
def open_scope(*, follow_threads: bool) -> Iterator[Scope]:
    """Let what the block starts belong to a scope of its own.

    Args:
        follow_threads: whether threads that it starts belong to it too. That replaces a method of
            `threading.Thread` and of `ThreadPoolExecutor` while the first of several scopes that
            overlap, and all others, are open; where a process has one session only, nothing needs
            it.
    """
    scope = Scope()
    with _lock:
        if not _open:
            _hooks.enter_context(choosing_default_client(_default_of))
            _hooks.enter_context(choosing_address(_address_of_new))
            if follow_threads:
                _hooks.enter_context(_following_threads())
        _open.append(scope)
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)
        scope.is_open = False
        with _lock:
            _open.remove(scope)
            if not _open:
                _hooks.close()


def scope_of(client: Client) -> Scope | None:
    """The open scope in which *client* was made, if any."""
    return _if_open(_of_clients.get(client))


def _scope_here() -> Scope | None:
    """The open scope of this thread, if any."""
    work = _of_work.get()  # of a pool, whose thread may have been started for work of another scope
    started = _of_threads.get(threading.current_thread()) if work is None else work[0]
    return _if_open(_current.get()) or _if_open(started)


def _if_open(scope: Scope | None) -> Scope | None:
    return scope if scope is not None and scope.is_open else None


def _default_of(clients: Sequence[Client]) -> Client | None:
    """The default among *clients*, of which the latest is first: never one of another scope."""
    scope = _scope_here()
    if scope is None:
        return next(iter(clients), None)
    owned = (each for owner in (scope, None) for each in clients if scope_of(each) is owner)
    return next(owned, None)


def _address_of_new(client: Client) -> str | None:
    """The address for a new *client* without one; None for that of Dask's configuration.

    The configuration counts if the user has changed it.
    """
    scope = _scope_here()
    if scope is None:
        return None
    _of_clients[client] = scope
    is_ours = dask.config.get(ADDRESS, None) in {each.address for each in [*_open]}
    return scope.address if is_ours else None


@contextmanager
def _following_threads() -> Iterator[None]:
    """Assign threads and work in pools to the scope of the thread that begins it.

    That of a thread of a pool is not the scope of its work, which another thread may submit.
    """
    start, submit = threading.Thread.start, ThreadPoolExecutor.submit

    def start_in_scope(thread: threading.Thread) -> None:
        scope = _scope_here()
        if scope is not None:
            _of_threads[thread] = scope
        start(thread)

    def submit_in_scope(
        pool: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
    ) -> Future[Any]:
        work = (_scope_here(),)

        def call() -> Any:
            token = _of_work.set(work)
            try:
                return function(*args, **kwargs)
            finally:
                _of_work.reset(token)

        return submit(pool, call)

    with (
        _replaced(threading.Thread, "start", start_in_scope),
        _replaced(ThreadPoolExecutor, "submit", submit_in_scope),
    ):
        yield


@contextmanager
def _replaced(kind: type, method: str, function: Callable[..., Any]) -> Iterator[None]:
    """Replace a *method* of *kind* until the block ends."""
    before = getattr(kind, method)
    setattr(kind, method, function)
    try:
        yield
    finally:
        if getattr(kind, method) is function:  # otherwise another program has replaced it too
            setattr(kind, method, before)
