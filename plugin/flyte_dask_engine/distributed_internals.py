"""Private parts of distributed and Dask under public names; contract tests cover each of them.

The module is pickled by value into the cluster, like `flyte_dask_engine.cluster_plugins`, so it may
use only Python and Dask.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from time import time
from typing import Any

import distributed
from distributed import client as distributed_client
from distributed.comm.addressing import normalize_address
from distributed.deploy.subprocess import Subprocess
from distributed.worker_state_machine import TaskErredMsg

__all__ = [
    "Client",
    "CommandProcess",
    "address_of",
    "choosing_address",
    "choosing_default_client",
    "client_of",
    "clients",
    "current_client",
    "default_clients",
    "fail_dependents",
    "let_receiving_fail",
    "meta_of",
    "name_of",
    "on_worker_exit",
    "repeat_lost_expressions",
    "send_last",
    "stopped_receiving",
    "why_it_stopped",
]


class Client(distributed.Client):
    """A client whose attempts to connect time out, and which can be kept open.

    distributed's own waits forever if the connection is accepted but nothing is sent, as by a
    stopped scheduler or a proxy. And whoever gets it as the default client can close it, or enter
    it by ``with``, which closes it too.
    """

    is_kept = False
    """Whether `close` does nothing, so that the client is open until `end`."""

    def close(self, *args: Any, **kwargs: Any) -> Any:
        """Close the client, unless it is kept."""
        closing: Any = super().close
        return None if self.is_kept else closing(*args, **kwargs)

    def end(self) -> None:
        """Close the client, also if it is kept."""
        self.is_kept = False
        self.close()

    async def _ensure_connected(self, timeout: float | None = None) -> None:
        connecting = super()._ensure_connected(timeout)  # type: ignore[no-untyped-call]  # theirs
        try:
            await asyncio.wait_for(connecting, timeout)
        # distributed closes the client for an OSError only; an open one that is garbage collected
        # while another starts is a deadlock
        except asyncio.TimeoutError as error:  # no OSError before Python 3.11
            raise OSError(f"no response within {timeout} s") from error
        except MemoryError as error:  # what another protocol sends is no length of a message
            raise OSError("no response in Dask's protocol") from error


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
    """The exception with which *client* stopped receiving; None if there was none."""
    receiving: Any = client._handle_report_task
    client._handle_report_task = None  # so that the client can be closed
    return None if receiving is None or receiving.cancelled() else receiving.exception()


def let_receiving_fail(client: distributed.Client) -> None:
    """Let nothing that waits for the end of what *client* receives raise what ended it."""
    receiving: Any = client._handle_report_task

    async def end() -> None:
        try:
            await asyncio.wait({receiving})
        except asyncio.CancelledError:
            receiving.cancel()
            raise
        if not receiving.cancelled():
            receiving.exception()  # otherwise asyncio logs that nothing asked for it

    if receiving is not None and receiving is not asyncio.current_task():
        client._handle_report_task = asyncio.ensure_future(end())


def fail_dependents(worker: distributed.Worker, key: Any) -> None:
    """Let the tasks of *worker* fail that wait for *key*, whose value could not be unpickled.

    Connections to the workers that have the value are closed: distributed would use the one on
    which it came again, although its other end still waits for a confirmation.
    """
    known: Any = worker
    failed = known.state.tasks[key]
    for address in [*failed.who_has]:
        known.rpc.remove(address)
    for waiting in [each for each in failed.dependents if each.state == "waiting"]:
        message = TaskErredMsg.from_task(
            failed, run_id=waiting.run_id, stimulus_id=f"unreadable-{time()}"
        )
        worker.batched_send({**message.to_dict(), "key": waiting.key})


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


def default_clients() -> list[distributed.Client]:
    """The open clients of this process that can be its default, the latest first."""
    known = distributed_client._global_clients
    found = [known.get(number) for number in sorted(known, reverse=True)]
    return [each for each in found if each is not None and each.status != "closed"]


@contextmanager
def current_client(client: distributed.Client) -> Iterator[None]:
    """Let *client* be the default in the context of the block, without a change of Dask's config.

    ``Client.as_current`` also changes the config of the process, and restores it in the end, when
    that of a parallel block may have changed.
    """
    token = distributed_client._current_client.set(client)
    try:
        yield
    finally:
        distributed_client._current_client.reset(token)
        before = distributed_client._current_client.get()
        if before is not None and before.status == "closed":  # blocks that overlap, not nested
            distributed_client._current_client.set(None)


@contextmanager
def choosing_default_client(
    choose: Callable[[Sequence[distributed.Client]], distributed.Client | None],
) -> Iterator[None]:
    """Let *choose* return the default client where the context has none, from `default_clients`."""
    module: Any = distributed_client
    before = module._get_global_client

    def chosen() -> distributed.Client | None:
        current: distributed.Client | None = module._current_client.get()
        return choose(default_clients()) if current is None else current

    module._get_global_client = chosen
    try:
        yield
    finally:
        if module._get_global_client is chosen:
            module._get_global_client = before


@contextmanager
def choosing_address(choose: Callable[[distributed.Client], str | None]) -> Iterator[None]:
    """Let *choose* return the address of a new client that is given none; None for the config's.

    It is called for other new clients too.
    """
    kind: Any = distributed.Client
    proceed = kind.__init__

    @functools.wraps(proceed)
    def init(client: distributed.Client, address: Any = None, *args: Any, **kwargs: Any) -> None:
        chosen = choose(client)
        proceed(client, chosen if address is None else address, *args, **kwargs)

    kind.__init__ = init
    try:
        yield
    finally:
        if kind.__init__ is init:
            kind.__init__ = proceed


def meta_of(collection: Any) -> Any:
    """*collection* without rows or values: an empty frame of pandas, or an empty array."""
    return collection._meta


def name_of(collection: Any) -> str:
    """The name of what *collection* computes, which also an operation in place changes."""
    return str(getattr(collection, "_name", None) or collection.name)


def repeat_lost_expressions() -> None:
    """Let Dask's expressions be made anew if another thread drops the equal one that is known.

    Dask looks twice for it. A scheduler in this process makes what its client has just dropped.
    """
    module = sys.modules.get("dask._expr")  # absent in Dask of 2024
    kind: Any = getattr(module, "SingletonExpr", None)
    if kind is None or hasattr(kind.__new__, "is_repeated"):
        return
    proceed = kind.__new__

    def new(cls: Any, *args: Any, **kwargs: Any) -> Any:
        with suppress(KeyError):
            return proceed(cls, *args, **kwargs)
        return proceed(cls, *args, **kwargs)

    vars(new)["is_repeated"] = True
    kind.__new__ = new


def address_of(client: distributed.Client) -> str | None:
    """The address of the scheduler that *client* has or, if it is closed, had; None if unknown."""
    known: Any = client
    if known.scheduler is not None:
        return str(known.scheduler.address)
    address = known.cluster.scheduler_address if known.cluster else known._start_arg
    return normalize_address(address) if isinstance(address, str) else None


def client_of(owner: object) -> distributed.Client | None:
    """The client that *owner* is or has, such as a future or a queue; None without one."""
    # of a queue without its property, which looks for the default client if it has none
    known: Any = owner
    is_future = isinstance(owner, distributed.Future)
    client = known.client if is_future else getattr(known, "_client", owner)
    return client if isinstance(client, distributed.Client) else None


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
