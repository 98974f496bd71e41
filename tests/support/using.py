"""Tasks that return observations of their cluster, as JSON."""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import json
import time
from typing import Any

import distributed
from dask.base import compute
from dask.delayed import delayed
from distributed.client import _global_clients
from flytekit import dynamic, task

from flyte_dask import Resources, Scheduler, WorkerGroup
from flytekitplugins.dask import Dask, Runtime
from tests.support import steps

TWO = Dask(workers=2)


def of_workers(number: int = 8) -> list[Any]:
    """Calls that return the name of their worker."""
    return [delayed(steps.worker_name)(dask_key_name=f"call-{each}") for each in range(number)]


def seen() -> dict[str, Any]:
    """The results of using the cluster without naming it."""
    client = distributed.default_client()
    with distributed.Client() as own:
        joined = own.scheduler.address == client.scheduler.address
    return {
        "bare compute": sorted(set(compute(*of_workers()))),
        "one delayed": delayed(steps.worker_name)(dask_key_name="one").compute(),
        "submit": client.submit(steps.worker_name, pure=False).result(),
        "get_client": distributed.get_client() is client,
        "synchronous": not client.asynchronous,
        "own client joined": joined,
    }


@task(task_config=TWO.with_runtime(min_workers=2))
def sees() -> str:
    return json.dumps(seen())


@task(task_config=TWO.with_runtime(min_workers=2))
async def awaits() -> str:
    async with distributed.Client(asynchronous=True) as own:
        joined = own.scheduler.address == distributed.default_client().scheduler.address
        result = await own.submit(sum, [1, 2])
    return json.dumps({**seen(), "asynchronous client": [joined, result]})


@task(task_config=TWO)
def idles() -> int:
    return 1


@task
def plain(text: str) -> str:
    """A task without a cluster."""
    return text


@dynamic(task_config=TWO.with_runtime(min_workers=2, report=True))
def builds() -> str:
    """A dynamic task that computes what the task gets that it calls."""
    node: Any = plain(text=json.dumps(seen()))
    returned: str = node
    return returned


@dynamic(task_config=TWO)
def builds_only() -> str:
    """A dynamic task that computes nothing."""
    node: Any = plain(text="7")
    returned: str = node
    return returned


@task(task_config=TWO)
def leaves() -> int:
    """Returns before its Dask tasks have run, which no worker can."""
    client = distributed.default_client()
    futures = client.map(steps.squared, range(3), resources={"ACME": 1})
    return len(futures)


@task(task_config=TWO, retries=2)
def points() -> dict[str, list[int]]:
    """Returns what is in the memory of its cluster."""
    client: Any = distributed.default_client()
    return {"totals": [1, client.submit(sum, [1, 2])]}


@task(task_config=TWO)
def closes() -> int:
    """Closes a client that it did not open."""
    with distributed.get_client() as client:
        return int(client.submit(sum, [1, 2]).result())


@task(task_config=TWO)
def fails() -> int:
    """Fails because one of its Dask tasks does."""
    client = distributed.default_client()
    client.submit(sum, [1, 2]).result()
    return int(client.submit(steps.divided, 0, retries=0).result())


@task(
    task_config=Dask(
        Scheduler("acme/scheduler:1"),
        WorkerGroup(2, "acme/workers:1", limits=Resources(mem="64Mi")),
        runtime=Runtime(require_cluster=False),
    )
)
def anywhere() -> int:
    return int(distributed.default_client().submit(sum, [1, 2]).result())


@task(task_config=TWO.with_runtime(client=False))
def without_client() -> str:
    """The ``Client()`` that it opens, and leaves open, is Dask's default."""
    before = [repr(each) for each in _global_clients.values()]
    _ = distributed.Client()
    return json.dumps([before, sorted(set(compute(*of_workers())))])


@task(task_config=TWO)
def spills() -> int:
    """Keeps more than fits into its workers' memory."""
    client = distributed.default_client()
    blocks = client.map(bytes, [40_000_000 + each for each in range(20)])
    total = client.submit(lambda blocks: sum(map(len, blocks)), blocks[:1])
    distributed.wait(blocks)
    while not spilled(client):
        time.sleep(0.1)
    return int(total.result())


def spilled(client: distributed.Client) -> int:
    """The bytes on disk that workers have reported."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return sum(each["metrics"]["spilled_bytes"]["disk"] for each in workers)
