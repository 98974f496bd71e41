"""Tasks of the other SDK, which imports no other."""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import distributed
from dask.base import compute
from dask.delayed import delayed

from flyte_dask import Dask, Resources, Scheduler, WorkerGroup
from tests.support import steps
from tests.support.other_sdk import SDKS, env

TWO = Dask(
    Scheduler("acme/scheduler:1", limits=Resources(mem="1Gi")),
    WorkerGroup(2, "acme/workers:1", limits=Resources(mem="512Mi")),
)
BOTH = TWO.with_runtime(min_workers=2)


def client() -> Any:
    """The session's."""
    return distributed.default_client()


def loaded() -> list[str]:
    """The SDKs that are loaded in this process."""
    return [each for each in SDKS if each in sys.modules]


def names() -> list[str]:
    """The names of the workers that a bare ``compute()`` uses."""
    calls = [delayed(steps.worker_name)(dask_key_name=f"call-{each}") for each in range(8)]
    return sorted(set(compute(*calls)))


@env.task(BOTH)
def sees() -> dict[str, Any]:
    with distributed.Client() as own:
        joined = own.scheduler.address == client().scheduler.address
    return {
        "bare compute": names(),
        "own client joined": joined,
        "in this process": client().submit(os.getpid).result() == os.getpid(),
        "SDKs in the cluster": [client().run_on_scheduler(loaded), *client().run(loaded).values()],
    }


@env.task(TWO)
def idles() -> int:
    return 1


@env.task(TWO)
def divides_by_zero() -> float:
    """On a worker."""
    return float(client().submit(steps.divided, 0, retries=0).result())


@env.task(TWO, retries=2)
def waits() -> int:
    """Wait for work that ends when the test signals it."""
    return begin_work()


@env.task(TWO)
def waits_without_retries() -> int:
    return begin_work()


@env.task(TWO, report=True)
def waits_with_a_report() -> int:
    """After work that is done."""
    client().gather(client().map(steps.squared, range(39), pure=False))
    return begin_work()


def begin_work() -> int:
    """Wait for work that now runs, until there is the file of the test."""
    file = os.environ["ACME_FILE"]
    future = client().submit(steps.wait_and_say, file)
    steps.wait_for(f"{file}-runs")
    print("it works", flush=True)
    return int(future.result())


@env.task(BOTH)
def dies() -> int:
    """Kill workers as the test configures it."""
    return int(client().submit(steps.die, os.environ["ACME_DEATH"]).result())


@env.task(BOTH, report=True)
def works() -> int:
    """Forty tasks, of which one adds up the others."""
    squares = client().map(steps.squared, range(39), pure=False)
    return int(client().submit(sum, squares, pure=False).result())


@env.task(BOTH, report=True)
def fails() -> float:
    """After its work."""
    works.function()
    return float(client().submit(steps.divided, 0, retries=0).result())


@env.task(TWO)
def uses_a_module() -> list[int]:
    """That is not everywhere; its functions are sent by name."""
    rate = importlib.import_module("acme_rates").rate
    return list(client().gather(client().map(rate, range(4))))


@env.task(BOTH)
def reads() -> int:
    """From S3, by filesystems without options of their own."""
    from dask.bag.text import read_text

    lines: Any = read_text("s3://acme/in/*.csv")
    return sum(lines.map(len).compute())


@env.task(TWO, report=True)
def breaks_its_report() -> int:
    reporting: Any = importlib.import_module("flyte_dask_engine.report.collection")

    def no_page(_: object) -> str:
        raise ValueError("no page today")

    reporting.page = no_page
    return 1


@env.task(Dask().with_runtime(dashboard=True))
def has_a_dashboard() -> int:
    return 1
