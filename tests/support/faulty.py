"""Tasks whose cluster fails, or seems to."""

# pyright: reportOptionalMemberAccess=false
# (a client that has a scheduler)

from __future__ import annotations

import asyncio
import importlib
import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import distributed
import psutil
from dask.delayed import delayed
from flytekit import task

from flyte_dask import Resources, Scheduler, WorkerGroup
from flytekitplugins.dask import Dask
from tests.support import hostile, steps
from tests.support.tasks import Lazy

TWO = Dask(
    Scheduler("acme/scheduler:1", limits=Resources(mem="1Gi")),
    WorkerGroup(2, "acme/workers:1", limits=Resources(mem="512Mi")),
)


def client() -> Any:
    """The session's client, which is synchronous."""
    return distributed.default_client()


def announce(text: str) -> None:
    """Print *text* for the test to wait for."""
    print(text, flush=True)


def work_begins() -> Any:
    """The future of running work, which ends when the test creates its file."""
    file = os.environ["ACME_FILE"]
    future = client().submit(steps.wait_and_say, file)
    steps.wait_for(f"{file}-runs")
    announce("it works")
    return future


@task(task_config=TWO, retries=2)
def waits() -> int:
    """Waits for work that ends when the test creates its file."""
    return int(work_begins().result())


@task(task_config=TWO, retries=2)
async def awaits() -> int:
    """Like `waits`, in a coroutine function and with its own client."""
    async with distributed.Client(asynchronous=True) as own:
        future = own.submit(steps.wait_and_say, os.environ["ACME_FILE"])
        await asyncio.to_thread(steps.wait_for, os.environ["ACME_FILE"] + "-runs")
        announce("it works")
        return int(await future)


@task(task_config=TWO, retries=2)
def computes_alone() -> int:
    """Works without the cluster first, and then with it."""
    announce("it works")
    steps.wait_for(os.environ["ACME_FILE"])
    return int(client().submit(sum, [1, 2]).result())


@task(task_config=TWO, retries=2)
def computes_after_shutdown() -> int:
    """Uses its cluster after it has shut that down."""
    client().shutdown()
    return int(delayed(sum)([1, 2]).compute())


@task(task_config=TWO, retries=2)
def returns() -> int:
    """Returns when the test creates its file, without another request to its cluster."""
    announce("it works")
    return steps.wait_for(os.environ["ACME_FILE"])


@task(task_config=TWO, retries=2)
def waits_in_every_way() -> str:
    """Waits in every possible way, and returns the error of each."""
    future = work_begins()
    ways: dict[str, Callable[[], Any]] = {
        "result": future.result,
        "gather": lambda: client().gather([future]),
        "compute": delayed(steps.wait_for)(os.environ["ACME_FILE"]).compute,
        "wait": lambda: distributed.wait(future) and future.result(),
        "as_completed": lambda: [each.result() for each in distributed.as_completed([future])],
        "run": lambda: client().run(steps.wait_for, os.environ["ACME_FILE"]),
        "queue": lambda: distributed.Queue("acme").get(),
        "event": lambda: distributed.Event("acme").wait(),
        "lock": lambda: [distributed.Lock("acme").acquire() for _ in range(2)],
    }
    ended: dict[str, str] = {}
    threads = [
        threading.Thread(target=lambda name=name, way=way: ended.update({name: end_of(way)}))
        for name, way in ways.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return json.dumps(dict(sorted(ended.items())))


def end_of(way: Callable[[], Any]) -> str:
    """The result of *way*, or the name of its error."""
    try:
        return repr(way())
    except Exception as error:
        return type(error).__name__


@task(task_config=TWO.with_runtime(min_workers=2))
def dies() -> int:
    """Kills workers in the way that the test sets; the task has no retries."""
    return int(client().submit(steps.die, os.environ["ACME_DEATH"]).result())


@task(task_config=TWO.with_runtime(min_workers=2), retries=2)
def dies_lazily() -> Lazy:
    """Kills workers after it has returned, when its output is converted."""
    return Lazy(what=partial(steps.die, os.environ["ACME_DEATH"]))


@task(task_config=TWO.with_runtime(min_workers=2))
def loses_one() -> int:
    """Loses one worker while all of them compute."""
    marks = os.environ["ACME_FILE"]
    return sum(client().gather(client().map(steps.die_once, range(8), marks=marks)))


@task(task_config=TWO)
def loses_all() -> int:
    """Loses all workers, which are child processes."""
    future = work_begins()
    for each in psutil.Process().children(recursive=True):
        each.kill()
    return int(future.result())


@task(task_config=TWO)
def uses_a_module() -> int:
    """Uses a module that is not installed everywhere."""
    step: Any = importlib.import_module("acme_steps").step
    return int(client().submit(step, 1).result())


@task(task_config=TWO)
def imports_a_module() -> int:
    """Imports such a module in a Dask task."""
    importlib.import_module("acme_steps")
    return int(client().submit(lambda: importlib.import_module("acme_steps").step(1)).result())


@task(task_config=TWO)
def lacks_a_module_itself() -> int:
    """Lacks a module that no worker has either."""
    return int(importlib.import_module("acme_nowhere").step(1))


@task(task_config=TWO, retries=2)
def fails_by_itself() -> float:
    """Raises an error on a worker."""
    return float(client().submit(steps.divided, 0, retries=0).result())


@task(task_config=TWO, retries=2)
def wraps() -> int:
    """Wraps the error of its cluster in its own."""
    try:
        return int(work_begins().result())
    except Exception as error:
        raise ValueError("the nightly report failed") from error


@task(task_config=TWO, retries=2)
def goes_on_without() -> int:
    """Continues without its cluster, and may then fail by itself."""
    try:
        return int(work_begins().result())
    except Exception:
        announce("then without")
    return int(1 / int(os.environ["ACME_NUMBER"]))


@task(task_config=TWO, retries=2)
def is_slow() -> int:
    """Blocks all threads of the worker, and of the runner."""
    slow = client().submit(steps.hold_the_gil, 4)
    steps.hold_the_gil(4)
    time.sleep(4)
    return int(slow.result())


@task(task_config=TWO, retries=2)
def does_much() -> int:
    """Submits 50,000 tasks at once, and waits for some."""
    futures = client().map(int, range(50_000))
    return len(client().gather(futures[:2_000]))


@task(task_config=TWO, retries=2)
def pauses() -> int:
    """Pauses all workers, by filling their memory with data that cannot be spilled."""
    client().run(steps.fill)
    while not client().run_on_scheduler(steps.all_paused):
        time.sleep(0.05)
    return int(client().submit(sum, [1, 2]).result())


@task(task_config=TWO, retries=2)
def recurses() -> int:
    """Recurses without end on a worker."""
    return int(delayed(hostile.endless)(0).compute())


@task(task_config=TWO, retries=2)
def needs_a_gpu() -> int:
    """Submits work for which no worker has the resource."""
    return int(client().submit(sum, [1, 2], resources={"GPU": 1}).result())


@task(task_config=TWO, retries=2)
def lacks_memory() -> int:
    """Asks for more memory than any machine has, on a worker."""
    return int(delayed(bytearray)(2**62).compute())
