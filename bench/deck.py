"""The cost and the size of a report, on a real scheduler with two real workers."""

from __future__ import annotations

import io
import logging
import os
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
from distributed import Client

from bench.alternating import alternate, ratio, spread
from bench.results import Section
from bench.venvs import Sides
from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from tests.support.backend import ADDRESS, Cluster, cluster

PAIRS = 3
TASKS = 10_000
MANY_TASKS = 30_000


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    logging.getLogger("flyte_dask.runtime").setLevel(logging.ERROR)  # ends of sessions
    with cluster(2) as started:
        plain, reported = alternate(
            PAIRS, partial(_costs, started, False), partial(_costs, started, True)
        )
        size = _size(started)
    titles = (f"{TASKS:,} short tasks", "CPU time of the scheduler for them")
    with_, without = (list(zip(*side, strict=True)) for side in (reported, plain))
    lines = [_row(*each) for each in zip(titles, with_, without, strict=True)]
    return Section(f"""## The deck

In the development venv, on two ready workers, {PAIRS} turns, sessions with a report and without.

| workload | with a report | without | ratio |
|---|---|---|---|
{chr(10).join(lines)}

The deck of a session with {MANY_TASKS:,} tasks takes {size / 1e6:.2f} MB.
""")


def _row(what: str, ours: Sequence[float], theirs: Sequence[float]) -> str:
    """A row with a finer ratio than others, because it is near 1."""
    return f"| {what} | {spread(ours, 's')} | {spread(theirs, 's')} | {ratio(ours, theirs):.3f} |"


def _costs(started: Cluster, is_reported: bool) -> tuple[float, float]:
    """Wall seconds of short tasks in a session, and CPU seconds of the scheduler."""
    scheduler = psutil.Process(started.scheduler.popen.pid)
    found = []

    def work(client: Client) -> None:
        used, start = sum(scheduler.cpu_times()[:2]), time.perf_counter()
        _work(client, TASKS)
        found.append((time.perf_counter() - start, sum(scheduler.cpu_times()[:2]) - used))

    _in_session(started, is_reported, work)
    return found[0]


def _size(started: Cluster) -> int:
    """Bytes of the deck of a session with many tasks."""
    output = _in_session(started, True, lambda client: _work(client, MANY_TASKS))
    return Path(unquote(urlsplit(output.split()[-1]).path)).stat().st_size


def _work(client: Client, tasks: int) -> None:
    client.gather(client.map(abs, range(tasks), pure=False))


def _in_session(started: Cluster, is_reported: bool, work: Callable[[Client], None]) -> str:
    """Do *work* in a session, and return its standard error."""
    os.environ[ADDRESS] = started.address
    output = io.StringIO()
    config = Dask(workers=2).with_runtime(report=is_reported)
    try:
        with redirect_stderr(output), session(config, "bench") as opened:
            work(opened.client)
    finally:
        del os.environ[ADDRESS]
    return output.getvalue()
