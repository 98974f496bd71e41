"""Worker processes of a local cluster: they may take long to start, and end with their parent."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from flyte_dask import Dask, Runtime
from flyte_dask_engine.local.cluster import Shape, local_cluster
from flyte_dask_engine.session.session import session
from tests.support.processes import PATIENCE, Running, running

pytestmark = [pytest.mark.fault, pytest.mark.slow]

# For a worker's process the second is shorter, so its start takes minutes of its own time: each
# timer of its event loop runs out after a fiftieth of the time.
SLOW_MACHINE = """\
import asyncio
import sys

if "worker" in sys.orig_argv:
    call_at = asyncio.BaseEventLoop.call_at

    def call_sooner(self, when, *arguments, **keywords):
        now = self.time()
        return call_at(self, now + (when - now) / 50, *arguments, **keywords)

    asyncio.BaseEventLoop.call_at = call_sooner
"""

PARENT = """\
import ctypes
import threading

from distributed import Client

from flyte_dask import Runtime
from flyte_dask_engine.local.cluster import Shape, local_cluster

def hold():
    print("a task holds the GIL", flush=True)
    ctypes.PyDLL(None).sleep(600)

with local_cluster(Shape(1, 1, 2**30), Runtime(local="processes")) as cluster:
    print("the cluster is started", flush=True)
    cluster.wait_for_workers(1)
    print("its worker has joined", flush=True)
    client = Client(cluster, set_as_default=False)
    held = client.submit(hold)
    threading.Event().wait()
"""


def test_they_may_take_as_long_as_the_session_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else limits the time that they take to start."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_MACHINE)
    monkeypatch.syspath_prepend(tmp_path)
    with session(Dask(workers=1, runtime=Runtime(local="processes")), "etl") as opened:
        assert opened.client.submit(sum, [1, 2]).result() == 3


@pytest.fixture(params=["the cluster is started", "its worker has joined", "a task holds the GIL"])
def parent(request: pytest.FixtureRequest) -> Iterator[Running]:
    """A process with such a cluster: the worker starts, has joined, or is in a task."""
    with running([sys.executable, "-c", PARENT], request.param) as started:
        yield started


def test_they_end_when_their_parent_is_killed(parent: Running) -> None:
    workers = psutil.Process(parent.popen.pid).children(recursive=True)
    assert workers
    os.kill(parent.popen.pid, 9)
    parent.popen.wait(PATIENCE)
    _, alive = psutil.wait_procs(workers, PATIENCE)
    for each in alive:
        each.kill()
    assert alive == []


def test_they_do_not_outlive_the_block() -> None:
    """Also if they are still starting."""
    with local_cluster(Shape(1, 1, 2**30), Runtime(local="processes")):
        workers = psutil.Process().children(recursive=True)
    assert workers
    assert not any(each.is_running() for each in workers)
