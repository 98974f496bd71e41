"""A project of all kinds of tasks; each function uses the client of its own cluster."""

# pyright: reportReturnType=false, reportArgumentType=false, reportGeneralTypeIssues=false
# (as in examples/: promises)

from __future__ import annotations

import asyncio
from functools import partial

from flytekit import dynamic, eager, map_task, task, workflow

from flytekitplugins.dask import Dask


@task(task_config=Dask(workers=2))
def doubled(x: int) -> int:
    from distributed import get_client

    return get_client().submit(sum, [x, x]).result()


@task(task_config=Dask(workers=2))
async def awaited(x: int) -> int:
    """The default client is the same as in other functions, and does not wait for itself."""
    from distributed import default_client

    client = default_client()
    assert not client.asynchronous
    await asyncio.sleep(0)
    return client.submit(sum, [x, x]).result()


@task(task_config=Dask())
async def inverse(x: int) -> int:
    return 1 // x


@dynamic(task_config=Dask())
def built(x: int) -> int:
    return awaited(x=doubled(x=x))


@workflow
def flow(x: int) -> int:
    return built(x=awaited(x=doubled(x=x)))


@workflow
def mapped(xs: list[int], y: int) -> tuple[list[int], list[int]]:
    return map_task(doubled)(x=xs), map_task(partial(added, y=y))(x=xs)


@task(task_config=Dask())
async def added(x: int, y: int) -> int:
    return x + y


@eager
async def eagerly(x: int) -> int:
    first = await awaited(x=x)
    return doubled(x=first) + await awaited(x=first)
