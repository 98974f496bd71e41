"""Worker metrics that distributed's heartbeats lack: bytes received and spilled, peak memory."""

from __future__ import annotations

from typing import Any

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode
from flyte_dask_engine.cluster_plugins.process_usage import peak_memory
from flyte_dask_engine.cluster_plugins.sums import shuffled, spilled

__all__ = ["WorkerRecorder"]


class WorkerRecorder(ByCode, WorkerPlugin):
    """Adds a metric named *metric* to a worker's heartbeats, and a handler that sends one now."""

    idempotent = True

    def __init__(self, metric: str) -> None:
        self.name = f"{metric}-worker"
        self.metric = metric

    def setup(self, worker: Worker) -> None:
        """Install the metric and the handler."""
        self.worker = worker
        self.last = _last(worker)
        self.before = peak_memory()
        self.received = 0
        self.sums_before = shuffled(worker.digests_total), spilled(worker.digests_total)
        worker.metrics[self.metric] = self.measure
        worker.handlers[self.metric] = self.heartbeat

    def teardown(self, worker: Worker) -> None:
        """Remove the metric and the handler."""
        worker.metrics.pop(self.metric, None)
        worker.handlers.pop(self.metric, None)

    async def heartbeat(self) -> None:
        """Send a heartbeat now."""
        await self.worker.heartbeat()

    def measure(self, worker: Worker) -> dict[str, float]:
        """Bytes received and spilled since the setup, and the peak memory in bytes if it rose.

        They are totals, because the recorder reads only the last of heartbeats in quick succession.
        """
        for transfer in reversed(worker.transfer_incoming_log):
            if transfer is self.last:
                break
            self.received += transfer["total"]
        self.last = _last(worker)
        peak = peak_memory()
        shuffled_before, spilled_before = self.sums_before
        return {
            "received": self.received + shuffled(worker.digests_total) - shuffled_before,
            "spilled": spilled(worker.digests_total) - spilled_before,
            "peak": peak if peak > self.before else 0,
        }


def _last(worker: Worker) -> Any:
    """The latest transfer to *worker*; None if there is none."""
    return worker.transfer_incoming_log[-1] if worker.transfer_incoming_log else None
