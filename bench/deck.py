"""What a report costs a session, and how large it is: on a real scheduler with two real workers.

Both sides take turns, in pairs of which every second one is the other way round.
"""

from __future__ import annotations

import io
import logging
import os
import statistics
import time
from collections.abc import Callable
from contextlib import redirect_stderr
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil
from distributed import Client

from flyte_dask import Dask
from flytekitplugins.dask.session import session
from tests.backend import ADDRESS, Cluster, cluster

PAIRS = 6
TASKS = 10_000
MANY_TASKS = 100_000


def report() -> str:
    """The table, in Markdown."""
    logging.getLogger("flytekit.dask.runtime").setLevel(logging.ERROR)  # not each one's end
    with cluster(2) as started:
        plain, reported = _in_pairs(partial(_costs, started, False), partial(_costs, started, True))
        size = _size(started)
    pairs = zip(reported, plain, strict=True)
    wall = statistics.median(ours / theirs for (ours, _), (theirs, _) in pairs)
    medians = [
        (statistics.median(ours), statistics.median(theirs))
        for ours, theirs in zip(zip(*reported, strict=True), zip(*plain, strict=True), strict=True)
    ]
    titles = (f"{TASKS:,} short tasks", "of that the scheduler's CPU time")
    lines = [
        f"| {what} | {ours:.2f} s | {theirs:.2f} s | {ours / theirs:.3f} |"
        for what, (ours, theirs) in zip(titles, medians, strict=True)
    ]
    return f"""## The deck

On two ready workers, in {PAIRS} pairs of sessions, with a report and without.

| | with a report | without | ratio |
|---|---|---|---|
{chr(10).join(lines)}

The median of the pairs' own ratios is {wall:.3f} (of {TASKS:,} tasks), and the deck of a session
with {MANY_TASKS:,} tasks has {size / 1e6:.2f} MB.
"""


def _in_pairs(
    first: Callable[[], tuple[float, float]], second: Callable[[], tuple[float, float]]
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """What both say, in turns; without those of the first pair, which warms up."""
    found: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
    for turn in range(PAIRS + 1):
        sides = list(zip(found, (first, second), strict=True))
        for said, ask in sides if turn % 2 else reversed(sides):
            said.append(ask())
    return found[0][1:], found[1][1:]


def _costs(started: Cluster, is_reported: bool) -> tuple[float, float]:
    """Seconds of short tasks in a session, and of the scheduler's CPU."""
    scheduler = psutil.Process(started.scheduler.popen.pid)
    found = []

    def work(client: Client) -> None:
        used, start = sum(scheduler.cpu_times()[:2]), time.perf_counter()
        _work(client, TASKS)
        found.append((time.perf_counter() - start, sum(scheduler.cpu_times()[:2]) - used))

    _in_session(started, is_reported, work)
    return found[0]


def _size(started: Cluster) -> int:
    """Bytes of the deck of a session with very many tasks."""
    told = _in_session(started, True, lambda client: _work(client, MANY_TASKS))
    return Path(unquote(urlsplit(told.split()[-1]).path)).stat().st_size


def _work(client: Client, tasks: int) -> None:
    client.gather(client.map(abs, range(tasks), pure=False))


def _in_session(started: Cluster, is_reported: bool, work: Callable[[Client], None]) -> str:
    """Do *work* in a session; what that told on standard error."""
    os.environ[ADDRESS] = started.address
    told = io.StringIO()
    config = Dask(workers=2).with_runtime(report=is_reported)
    try:
        with redirect_stderr(told), session(config, "bench") as opened:
            work(opened.client)
    finally:
        del os.environ[ADDRESS]
    return told.getvalue()
