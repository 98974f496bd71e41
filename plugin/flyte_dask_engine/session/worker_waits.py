"""Waits of a function for workers: never for more than there can be, and never for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any

import attrs
import distributed

from flyte_dask.config.runtime import Runtime
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.monitor.diagnosis import Subject

__all__ = ["limiting_worker_waits"]

_lock = threading.Lock()
_limits: list[_Limit] = []  # of the open sessions; tasks can run in parallel
_wrapping = ExitStack()  # while there are any


@attrs.frozen
class _Limit:
    """The most workers that a function can wait for."""

    subject: Subject
    configured: int
    """The number of workers of the config."""
    here: int
    """The number of workers that come; fewer in a local cluster that is scaled down."""
    timeout: float | None
    """Seconds after which workers no longer come; None is never."""

    def apply(self, number: int) -> int:
        """The number to wait for instead of *number*.

        Raises:
            TooFewWorkers: if the config has fewer.
        """
        if number > self.configured:
            raise self.subject.excessive(number, self.configured)
        if number > self.here:
            self.subject.logger.warning(
                "%s: wait_for_workers(%d) waits for %s: the config has %d, but this machine has "
                "room for no more",
                *(self.subject.task, number, counted(self.here, "worker"), self.configured),
            )
        return min(number, self.here)


@contextmanager
def limiting_worker_waits(
    subject: Subject, configured: int, here: int, runtime: Runtime
) -> Iterator[None]:
    """Limit ``wait_for_workers`` of all clients of *subject*'s cluster, until the block ends.

    Args:
        subject: the task.
        configured: the number of workers of its config.
        here: the number of workers that come.
        runtime: its *worker_timeout* is the timeout of a call without one.
    """
    limit = _Limit(subject, configured, here, runtime.worker_timeout)
    with _lock:
        if not _limits:
            _wrapping.enter_context(_limiting_clients())
        _limits.append(limit)
    try:
        yield
    finally:
        with _lock:
            _limits[:] = [each for each in _limits if each is not limit]
            if not _limits:
                _wrapping.close()


@contextmanager
def _limiting_clients() -> Iterator[None]:
    """Let the method of all clients look for a limit, until the block ends."""
    kind: Any = distributed.Client
    original = kind.wait_for_workers
    kind.wait_for_workers = limited = _limited(original)
    try:
        yield
    finally:
        if kind.wait_for_workers is limited:  # otherwise another program has replaced it too
            kind.wait_for_workers = original


def _limited(original: Callable[..., Any]) -> Callable[..., Any]:
    """Distributed's method, with the limit of the client's cluster, if it has one."""

    @wraps(original)
    def wait_for_workers(
        client: distributed.Client, n_workers: Any, timeout: float | None = None
    ) -> Any:
        address = None if client.scheduler is None else client.scheduler.address
        found = (each for each in reversed([*_limits]) if each.subject.address == address)
        limit = next(found, None)
        if limit is not None and isinstance(n_workers, int) and n_workers >= 1:
            n_workers = limit.apply(n_workers)
            timeout = limit.timeout if timeout is None else timeout
        return original(client, n_workers, timeout)

    return wait_for_workers
