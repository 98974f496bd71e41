"""Private parts of distributed, wrapped under public names; contract tests cover each of them.

The module is pickled by value into the cluster, like `flyte_dask_engine.cluster_plugins`, so it may
use only Python and Dask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import distributed
from distributed.deploy.subprocess import Subprocess

__all__ = [
    "Client",
    "CommandProcess",
    "clients",
    "on_worker_exit",
    "send_last",
    "stopped_receiving",
    "why_it_stopped",
]


class Client(distributed.Client):
    """A client whose attempts to connect time out.

    distributed's own waits forever if the connection is accepted but nothing is sent, as by a
    stopped scheduler or a proxy.
    """

    async def _ensure_connected(self, timeout: float | None = None) -> None:
        connecting = super()._ensure_connected(timeout)  # type: ignore[no-untyped-call]  # theirs
        try:
            await asyncio.wait_for(connecting, timeout)
        except asyncio.TimeoutError as error:  # no OSError before Python 3.11, so not cleaned up
            raise OSError(f"no response within {timeout} s") from error


class CommandProcess(Subprocess):
    """A process of a `SpecCluster` that runs *command* in *environment*."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # distributed's
        self.command = command
        self.environment = environment

    async def _start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *self.command, env=self.environment, stdin=asyncio.subprocess.DEVNULL
        )


def clients() -> list[distributed.Client]:
    """All clients of this process that are still referenced."""
    while True:
        with suppress(RuntimeError):  # another thread opened one meanwhile
            return list(distributed.Client._instances)


def stopped_receiving(client: distributed.Client) -> bool:
    """Whether *client* still runs, but no longer receives what its scheduler sends."""
    receiving: Any = client._handle_report_task  # None before it connects
    return client.status == "running" and receiving is not None and receiving.done()


def why_it_stopped(client: distributed.Client) -> BaseException | None:
    """The exception with which *client* stopped receiving; None if there was none.

    It can then be closed, which would otherwise raise that exception in its event loop.
    """
    receiving: Any = client._handle_report_task
    client._handle_report_task = None
    return None if receiving.cancelled() else receiving.exception()


def send_last(client: distributed.Client, operation: str) -> bool:
    """Send a message to the scheduler after all that *client* has to send so far.

    Futures that are released have their messages sent in the same two steps.

    Args:
        client: an open client.
        operation: the scheduler's handler for the message.

    Returns:
        whether it could be sent.
    """
    sender: Any = client
    # the loop of an asynchronous client may have ended, and the client with it
    can_send = client.status == "running" and sender.loop.asyncio_loop.is_running()
    if can_send:
        sender.loop.add_callback(sender._send_to_scheduler, {"op": operation})
    return bool(can_send)


def on_worker_exit(nanny: distributed.Nanny, call: Callable[[int], None]) -> None:
    """Call *call* with the exit status whenever a worker process of *nanny* exits."""
    known: Any = nanny
    proceed = known._on_worker_exit_sync

    def on_exit(status: int) -> None:
        call(status)
        proceed(status)

    known._on_worker_exit_sync = on_exit  # for processes that start later
    if known.process is not None:
        known.process.on_exit = on_exit
