"""What a session tells in the log: how it starts, what the cluster did, and when it did nothing."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from dask.utils import format_bytes

from flyte_dask.config.dask import Dask
from flyte_dask_engine.host import Host
from flyte_dask_engine.log_levels import make_visible, runtime_logger
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["log_activity", "show_logs", "start_line"]

_PATIENCE = 5  # seconds for the last question; by then the task is done, whatever the answer
_FEW = 8  # workers of which each is named
_IDLE = (
    "%s: its workers did nothing. Use .compute(), dask.compute() or the client's submit(), or run "
    "it as a plain %s, without a cluster to pay for"
)


def show_logs(host: Host) -> None:
    """Show what is told on Flyte and on a terminal, and elsewhere warnings."""
    watched = sys.stdout.isatty() and "PYTEST_CURRENT_TEST" not in os.environ
    level = logging.INFO if host.is_on_flyte() or watched else logging.WARNING
    make_visible(runtime_logger(host), level, host.level_variable)


def start_line(
    config: Dask, scheduler_info: Mapping[str, Any], where: str, dashboard: str | None
) -> str:
    """What the function starts with, where, and at which host there is a dashboard."""
    workers = scheduler_info["workers"].values()
    memory = sum(each["memory_limit"] or 0 for each in workers)
    parts = [
        f"config {config.fingerprint}",
        f"workers {len(workers)}/{config.workers.number_of_workers}",
        f"threads {sum(each['nthreads'] for each in workers)}",
        f"memory {format_bytes(memory)}" if memory else "no memory limits",
        f"Python {platform.python_version()}",
        f"dask {version('dask')}",
        f"distributed {version('distributed')}",
    ]
    port = scheduler_info["services"].get("dashboard")
    if dashboard and port:
        parts.append(f"dashboard http://{dashboard}:{port}/status")
    return f"starts {where}: {', '.join(parts)}"


@contextmanager
def log_activity(monitor: Monitor, *, paid: bool) -> Iterator[None]:
    """Tell at the end of the block what the cluster of *monitor* did in it.

    A warning, if it did nothing and was *paid* for.
    """
    subject = monitor.assessment.subject
    task, logger = subject.task, subject.logger
    started = time.monotonic()
    succeeded = False
    try:
        yield
        succeeded = True
    finally:
        seconds = time.monotonic() - started
        activity = None if monitor.assessment.verdict else monitor.activity(_PATIENCE)
        if activity is None:
            logger.info("%s ended: its scheduler does not tell what it did", task)
        else:
            logger.info("%s ended: %s", task, _end_line(activity, seconds))
            if succeeded and not any(activity["finished"].values()) and not activity["failed"]:
                level = logging.WARNING if paid else logging.INFO
                logger.log(level, _IDLE, task, subject.host.decorator)


def _end_line(activity: Mapping[str, Any], seconds: float) -> str:
    finished = activity["finished"]
    return (
        f"tasks {sum(finished.values())} ({_per_worker(finished)}), failed {activity['failed']}, "
        f"spilled {format_bytes(activity['spilled'])}, wall time {seconds:.1f} s"
    )


def _per_worker(finished: Mapping[str, int]) -> str:
    """How many tasks each worker has finished; of many workers, the least and the most."""
    if not finished:
        return "no worker"
    if len(finished) > _FEW:
        least, most = min(finished.values()), max(finished.values())
        return f"{least} to {most} on each of {len(finished)} workers"
    return ", ".join(f"{name}: {number}" for name, number in sorted(finished.items()))
