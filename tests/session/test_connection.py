"""A client connects as soon as the scheduler responds, or fails after the timeout."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from queue import Queue
from typing import Any

import pytest
from distributed import Client, LocalCluster
from distributed.comm.core import Comm, listen

from flyte_dask import Dask, Runtime
from flyte_dask_engine.errors import ClusterUnavailable
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.monitor import monitoring
from flyte_dask_engine.monitor.verdict import Assessment
from flyte_dask_engine.session.connection import connect
from tests.support.network import network_to


def subject(address: str) -> Subject:
    """A task whose scheduler is at *address*."""
    return Subject("etl.total", address, {}, Dask().resolve())


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a real scheduler."""
    opening: Any = LocalCluster(
        n_workers=0,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    )
    with opening as cluster:
        yield cluster.scheduler_address


@contextmanager
def accepting() -> Iterator[str]:
    """The address of a server that accepts and sends nothing, like a stopped process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def greeting() -> Iterator[str]:
    """The address of a server that sends Dask's handshake, and then nothing."""
    ready = Queue[tuple[str, Callable[[], object]]]()

    async def serve() -> None:
        ended = asyncio.Event()

        async def keep(comm: Comm) -> None:
            await ended.wait()
            comm.abort()

        listening: Any = listen("tcp://127.0.0.1:0", keep)
        async with listening as listener:
            end = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)
            ready.put((listener.contact_address, end))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    address, end = ready.get()
    try:
        yield address
    finally:
        end()
        thread.join()


@contextmanager
def speaking_http() -> Iterator[str]:
    """The address of an HTTP server, such as that of the dashboard, which answers anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection:
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 8)
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(4096):
                            pass

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


class TestConnect:
    """Connecting within the runtime's *connect_timeout*."""

    @pytest.mark.parametrize("timeout", [60, None])
    def test_succeeds_once_connections_are_no_longer_closed(
        self, timeout: float | None, scheduler: str
    ) -> None:
        """A proxy does that while its scheduler is starting."""
        with (
            network_to(scheduler, to_drop=3) as network,
            connect(Runtime(connect_timeout=timeout), subject(network.address)) as client,
        ):
            assert client.submit(int, pure=False).status == "pending"
        assert network.dropped == 3

    def test_fails_in_time_if_all_connections_are_closed(self, scheduler: str) -> None:
        with network_to(scheduler, to_drop=math.inf) as network:
            assert_fails(network.address)
        assert 2 <= network.dropped <= 6, "with growing pauses"

    @pytest.mark.parametrize("serving", [accepting, greeting, speaking_http])
    def test_fails_in_time_if_nothing_of_dask_is_sent(
        self, serving: Callable[[], AbstractContextManager[str]]
    ) -> None:
        with serving() as address:
            assert_fails(address)


def test_what_keeps_a_monitor_from_starting_is_raised(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not hidden by an error that follows from it."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("too many open files")

    runtime, about = Runtime(), subject(scheduler)
    with connect(runtime, about) as client:
        monkeypatch.setattr("flyte_dask_engine.monitor.monitor.rpc", fail)
        opening = monitoring(runtime, Assessment(runtime, about), client, list)
        with pytest.raises(OSError, match="too many open files"), opening:
            raise AssertionError("it opened")


def assert_fails(address: str) -> None:
    """Assert that connecting to *address* fails after the timeout, and leaves no client open."""
    known, before = set(Client._instances), time.monotonic()
    with pytest.raises(ClusterUnavailable) as caught:
        _ = connect(Runtime(connect_timeout=1), subject(address))
    assert 1 <= time.monotonic() - before < 30
    assert str(caught.value) == (
        f"etl.total: the scheduler at {address} did not respond within 1 s. "
        "See Flyte's console or `kubectl describe pod` for why its pod does not start. If it "
        "only needs more time, raise Runtime(connect_timeout=...)."
    )
    left = set(Client._instances) - known
    assert [each.status for each in left if each.status != "closed"] == []
