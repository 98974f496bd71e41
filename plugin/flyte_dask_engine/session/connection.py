"""The client of a cluster that is still coming up."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from flyte_dask.config.runtime import Runtime
from flyte_dask_engine.distributed_internals import Client
from flyte_dask_engine.monitor.diagnosis import Subject

__all__ = ["connect", "wait_for_workers"]

_MOST_SILENCE = 30.0  # seconds
_MOST_AT_ONCE = 60.0  # seconds
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds


def connect(runtime: Runtime, subject: Subject) -> Client:
    """A client of *subject*'s scheduler, as soon as that answers.

    While nobody listens, distributed tries again and again by itself, and waits longer each time; a
    name that is not known yet counts as no answer. Who accepts and breaks the connection, as a
    proxy or a scheduler that is just starting does, it asks once only: then this asks again.

    Raises:
        ClusterUnavailable: if it does not answer within the runtime's *connect_timeout*.
    """
    address, cause = subject.address, None
    with _telling(subject.logger, f"{subject.task} waits for the scheduler at {address}"):
        for seconds in _attempts(runtime.connect_timeout):
            keywords = {"timeout": f"{seconds} s", "set_as_default": runtime.client}
            try:
                return Client(address, **keywords)  # type: ignore[no-untyped-call]  # theirs
            except OSError as error:
                cause = error
    raise subject.unreachable(runtime.connect_timeout) from cause


def wait_for_workers(
    client: Client,
    number: int,
    runtime: Runtime,
    subject: Subject,
    ended: Callable[[], Sequence[int]] = tuple,
) -> None:
    """Wait until *number* workers are there; autoscalers take minutes.

    Args:
        client: of the cluster.
        number: how many.
        runtime: says how long.
        subject: of which errors tell.
        ended: tells with which statuses processes of workers have ended, for good.

    Raises:
        ClusterUnavailable: if they are not, within the runtime's *worker_timeout*, or cannot be any
            more.
    """
    if number == 0:
        return
    for seconds in _patience(runtime.worker_timeout):
        if _are_there(client, number, seconds):
            return
        if statuses := ended():
            raise subject.ended(_workers(client), number, statuses)
        subject.logger.info("%s waits for workers: %d/%d", subject.task, _workers(client), number)
    raise subject.incomplete(_workers(client), number, runtime.worker_timeout)


def _workers(client: Client) -> int:
    """How many there are."""
    return len(client.scheduler_info(n_workers=-1)["workers"])


def _are_there(client: Client, number: int, seconds: float) -> bool:
    """Whether so many workers come within so many seconds."""
    try:
        client.wait_for_workers(number, timeout=seconds)
    except (TimeoutError, asyncio.TimeoutError):  # not the same before Python 3.11
        return False
    return True


def _attempts(timeout: float | None) -> Iterator[float]:
    """The most seconds of each attempt until *timeout*, with longer and longer pauses between.

    They are long: a client keeps them, for when it has lost its scheduler.
    """
    end = time.monotonic() + (math.inf if timeout is None else timeout)
    pause = _SHORTEST_PAUSE
    while (left := end - time.monotonic()) > 0:
        yield min(left, _MOST_AT_ONCE)
        time.sleep(max(0, min(pause, end - time.monotonic())))
        pause = min(2 * pause, _LONGEST_PAUSE)


@contextmanager
def _telling(logger: logging.Logger, what: str) -> Iterator[None]:
    """Tell *what* again and again, until the block ends."""
    ended = threading.Event()

    def tell() -> None:
        for seconds in _patience(None):
            if ended.wait(seconds):
                return
            logger.info(what)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


def _patience(timeout: float | None) -> Iterator[float]:
    """How long to wait before telling and waiting again, longer each time, until *timeout*."""
    end = time.monotonic() + (math.inf if timeout is None else timeout)
    silence = 1.0
    while (left := end - time.monotonic()) > 0:
        yield min(left, silence)
        silence = min(2 * silence, _MOST_SILENCE)
