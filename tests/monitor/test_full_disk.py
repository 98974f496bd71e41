"""A full disk is named as such, although what Dask shows of it is a lack of memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flyte_dask import Resources, Runtime, WorkerGroup
from flyte_dask_engine.errors import WorkersLost
from flyte_dask_engine.session.session import session
from flytekitplugins.dask import Dask
from tests.support import steps
from tests.support.backend import ADDRESS, cluster
from tests.support.runner import CODE

pytestmark = [
    pytest.mark.fault,
    pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device"),
]

CONFIG = Dask(
    workers=WorkerGroup(1, limits=Resources(ephemeral_storage="8Gi")),
    runtime=Runtime(stall_timeout=2),
)
SIZE = 15_000_000  # bytes of each block


def test_workers_that_cannot_spill(monkeypatch: pytest.MonkeyPatch) -> None:
    """They keep their data in memory, until they are paused."""
    keys = [f"block-{number}" for number in range(30)]
    with cluster(workers=1, memory_limit="300MiB", nannies=False, env=CODE) as made:
        monkeypatch.setenv(ADDRESS, made.address)
        with session(CONFIG, "etl") as opened:
            client: Any = opened.client
            (folder,) = client.run(steps.use_full_disk, keys).values()
            with pytest.raises(WorkersLost) as caught:
                opened.run(lambda: _hold(client, keys))
    first, _, rest = str(caught.value).partition(" while ")
    assert first == "etl: no worker (of 1) accepted tasks for 2 s"
    assert rest.partition(" waited. ")[2] == (
        f"The disk of worker default-worker-0 is full: it cannot write to {folder}. Raise "
        "workers.limits.ephemeral_storage from 8Gi: with_workers(ephemeral_storage=...); or let "
        "the workers spill less: more memory, smaller partitions. If they only need more time, "
        "raise Runtime(stall_timeout=...)."
    )


def _hold(client: Any, keys: list[str]) -> None:
    """Let a worker hold more than its memory."""
    futures = [client.submit(steps.block, SIZE, key=key, pure=False) for key in keys]
    for future in futures:
        future.result()
