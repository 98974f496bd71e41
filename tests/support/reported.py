"""Tasks with a report of their cluster."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalMemberAccess=false
# pyright: reportReturnType=false
# (a synchronous client that has a scheduler, and promises)

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import distributed
from dask.delayed import delayed
from distributed.client import _global_clients
from flytekit import Deck, current_context, map_task, task, workflow
from flytekit.types.pickle.pickle import FlytePickle

from flyte_dask import Dask
from flyte_dask_engine.monitor.monitor import Monitor
from flyte_dask_engine.report.report import Report
from tests.support.steps import divided, squared, worker_name
from tests.support.using import TWO

REPORTED = TWO.with_runtime(report=True, min_workers=2)
WAITING = TWO.with_runtime(min_workers=2)


def work() -> int:
    """Run 40 tasks, of which one adds up the others."""
    client = distributed.default_client()
    squares = client.map(squared, range(39), pure=False)
    return int(client.submit(sum, squares, pure=False).result())


@task(task_config=REPORTED)
def works() -> int:
    return work()


@task(task_config=WAITING, enable_deck=True)
def has_a_deck() -> int:
    return work()


class Slow:
    """Renders a value, and tells so."""

    begins = "rendering begins"

    def to_html(self, python_value: object) -> str:
        """The value, and the number of this process's clients."""
        print(self.begins, file=sys.stderr, flush=True)  # where the log is
        return f"{python_value} with {len(_global_clients)} clients"


@task(task_config=REPORTED, enable_deck=True)
def is_rendered_slowly() -> Annotated[int, Slow()]:
    return work()


class Computed:
    """Renders a lazy value by computing it."""

    def to_html(self, python_value: Any) -> str:
        """Its result."""
        return f"computed by {python_value.compute()}"


@task(task_config=REPORTED, enable_deck=True)
def returns_a_collection() -> Annotated[FlytePickle, Computed()]:
    collection: Any = delayed(worker_name)()
    return collection


@task(task_config=WAITING)
def has_none() -> int:
    return work()


@task(task_config=WAITING.with_runtime(report=False), enable_deck=True)
def has_a_deck_without_report() -> int:
    return work()


@task(task_config=REPORTED)
def fails() -> int:
    """Fail after the work."""
    work()
    return int(distributed.default_client().submit(divided, 0, retries=0).result())


@task(task_config=REPORTED)
def loses_its_scheduler() -> int:
    """Kill the scheduler once the monitor has the metrics of the work."""
    work()
    # by its type, for isinstance() asks the objects, of which a dead proxy answers with an error
    (monitor,) = [each for each in gc.get_objects() if type(each) is Monitor]
    while monitor.metrics is None or monitor.metrics.finished < 40:
        time.sleep(0.1)
    client = distributed.default_client()
    pid = client.run_on_scheduler(os.getpid)
    os.kill(pid, signal.SIGKILL)
    return int(client.submit(sum, [1, 2]).result())


@task(task_config=REPORTED)
def loses_its_workers() -> int:
    """Print that it works, so that the test kills the workers."""
    work()
    print("it works", flush=True)
    return int(distributed.default_client().submit(time.sleep, 600).result())


@task(task_config=REPORTED)
def publishes() -> str:
    """Return the page after half of the work."""
    work()
    Deck.publish()
    page = Path(current_context().output_metadata_prefix, "deck.html").read_text(encoding="utf-8")
    work()
    return json.dumps(page)


@task(task_config=WAITING, enable_deck=True)
def breaks_its_report() -> int:
    reporting: Any = import_module("flyte_dask_engine.report.collection")

    def no_page(report: Report) -> str:
        raise ValueError(f"no page today of {report.task}")

    reporting.page = no_page
    return 1


@task(task_config=REPORTED)
def has_its_own_deck() -> int:
    """Add a deck with the name of the report's, and another one."""
    Deck("Dask", "the function's own")
    Deck("Other", "another one")
    return work()


@task(enable_deck=True, deck_fields=())
def has_only_its_own_deck() -> int:
    """Add a deck with the name that the report's would have."""
    Deck("Dask (cluster)", "from before")
    return 1


@workflow
def has_decks_before() -> tuple[int, int]:
    """Run a task with a report after one with a deck."""
    first, second = has_only_its_own_deck(), has_its_own_deck()
    return first, second


@task(task_config=REPORTED)
async def awaits() -> int:
    async with distributed.Client(asynchronous=True) as own:
        return int(await own.submit(sum, [1, 2]))


@task(task_config=Dask(workers=2).with_runtime(report=True))
def adds(times: int) -> int:
    """Return three times *times*."""
    client = distributed.default_client()
    return sum(client.gather(client.map(len, ["abc"] * times, pure=False)))


@task(task_config=REPORTED)
def calls_another() -> int:
    adds(times=1)
    return work()


@workflow
def twice() -> tuple[int, int]:
    """Run two tasks, one after the other."""
    return adds(times=1), adds(times=2)


@workflow
def maps() -> list[int]:
    """Run a map task of two runs."""
    return map_task(adds)(times=[1, 2])
