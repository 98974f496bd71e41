"""One run of a task: when and where it began, what it was given, and what its process used."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from uuid import uuid4

from flyte_dask_engine.cluster_plugins.process_usage import cpu_seconds, peak_memory
from flyte_dask_engine.host import Host
from flyte_dask_engine.report.inputs import Inputs
from flyte_dask_records import ProcessRecord

__all__ = ["Run"]


class Run:
    """A run, which is completed while it lasts.

    Args:
        host: the SDK in which it runs.
        inputs: the inputs of its function, by name.
    """

    def __init__(self, host: Host, inputs: Mapping[str, object]) -> None:
        self.identifier = uuid4().hex
        self.began = datetime.now(timezone.utc)
        self.sdk = host.sdk
        self.execution = host.execution()
        self.attempt = host.attempt()
        self.inputs = Inputs(inputs)
        self.where = "cluster"
        """``cluster``, ``threads`` or ``processes``; the last two are local."""
        self.wall: float | None = None
        """Seconds of the function, so far."""
        self.reason: str | None = None
        """Why it failed."""
        self._cpu_before = cpu_seconds()

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Measure the wall time of the function, which runs in the block."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.wall = time.monotonic() - began

    def usage(self) -> ProcessRecord:
        """What the process of the runner used since the run began."""
        return ProcessRecord(peak=peak_memory(), cpu=cpu_seconds() - self._cpu_before)
