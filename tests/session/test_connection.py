"""A client is made as soon as the scheduler answers, and waited for no longer than was said."""

from __future__ import annotations

import asyncio
import math
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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
    """Whose scheduler is at *address*."""
    return Subject("etl.total", address, {}, Dask().resolve())


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a real one."""
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
    """The address of who accepts and says nothing, as the kernel does for a stopped process."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def greeting() -> Iterator[str]:
    """The address of who greets as Dask does, and then says nothing."""
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


class TestConnect:
    """Within the runtime's *connect_timeout*."""

    @pytest.mark.parametrize("timeout", [60, None])
    def test_once_connections_are_not_broken_any_more(
        self, timeout: float | None, scheduler: str
    ) -> None:
        """As by a proxy whose scheduler is just starting."""
        with (
            network_to(scheduler, refusing=3) as network,
            connect(Runtime(connect_timeout=timeout), subject(network.address)) as client,
        ):
            assert client.submit(int, pure=False).status == "pending"
        assert network.refused == 3

    def test_not_for_longer_if_all_are_broken(self, scheduler: str) -> None:
        with network_to(scheduler, refusing=math.inf) as network:
            assert_in_vain(network.address)
        assert 2 <= network.refused <= 6, "with pauses that grow"

    @pytest.mark.parametrize("silent", [accepting, greeting])
    def test_not_for_longer_if_nothing_is_said(
        self, silent: Callable[[], AbstractContextManager[str]]
    ) -> None:
        with silent() as address:
            assert_in_vain(address)


def test_what_keeps_a_watch_from_starting_is_raised(
    scheduler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rather than what comes of that."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("too many open files")

    runtime, about = Runtime(), subject(scheduler)
    with connect(runtime, about) as client:
        monkeypatch.setattr("flyte_dask_engine.monitor.monitor.rpc", fail)
        opening = monitoring(runtime, Assessment(runtime, about), client, list)
        with pytest.raises(OSError, match="too many open files"), opening:
            raise AssertionError("it opened")


def assert_in_vain(address: str) -> None:
    """That connecting to *address* ends when it was said, and leaves nothing."""
    known, before = set(Client._instances), time.monotonic()
    with pytest.raises(ClusterUnavailable) as caught:
        _ = connect(Runtime(connect_timeout=1), subject(address))
    assert 1 <= time.monotonic() - before < 30
    assert str(caught.value) == (
        f"etl.total: the scheduler at {address} did not answer within 1 s. "
        "Flyte's console and `kubectl describe pod` show what keeps its pod from starting. If it "
        "only needs longer, raise Runtime(connect_timeout=...)."
    )
    left = set(Client._instances) - known
    assert [each.status for each in left if each.status != "closed"] == []
