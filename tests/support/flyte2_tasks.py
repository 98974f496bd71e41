"""Tasks of Flyte 2."""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import asyncio
import importlib
import json
import os
import threading
from typing import Any

import distributed
import flyte
import flyte.report
from dask.base import compute
from dask.delayed import delayed

from flyte_dask import Resources
from flyteplugins.flyte_dask import Dask, Scheduler, WorkerGroup
from flyteplugins.flyte_dask.host import Flyte
from tests.support import steps

TWO = Dask(
    Scheduler("acme/scheduler:1", limits=Resources(mem="1Gi")),
    WorkerGroup(2, "acme/workers:1", limits=Resources(mem="512Mi")),
)
BOTH = TWO.with_runtime(min_workers=2)

env = flyte.TaskEnvironment(
    name="etl", plugin_config=BOTH, resources=flyte.Resources(cpu=(1, 2), memory="2Gi")
)
hasty = flyte.TaskEnvironment(name="hasty", plugin_config=TWO)
alone = flyte.TaskEnvironment(name="alone", plugin_config=Dask(workers=2))


def client() -> Any:
    """The session's."""
    return distributed.default_client()


def names() -> list[str]:
    """The names of the workers that a bare ``compute()`` uses."""
    calls = [delayed(steps.worker_name)(dask_key_name=f"call-{each}") for each in range(8)]
    return sorted(set(compute(*calls)))


@env.task
def sees(number: int) -> str:
    """What a function sees of its cluster."""
    with distributed.Client() as own:
        joined = own.scheduler.address == client().scheduler.address
    return json.dumps(
        {
            "number": number,
            "bare compute": names(),
            "own client joined": joined,
            "in this process": client().submit(os.getpid).result() == os.getpid(),
        }
    )


@env.task
async def awaits() -> str:
    """A coroutine function runs on the event loop of the SDK, which stays free while it waits."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticking = asyncio.create_task(tick())
    found = await asyncio.to_thread(names)
    ticking.cancel()
    return json.dumps(
        {
            "bare compute": names(),
            "in a thread": found,
            "loop was free": ticks > 1,
            "main thread": threading.current_thread() is threading.main_thread(),
        }
    )


@env.task
def asks_for_another_cluster() -> None:
    """As a program without Flyte does."""
    with distributed.Client(n_workers=4):
        pass


@env.task
def divides_by_zero() -> float:
    """On a worker."""
    return float(client().submit(steps.divided, 0, retries=0).result())


@env.task(report=True)
def reports() -> int:
    """Forty tasks, of which one adds up the others."""
    squares = client().map(steps.squared, range(39), pure=False)
    return int(client().submit(sum, squares, pure=False).result())


@env.task(report=True)
def has_its_own_tab() -> int:
    """Add a tab with the name of the report's."""
    flyte.report.get_tab("Dask").log("the function's own")
    return 1


@env.task(report=True)
def reports_a_failure() -> float:
    """After work that succeeds."""
    client().gather(client().map(steps.squared, range(39), pure=False))
    return float(client().submit(steps.divided, 0, retries=0).result())


@hasty.task(retries=2)
def waits() -> int:
    """Wait for work that ends when the test signals it."""
    file = os.environ["ACME_FILE"]
    future = client().submit(steps.wait_and_say, file)
    steps.wait_for(f"{file}-runs")
    print("it works", flush=True)
    return int(future.result())


@hasty.task
async def waits_without_retries() -> int:
    """Like `waits`, in a coroutine function."""
    file = os.environ["ACME_FILE"]
    future = client().submit(steps.wait_and_say, file)
    await asyncio.to_thread(steps.wait_for, f"{file}-runs")
    print("it works", flush=True)
    return int(await asyncio.to_thread(future.result))


@env.task(retries=2)
def dies() -> int:
    """Kill workers as the test sets it."""
    return int(client().submit(steps.die, os.environ["ACME_DEATH"]).result())


@env.task(retries=2)
def needs_a_gpu() -> int:
    """Which no worker has."""
    return int(client().submit(sum, [1, 2], resources={"GPU": 1}).result())


@env.task(retries=2)
def returns_a_future() -> Any:
    """Which refers to what ends with the cluster."""
    return client().submit(sum, [1, 2])


@env.task(retries=2)
def computes_after_shutdown() -> int:
    """Use its cluster after it has shut that down."""
    client().shutdown()
    return int(delayed(sum)([1, 2]).compute())


@env.task(retries=2)
def uses_a_module() -> int:
    """Which is not everywhere; its function is sent by name."""
    return int(client().submit(importlib.import_module("acme_steps").step, 1).result())


@env.task(retries=2)
def waits_for_workers() -> int:
    """For more of them than its config has."""
    client().wait_for_workers(9)
    return 1


@alone.task
def computes() -> int:
    return int(delayed(sum)([1, 2]).compute())


@env.task
def idles() -> int:
    return 1


@env.task
def sees_its_host() -> str:
    """What the engine knows of the pod."""
    host = Flyte(env.name)
    return json.dumps(
        {
            "attempt": host.attempt(),
            "image": host.image(),
            "is on Flyte": host.is_on_flyte(),
            "paths": host.import_paths(),
        }
    )


@flyte.TaskEnvironment(name="plain").task
def plain() -> str:
    """Without a config of its own."""
    return json.dumps(names())
