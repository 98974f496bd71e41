"""Connecting to a cluster that may still be starting, and waiting for its workers."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import distributed

from flyte_dask.config.runtime import Runtime
from flyte_dask_engine.distributed_internals import Client
from flyte_dask_engine.monitor.diagnosis import Subject

__all__ = ["connect", "wait_for_workers"]

_LONGEST_INTERVAL = 30.0  # seconds between two lines in the log
_LONGEST_ATTEMPT = 60.0  # seconds
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds


def connect(runtime: Runtime, subject: Subject) -> Client:
    """Connect to *subject*'s scheduler as soon as it responds.

    distributed itself retries, with backoff, while the connection is refused or the host name is
    unknown. It gives up if the connection is accepted and then closed, as by a proxy or by a
    scheduler that is starting; that is retried here.

    Raises:
        ClusterUnavailable: if it does not respond within the runtime's *connect_timeout*.
    """
    address, cause = subject.address, None
    with _log_waiting(subject):
        for seconds in _attempts(runtime.connect_timeout):
            keywords = {"timeout": f"{seconds} s", "set_as_default": runtime.client}
            try:
                return Client(address, **keywords)  # type: ignore[no-untyped-call]  # distributed's
            except OSError as error:
                cause = error
    raise subject.unreachable(runtime.connect_timeout) from cause


def wait_for_workers(
    client: distributed.Client,
    number: int,
    runtime: Runtime,
    subject: Subject,
    exited: Callable[[], Sequence[int]] = tuple,
) -> Mapping[str, Any]:
    """Wait until *number* workers have joined, which takes an autoscaler minutes.

    Args:
        client: a client of the cluster.
        number: the number of workers to wait for.
        runtime: sets the timeout.
        subject: the task, for logs and errors.
        exited: returns the exit statuses of worker processes that will not be restarted.

    Returns:
        what the scheduler tells of itself and its workers then.

    Raises:
        ClusterUnavailable: if they do not join within the runtime's *worker_timeout*, or if worker
            processes exited.
    """
    info = _scheduler_info(client)
    if sum(each["status"] == "running" for each in info["workers"].values()) >= number:
        return info  # as `Client.wait_for_workers` counts, which would ask the scheduler again
    started = time.monotonic()
    for seconds in _intervals(runtime.worker_timeout):
        with suppress(TimeoutError, asyncio.TimeoutError):  # not the same before Python 3.11
            client.wait_for_workers(number, timeout=seconds)
            return _scheduler_info(client)
        joined = len(_scheduler_info(client)["workers"])
        if statuses := exited():
            raise subject.exited(joined, number, statuses)
        elapsed = time.monotonic() - started
        line = "%s: waiting for workers (%d/%d, %.0f s)"
        subject.logger.info(line, subject.task, joined, number, elapsed)
    joined = len(_scheduler_info(client)["workers"])
    raise subject.incomplete(joined, number, runtime.worker_timeout)


def _scheduler_info(client: distributed.Client) -> Mapping[str, Any]:
    """What the scheduler tells of itself and of all workers."""
    info: Mapping[str, Any] = client.scheduler_info(n_workers=-1)
    return info


def _attempts(timeout: float | None) -> Iterator[float]:
    """The timeout of each attempt until *timeout*, with growing pauses in between.

    They are long because a client keeps its timeout for reconnecting to a lost scheduler.
    """
    end = time.monotonic() + (math.inf if timeout is None else timeout)
    pause = _SHORTEST_PAUSE
    while (left := end - time.monotonic()) > 0:
        yield min(left, _LONGEST_ATTEMPT)
        time.sleep(max(0, min(pause, end - time.monotonic())))
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def _log_waiting(subject: Subject) -> Iterator[None]:
    """Log at growing intervals that the scheduler is being waited for, until the block ends."""
    ended, started = threading.Event(), time.monotonic()

    def log() -> None:
        line = "%s: waiting for the scheduler at %s (%.0f s)"
        for seconds in _intervals(None):
            if ended.wait(seconds):
                return
            elapsed = time.monotonic() - started
            subject.logger.info(line, subject.task, subject.address, elapsed)

    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _intervals(timeout: float | None) -> Iterator[float]:
    """Seconds until the next line in the log, growing, until *timeout*."""
    end = time.monotonic() + (math.inf if timeout is None else timeout)
    interval = 1.0
    while (left := end - time.monotonic()) > 0:
        yield min(left, interval)
        interval = min(2 * interval, _LONGEST_INTERVAL)
