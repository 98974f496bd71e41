"""The log lines of a session: its cluster at the start, and what that did at the end."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dask
import distributed
from dask.utils import format_bytes

from flyte_dask.config.dask import Dask
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.host import Host, make_visible
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["dashboard_url", "log_activity", "show_logs", "start_line"]

_PATIENCE = 5  # seconds for the last metrics; the task is done, whatever the scheduler responds
_UNFINISHED = (
    "%s: ended while %s. Wait for results with result(), gather() or wait() before the function "
    "returns, and cancel() what is not needed"
)
_FEW = 8  # workers that are listed one by one
_IDLE = (
    "%s: the workers ran no tasks. Use .compute(), dask.compute() or the client's submit(), or use "
    "a plain %s, which does not pay for a cluster"
)


def show_logs(host: Host) -> None:
    """Show info lines on Flyte and on a terminal, and only warnings elsewhere."""
    is_interactive = sys.stdout.isatty() and "PYTEST_CURRENT_TEST" not in os.environ
    level = logging.INFO if host.is_on_flyte() or is_interactive else logging.WARNING
    make_visible(host.runtime_logger, level, host.level_variable)


def dashboard_url(scheduler_info: Mapping[str, Any], host: str | None, prefix: str) -> str | None:
    """The URL of a scheduler's dashboard on *host*, below a *prefix*; None if it has none."""
    port = scheduler_info["services"].get("dashboard")
    return f"http://{host}:{port}{prefix}/status" if host and port else None


def start_line(
    config: Dask, scheduler_info: Mapping[str, Any], where: str, dashboard: str | None
) -> str:
    """The cluster and versions at the start; *dashboard* is the URL of the dashboard, if any."""
    workers = scheduler_info["workers"].values()
    memory = sum(each["memory_limit"] or 0 for each in workers)
    parts = [
        f"config {config.fingerprint}",
        f"workers {len(workers)}/{config.workers.number_of_workers}",
        f"threads {sum(each['nthreads'] for each in workers)}",
        f"memory {format_bytes(memory)}" if memory else "no memory limits",
        f"Python {platform.python_version()}",
        *(f"{each.__name__} {vars(each)['__version__']}" for each in (dask, distributed)),
    ]
    if dashboard:
        parts.append(f"dashboard {dashboard}")
    return f"{where}; {', '.join(parts)}"


@contextmanager
def log_activity(monitor: Monitor, *, is_paid: bool) -> Iterator[None]:
    """Log at the end of the block what the cluster of *monitor* did in it.

    An idle cluster is a warning if it *is_paid* for.
    """
    subject = monitor.subject
    task, logger = subject.task, subject.logger
    started = time.monotonic()
    succeeded = False
    try:
        yield
        succeeded = True
    finally:
        seconds = time.monotonic() - started
        is_there = monitor.is_shut_down or monitor.assessment.verdict is None
        if is_there and succeeded and not monitor.is_shut_down:
            # first, since it waits for what is about to arrive
            is_there = monitor.count_unfinished(_PATIENCE)
        activity = monitor.activity(_PATIENCE) if is_there else None
        if activity is None:
            logger.info("%s: the scheduler did not respond: no metrics", task)
        else:
            logger.info("%s: finished: %s", task, _end_line(activity, seconds))
            if succeeded:
                _log_unfinished(monitor, activity, is_paid=is_paid)


def _log_unfinished(monitor: Monitor, activity: Mapping[str, Any], *, is_paid: bool) -> None:
    """Warn of tasks that the function left unfinished, and of a cluster that ran none."""
    subject, unfinished = monitor.subject, monitor.unfinished
    is_unused = not any(activity["finished"].values()) and not activity["failed"]
    if unfinished is not None and unfinished.number:
        subject.logger.warning(_UNFINISHED, subject.task, unfinished)
    elif unfinished is not None and unfinished.is_nothing and is_unused:
        level = logging.WARNING if is_paid else logging.INFO
        subject.logger.log(level, _IDLE, subject.task, subject.host.decorator)


def _end_line(activity: Mapping[str, Any], seconds: float) -> str:
    finished = activity["finished"]
    return (
        f"{counted(sum(finished.values()), 'task')} ({_per_worker(finished)}), "
        f"failed {activity['failed']}, spilled {format_bytes(activity['spilled'])}, "
        f"wall time {seconds:.1f} s"
    )


def _per_worker(finished: Mapping[str, int]) -> str:
    """The tasks that each worker finished; of many workers, the fewest and the most."""
    if not finished:
        return "no workers"
    if len(finished) > _FEW:
        fewest, most = min(finished.values()), max(finished.values())
        return f"{fewest} to {most} on each of {len(finished)} workers"
    return ", ".join(
        f"{'worker ' if name.isdecimal() else ''}{name}: {number}"
        for name, number in sorted(finished.items())
    )
