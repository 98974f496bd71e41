"""The process-wide cluster that a ``Client()`` without an address connects to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import dask.config
from distributed import Client

from flyte_dask_engine.distributed_internals import clients

__all__ = ["default_cluster"]

_ADDRESS = "scheduler-address"
_lock = threading.Lock()
_open: list[str] = []  # addresses of the open sessions; tasks can run in parallel
_before: dict[str, object] = {}  # the configuration before the first of them


@contextmanager
def default_cluster(address: str) -> Iterator[Callable[[], list[Client]]]:
    """Let every ``Client()`` connect to *address*, and close those left open when the block ends.

    Of parallel sessions the latest counts. The last one to end restores the configuration.

    Yields:
        a function that returns the clients of that cluster which were opened in the block.
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
            with _lock:
                _open.remove(address)
                for key, value in ({_ADDRESS: _open[-1]} if _open else _before).items():
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
