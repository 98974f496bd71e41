"""Tasks whose needs are known, to be sized by their records."""

# pyright: reportArgumentType=false, reportCallIssue=false
# (a synchronous client)

from __future__ import annotations

import time

import distributed
from flytekit import task

from flytekitplugins.dask import presets

MIB = 2**20
HELD = 400
"""MiB that each task of `holds` holds."""


def hold(number: int, mebibytes: int) -> int:
    """Hold memory for long enough to be measured."""
    held = bytearray(mebibytes * MIB)
    held[::4096] = b"x" * (len(held) // 4096)
    time.sleep(0.8)
    return number + len(held) // (mebibytes * MIB)


@task(task_config=presets.small().with_runtime(report=True))
def holds() -> int:
    """Six tasks for two workers of one thread."""
    client = distributed.default_client()
    return sum(client.gather(client.map(hold, range(6), mebibytes=HELD, pure=False)))


@task(task_config=presets.small().with_workers(mem="512Mi").with_runtime(report=True))
def exceeds() -> int:
    """One task that needs more than a worker has."""
    client = distributed.default_client()
    return int(client.submit(hold, 1, mebibytes=2000, pure=False).result())
