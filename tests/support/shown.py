"""Tasks with known work, which return the cluster's own metrics of it.

They need ``kept_code``, a module that a test writes.
"""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import distributed
from dask.utils import key_split
from flytekit import task

from flyte_dask import Resources, WorkerGroup
from flytekitplugins.dask import Dask
from tests.support import steps

SECRET = "a-word-of-our-own-code"  # noqa: S105
CODE = f"""
import time

def spun(seconds, number):
    return turned(seconds) * number  # {SECRET}

def turned(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return 1
"""
BLOCK = 4_000_000

SHOWN = Dask(workers=WorkerGroup(2, limits=Resources(cpu=1, mem="512Mi"))).with_runtime(
    min_workers=2, local="processes", report=True
)
FULL = SHOWN.with_runtime(report="full")


def streamed(client: Any) -> list[Any]:
    """Worker, prefix, success and seconds of each task that ran."""
    found = []
    for each in client.get_task_stream():
        spans = [part for part in each["startstops"] if part["action"] == "compute"]
        seconds = sum(part["stop"] - part["start"] for part in spans)
        is_good = each["status"] == "OK"
        found.append([each["worker"], key_split(each["key"]), is_good, seconds])
    return found


def work(client: distributed.Client) -> list[Any]:
    """Run 29 tasks, of which two fail."""
    spun = import_module("kept_code").spun
    spinning = client.map(spun, [0.4] * 4, range(4))
    futures = [
        *spinning,
        *client.map(steps.block, range(BLOCK, BLOCK + 20)),
        *client.map(steps.divided, [0, -1, 1, 0.0], retries=0),
        client.submit(sum, spinning),
    ]
    distributed.wait(futures)
    return futures


def observed(client: distributed.Client) -> dict[str, Any]:
    """The cluster's own metrics."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    return {
        "tasks": client.run_on_scheduler(steps.tasks_of),
        "stream": streamed(client),
        "workers": {
            address: [each["name"], each["nthreads"], each["memory_limit"]]
            for address, each in workers.items()
        },
        "memory": {address: each["metrics"]["memory"] for address, each in workers.items()},
        "on disk": client.run(steps.on_disk),
    }


@task(task_config=SHOWN)
def works() -> str:
    """Return the cluster's own metrics at the end."""
    client = distributed.default_client()
    client.get_task_stream(start=0, stop=0)  # starts it
    kept = work(client)
    found = json.dumps(observed(client))
    return found if kept else ""


@task(task_config=FULL)
def works_in_full() -> str:
    """Return that, and whether Dask's own report shows our code."""
    client = distributed.default_client()
    kept = work(client)
    shows = client.run_on_scheduler(steps.reports, SECRET)
    return json.dumps({**observed(client), "shows our code": shows}) if kept else ""


@task(task_config=FULL)
def adds_in_full() -> int:
    return int(distributed.default_client().submit(sum, [1, 2]).result())
