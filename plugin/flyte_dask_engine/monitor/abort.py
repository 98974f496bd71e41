"""Aborting everything that waits for a lost cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from distributed import Client

__all__ = ["abort_waiting", "fail_instead_of_cancelling", "stop_reconnecting"]


def abort_waiting(clients: Iterable[Client], address: str, error: Exception) -> None:
    """Make all waiting for the cluster at *address* fail with *error*, in whatever thread.

    Futures of these *clients* fail with it, and pending requests with a closed connection. The
    clients do not reconnect.
    """
    _in_loops(clients, _abort, address, error)


def fail_instead_of_cancelling(clients: Iterable[Client], error: Exception) -> None:
    """Let the futures of these *clients* fail with *error* once a client is closed.

    It would cancel them, without a reason. Those that have failed, or were cancelled, stay so.
    """
    _in_loops(clients, _replace_cancelling, error)


def stop_reconnecting(clients: Iterable[Client]) -> None:
    """Let these *clients* not reconnect once their connection is closed, as it soon will be."""
    for client in clients:
        if client.status == "running":
            client.status = "closing"


def _in_loops(clients: Iterable[Client], call: Callable[..., None], *arguments: object) -> None:
    """Call *call* with each of the *clients* and the *arguments*, in the loop of that client."""
    for client in clients:
        if client.loop is not None:
            with suppress(RuntimeError):  # its loop has ended, so nothing waits in it
                client.loop.add_callback(call, client, *arguments)


class _Failing:
    """The state of a future, which fails with *error* instead of being cancelled."""

    def __init__(self, state: Any, error: Exception) -> None:
        self._state = state
        self._error = error

    def cancel(self, **_: object) -> None:
        """Fail, unless it has failed or was cancelled before."""
        if self._state.status not in {"error", "cancelled"}:
            self._state.set_error(self._error, None)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)


def _replace_cancelling(client: Client, error: Exception) -> None:
    futures: dict[Any, Any] = client.futures
    futures.update({key: _Failing(state, error) for key, state in [*futures.items()]})


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
