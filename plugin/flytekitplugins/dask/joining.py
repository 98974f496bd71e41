"""Which cluster a ``Client()`` without an address joins, in the whole process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import dask.config
from distributed import Client

__all__ = ["joined"]

_ADDRESS = "scheduler-address"
_lock = threading.Lock()
_open: list[str] = []  # addresses of the sessions that are open; tasks can run side by side
_before: dict[str, object] = {}  # what was configured before the first of them


@contextmanager
def joined(address: str) -> Iterator[None]:
    """Let every ``Client()`` join the cluster at *address*, and close those left open at the end.

    Of sessions side by side the latest counts. With the last one everything is as it was.
    """
    known = set(_clients())
    with _lock:
        if not _open:
            # distributed sets the latter for each of its clients
            for key in (_ADDRESS, "scheduler"):
                _before[key] = dask.config.get(key, None)
        _open.append(address)
        dask.config.set({_ADDRESS: address})
    try:
        yield
    finally:
        for client in set(_clients()) - known:
            if client.scheduler is not None and client.scheduler.address == address:
                _close(client)
        with _lock:
            _open.remove(address)
            _restore() if not _open else dask.config.set({_ADDRESS: _open[-1]})


def _restore() -> None:
    for key, value in _before.items():
        dask.config.config.pop(key, None)
        if value is not None:
            dask.config.set({key: value})


def _clients() -> list[Client]:
    """All clients of this process, as far as somebody still holds them."""
    return list(Client._instances)  # noqa: SLF001  # nothing public lists them


def _close(client: Client) -> None:
    """Close a client that a task has opened; if asynchronous, where it lives."""
    loop = client.loop
    if not client.asynchronous:
        client.close()
    elif loop is not None:
        with suppress(RuntimeError):  # the loop has ended, and the client with it
            loop.add_callback(client.close)
