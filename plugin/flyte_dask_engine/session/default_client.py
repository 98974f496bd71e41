"""Which cluster a ``Client()`` without an address joins, in the whole process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import dask.config
from distributed import Client

from flyte_dask_engine.distributed_internals import clients

__all__ = ["joined"]

_ADDRESS = "scheduler-address"
_lock = threading.Lock()
_open: list[str] = []  # addresses of the sessions that are open; tasks can run side by side
_before: dict[str, object] = {}  # what was configured before the first of them


@contextmanager
def joined(address: str) -> Iterator[Callable[[], list[Client]]]:
    """Let every ``Client()`` join the cluster at *address*, and close those left open at the end.

    Of sessions side by side the latest counts. With the last one everything is as it was.

    Yields:
        what tells the clients of that cluster that were opened since.
    """
    known = set(clients())

    def opened_since() -> list[Client]:
        return [each for each in clients() if each not in known and _address_of(each) == address]

    with _lock:
        if not _open:
            # distributed sets the latter for each of its clients
            for key in (_ADDRESS, "scheduler"):
                _before[key] = dask.config.get(key, None)
        _open.append(address)
        dask.config.set({_ADDRESS: address})
    try:
        yield opened_since
    finally:
        try:
            for client in opened_since():
                _close(client)
        finally:
            _leave(address)


def _leave(address: str) -> None:
    with _lock:
        _open.remove(address)
        _restore() if not _open else dask.config.set({_ADDRESS: _open[-1]})


def _restore() -> None:
    for key, value in _before.items():
        dask.config.config.pop(key, None)
        if value is not None:
            dask.config.set({key: value})


def _address_of(client: Client) -> str | None:
    scheduler = client.scheduler  # which is gone with a closed one
    return None if scheduler is None else scheduler.address


def _close(client: Client) -> None:
    """Close a client that a task has opened; if asynchronous, where it lives."""
    loop = client.loop
    if not client.asynchronous:
        client.close()
    elif loop is not None:
        with suppress(RuntimeError):  # the loop has ended, and the client with it
            loop.add_callback(client.close)
