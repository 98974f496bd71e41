"""Observers in workers and nannies: errors of workers themselves, and how their processes end."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import Any

from distributed import Nanny, Worker
from distributed.diagnostics.plugin import NannyPlugin, WorkerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode
from flyte_dask_engine.distributed_internals import on_worker_exit
from flyte_dask_engine.foreign_errors import chain_of, describe, is_a, is_of_full_disk, text_of

__all__ = ["NannyObserver", "WorkerObserver"]

_MAX_KEPT = 40  # reports of a worker
_MAX_TEXT = 500  # characters of an error in a report


class WorkerObserver(ByCode, WorkerPlugin):
    """Reports to the scheduler errors of a worker itself, as opposed to those of its tasks."""

    idempotent = True

    def __init__(self, topic: str) -> None:
        self.name = f"{topic}-worker"
        self.topic = topic
        self.reported = 0

    def setup(self, worker: Worker) -> None:
        """Add a handler to distributed's logger."""
        self.worker = worker
        self.pending: deque[dict[str, Any]] = deque()
        self.sending = asyncio.Lock()
        self.handler = _ErrorHandler(self)
        logging.getLogger("distributed").addHandler(self.handler)

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Remove the handler, and send pending reports."""
        logging.getLogger("distributed").removeHandler(self.handler)
        await self.send()

    def note(self, record: logging.LogRecord) -> None:
        """Note a logged error, and schedule its report."""
        if record.getMessage().startswith("Compute Failed"):
            return  # the user gets the task's error anyway
        error = record.exc_info[1] if record.exc_info else None
        text = describe(error, _MAX_TEXT) if error else record.getMessage()
        report = {"worker": self.worker.address, "error": text[:_MAX_TEXT]}
        chain = () if error is None else chain_of(error, with_contexts=True)
        if any(map(is_of_full_disk, chain)):
            report |= {"name": str(self.worker.name), "disk": self.worker.local_directory}
        is_of_messages = record.name.startswith("distributed.protocol")
        if is_of_messages and error is not None and _is_of_environment(error):
            report["unreadable_by"] = str(self.worker.name)
        elif self.reported >= _MAX_KEPT:
            return
        self.reported += 1
        self.pending.append(report)
        self.worker.loop.add_callback(self.send)

    async def send(self) -> None:
        """Send pending reports over a new connection: the scheduler's own may be what is broken."""
        async with self.sending:
            while self.pending:
                await self.worker.scheduler.log_event(topic=self.topic, msg=self.pending[0])
                self.pending.popleft()


def _is_of_environment(error: BaseException) -> bool:
    """Whether *error* means that a module is missing or older."""
    is_older = is_a(error, AttributeError) and text_of(error).startswith("Can't get attribute")
    return is_older or is_a(error, ImportError)


class _ErrorHandler(logging.Handler):
    """Passes logged errors to an observer."""

    def __init__(self, observer: WorkerObserver) -> None:
        super().__init__(logging.ERROR)
        self.observer = observer

    def emit(self, record: logging.LogRecord) -> None:
        """Pass on one record."""
        try:
            self.observer.note(record)
        except Exception:  # logging must not fail
            self.handleError(record)


class NannyObserver(ByCode, NannyPlugin):
    """Reports to the scheduler the exit status of a worker's process."""

    idempotent = True

    def __init__(self, topic: str) -> None:
        self.name = f"{topic}-nanny"
        self.topic = topic

    def setup(self, nanny: Nanny) -> None:
        """Observe the end of the process; may be called twice."""
        if self.topic not in vars(nanny):
            vars(nanny)[self.topic] = True
            on_worker_exit(nanny, partial(self._report, nanny))

    def teardown(self, nanny: Nanny) -> None:
        """Stop reporting."""
        vars(nanny)[self.topic] = False

    def _report(self, nanny: Nanny, status: int) -> None:
        if status != 0 and vars(nanny)[self.topic]:
            nanny.log_event(self.topic, {"worker": nanny.worker_address, "exit": status})
