"""The end of all waiting for a cluster that is lost."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from distributed import Client

__all__ = ["end_waiting"]


def end_waiting(clients: Iterable[Client], address: str, error: Exception) -> None:
    """Let all that waits for the cluster at *address* fail with *error*, in whatever thread.

    That is what waits for futures of these *clients*; what waits for an answer gets a closed
    connection. They do not connect again.
    """
    for client in clients:
        if client.loop is not None:
            with suppress(RuntimeError):  # its loop has ended, and nobody waits there
                client.loop.add_callback(_end, client, address, error)


def _end(client: Client, address: str, error: Exception) -> None:
    """Runs in the loop of *client*."""
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
            comm.abort()  # `remove` would close them, and to do so wait for the other side
    client.rpc.remove(address)  # also what is just connecting
