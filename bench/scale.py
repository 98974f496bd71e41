"""What monitor and recorder cost the scheduler of a large cluster, and the memory that they need.

The scheduler is a process of its own, and so are all workers together.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import ExitStack
from typing import Any

from distributed import Client

from bench.many_workers import READY
from bench.results import Section, Target, at_most
from bench.shares import HANDLER, INTERVAL
from bench.venvs import Sides
from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from tests.support.backend import ADDRESS, SCHEDULER_HERE, scheduler
from tests.support.paths import PROJECT
from tests.support.processes import BIN, running

WORKERS = 200
TASKS = 200_000
_BATCH = 10_000


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    logging.getLogger("flyte_dask.runtime").setLevel(logging.ERROR)  # ends of sessions
    half, whole = measured(WORKERS, TASKS)
    share = (half["ours"] + whole["ours"]) / (half["cpu"] + whole["cpu"])
    growth = whole["bytes"] / half["bytes"]
    text = f"""## A large cluster

One session with a report, on {WORKERS} workers with one thread each, all in one process, next to a
scheduler in another: {TASKS:,} short tasks, in batches of {_BATCH:,}. Our plugins in the scheduler
are those of monitor and report; their share is that of samples, one in
{INTERVAL * 1000:g} ms of CPU time, in which their code runs.

| | first {TASKS // 2:,} tasks | the others |
|---|---|---|
| CPU time of the scheduler | {half["cpu"]:.1f} s | {whole["cpu"]:.1f} s |
| of that our plugins | {half["ours"]:.2f} s | {whole["ours"]:.2f} s |
| what these keep at the end | {half["bytes"] / 1e6:.2f} MB | {whole["bytes"] / 1e6:.2f} MB |
"""
    bounded = Target(
        f"memory of our plugins after {TASKS:,} tasks, of that after half of them",
        "at most 1.1",
        f"{growth:.4g}",
        growth <= 1.1,
    )
    what = f"our plugins' share of the scheduler's time, {WORKERS} workers and {TASKS:,} tasks"
    return Section(text, [at_most(what, 0.02, share), bounded])


def measured(workers: int, tasks: int) -> list[dict[str, float]]:
    """What the scheduler answers after each half of the tasks."""
    code = {"PYTHONPATH": str(PROJECT)}
    with ExitStack() as stack:
        line = [str(BIN / "dask"), "scheduler", *SCHEDULER_HERE, "--preload", "bench.shares"]
        started = scheduler(stack, line, code)
        many = [sys.executable, "-m", "bench.many_workers", started.address, str(workers)]
        stack.enter_context(running(many, READY, code))
        os.environ[ADDRESS] = started.address
        try:
            with session(Dask(workers=workers).with_runtime(report=True), "bench") as opened:
                return opened.run(lambda: _halves(opened.client, tasks))
        finally:
            del os.environ[ADDRESS]


def _halves(client: Client, tasks: int) -> list[dict[str, float]]:
    scheduler: Any = client.scheduler
    found = []
    client.sync(getattr(scheduler, HANDLER))  # what came before does not count
    for _ in range(2):
        for _batch in range(tasks // 2 // _BATCH):
            client.gather(client.map(abs, range(_BATCH), pure=False))
        found.append(client.sync(getattr(scheduler, HANDLER)))
    return found
