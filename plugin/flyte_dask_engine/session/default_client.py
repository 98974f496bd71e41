"""The process-wide cluster that a ``Client()`` without an address connects to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import attrs
import dask.config
from distributed import Client

from flyte_dask_engine.distributed_internals import clients
from flyte_dask_engine.session.scopes import ADDRESS, Scope, scope_of

__all__ = ["default_cluster"]

_SCHEDULER = "scheduler"
_lock = threading.Lock()
_open: list[_Session] = []  # tasks can run in parallel
_before: dict[str, object] = {}  # the configuration before the first of them


@attrs.frozen(eq=False)
class _Session:
    """What an open session wants of Dask's configuration."""

    address: str
    has_client: bool


@contextmanager
def default_cluster(
    address: str, scope: Scope, *, has_client: bool = True
) -> Iterator[Callable[[], list[Client]]]:
    """Let every ``Client()`` connect to *address*, and close those left open when the block ends.

    That goes for what belongs to *scope*. For other threads the latest of parallel sessions counts.
    The last one to end restores the configuration.

    Args:
        address: the scheduler's address.
        scope: the session's, which gets the address.
        has_client: whether a bare ``.compute()`` uses a client too.

    Yields:
        a function that returns the clients of that cluster which were opened in the block.
    """
    known = set(clients())
    session = _Session(address, has_client)

    def opened_since() -> list[Client]:
        return [each for each in clients() if each not in known and is_of_session(each)]

    def is_of_session(client: Client) -> bool:
        owner = scope_of(client)
        # one without an owner, from a thread that none is known to have started, may be shared
        is_shared = owner is None and sum(each.address == address for each in [*_open]) > 1
        return _address_of(client) == address and owner in {scope, None} and not is_shared

    with _lock:
        if not _open:
            _before.update({key: dask.config.get(key, None) for key in (ADDRESS, _SCHEDULER)})
        _open.append(session)
        _configure()
    scope.address = address
    try:
        yield opened_since
    finally:
        try:
            for client in opened_since():
                _close(client)
        finally:
            with _lock:
                _open.remove(session)
                _configure()


def _configure() -> None:
    """Set what the open sessions want, or what was set before them; clients set some of it too."""
    wanted = dict(_before)
    if _open:
        wanted[ADDRESS] = _open[-1].address
    if any(each.has_client for each in _open):
        wanted[_SCHEDULER] = "dask.distributed"
    for key, value in wanted.items():
        if value is None:
            dask.config.config.pop(key, None)
        else:
            dask.config.set({key: value})


def _address_of(client: Client) -> str | None:
    scheduler = client.scheduler  # None if the client is closed
    return None if scheduler is None else scheduler.address


def _close(client: Client) -> None:
    """Close a client that a task opened; an asynchronous one in its own loop."""
    loop = client.loop
    if not client.asynchronous:
        client.close()
    elif loop is not None:
        with suppress(RuntimeError):  # the loop has ended, and the client with it
            loop.add_callback(client.close)
