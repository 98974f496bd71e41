"""Tasks whose cluster fails them, or might seem to."""

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
from tests.support import steps
from tests.support.tasks import Lazy

TWO = Dask(
    Scheduler("acme/scheduler:1", limits=Resources(mem="1Gi")),
    WorkerGroup(2, "acme/workers:1", limits=Resources(mem="512Mi")),
)


def client() -> Any:
    """The session's; in functions, whose clients are synchronous."""
    return distributed.default_client()


def say(word: str) -> None:
    """Let the test know how far this is."""
    print(word, flush=True)


def work_begins() -> Any:
    """The future of work that now runs, until there is the file of the test."""
    file = os.environ["ACME_FILE"]
    future = client().submit(steps.wait_and_say, file)
    steps.wait_for(f"{file}-runs")
    say("it works")
    return future


@task(task_config=TWO, retries=2)
def waits() -> int:
    """For work that ends when the test says so."""
    return int(work_begins().result())


@task(task_config=TWO, retries=2)
async def awaits() -> int:
    """The same in a coroutine function, with a client of its own."""
    async with distributed.Client(asynchronous=True) as own:
        future = own.submit(steps.wait_and_say, os.environ["ACME_FILE"])
        await asyncio.to_thread(steps.wait_for, os.environ["ACME_FILE"] + "-runs")
        say("it works")
        return int(await future)


@task(task_config=TWO, retries=2)
def computes_alone() -> int:
    """What needs no cluster, and only then what does."""
    say("it works")
    steps.wait_for(os.environ["ACME_FILE"])
    return int(client().submit(sum, [1, 2]).result())


@task(task_config=TWO, retries=2)
def returns() -> int:
    """When the test says so, without another question to its cluster."""
    say("it works")
    return steps.wait_for(os.environ["ACME_FILE"])


@task(task_config=TWO, retries=2)
def waits_in_every_way() -> str:
    """What each way to wait ends with."""
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
    """The name of what it raises."""
    try:
        return repr(way())
    except Exception as error:
        return type(error).__name__


@task(task_config=TWO.with_runtime(min_workers=2))
def dies() -> int:
    """In the way that the test says; the task does not say that it may be tried again."""
    return int(client().submit(steps.die, os.environ["ACME_DEATH"]).result())


@task(task_config=TWO.with_runtime(min_workers=2), retries=2)
def dies_lazily() -> Lazy:
    """When it has returned, and its output is converted."""
    return Lazy(what=partial(steps.die, os.environ["ACME_DEATH"]))


@task(task_config=TWO.with_runtime(min_workers=2))
def loses_one() -> int:
    """Of its workers, while all of them compute."""
    marks = os.environ["ACME_FILE"]
    return sum(client().gather(client().map(steps.die_once, range(8), marks=marks)))


@task(task_config=TWO)
def loses_all() -> int:
    """Of its workers, which are processes of its own."""
    future = work_begins()
    for each in psutil.Process().children(recursive=True):
        each.kill()
    return int(future.result())


@task(task_config=TWO)
def uses_a_module() -> int:
    """That is not everywhere."""
    step: Any = importlib.import_module("acme_steps").step
    return int(client().submit(step, 1).result())


@task(task_config=TWO)
def imports_a_module() -> int:
    """Within the work."""
    importlib.import_module("acme_steps")
    return int(client().submit(lambda: importlib.import_module("acme_steps").step(1)).result())


@task(task_config=TWO)
def lacks_a_module_itself() -> int:
    """And no worker could help."""
    return int(importlib.import_module("acme_nowhere").step(1))


@task(task_config=TWO, retries=2)
def fails_by_itself() -> float:
    """On a worker."""
    return float(client().submit(steps.divided, 0, retries=0).result())


@task(task_config=TWO, retries=2)
def wraps() -> int:
    """What its cluster fails with in an error of its own."""
    try:
        return int(work_begins().result())
    except Exception as error:
        raise ValueError("the nightly report failed") from error


@task(task_config=TWO, retries=2)
def goes_on_without() -> int:
    """Its cluster, and then fails by itself."""
    try:
        return int(work_begins().result())
    except Exception:
        say("then without")
    return int(1 / int(os.environ["ACME_NUMBER"]))


@task(task_config=TWO, retries=2)
def is_slow() -> int:
    """On the worker, which lets nobody else do anything meanwhile; and here."""
    slow = client().submit(steps.hold_the_gil, 4)
    steps.hold_the_gil(4)
    time.sleep(4)
    return int(slow.result())


@task(task_config=TWO, retries=2)
def does_much() -> int:
    """50,000 tasks at once, of which it waits for some."""
    futures = client().map(int, range(50_000))
    return len(client().gather(futures[:2_000]))


@task(task_config=TWO, retries=2)
def pauses() -> int:
    """All workers, by filling their memory with what cannot be spilled."""
    client().run(steps.fill)
    while not client().run_on_scheduler(steps.all_paused):
        time.sleep(0.05)
    return int(client().submit(sum, [1, 2]).result())
