"""Aborting everything that waits for a lost cluster."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from distributed import Client

__all__ = ["abort_waiting", "stop_reconnecting"]


def abort_waiting(clients: Iterable[Client], address: str, error: Exception) -> None:
    """Make all waiting for the cluster at *address* fail with *error*, in whatever thread.

    Futures of these *clients* fail with it, and pending requests with a closed connection. The
    clients do not reconnect.
    """
    for client in clients:
        if client.loop is not None:
            with suppress(RuntimeError):  # its loop has ended, so nothing waits in it
                client.loop.add_callback(_abort, client, address, error)


def stop_reconnecting(clients: Iterable[Client]) -> None:
    """Let these *clients* not reconnect once their connection is closed, as it soon will be."""
    for client in clients:
        if client.status == "running":
            client.status = "closing"


def _abort(client: Client, address: str, error: Exception) -> None:
    """Abort *client*, in its own loop."""
    if client.status == "closed":
        return
    for state in list(client.futures.values()):
        if state.status in {"pending", "lost"}:
            state.set_error(error, None)
    client.status = "closing"
    if client.scheduler_comm is not None:
        client.scheduler_comm.abort()
    for comms in list(client.rpc.occupied.values()):
        for comm in list(comms):
            comm.abort()  # `remove` would close them, which waits for the other side
    client.rpc.remove(address)  # also connections that are being opened
