"""What heartbeats of workers don't tell by themselves, and a record of a cluster has."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from flyte_dask_engine.cluster_plugins.sums import shuffled, spilled

__all__ = ["WorkerRecorder"]


class WorkerRecorder(WorkerPlugin):
    """Lets a worker's heartbeats tell what they don't by themselves: what it got, and its peak."""

    idempotent = True

    def __init__(self, metric: str) -> None:
        self.name = f"{metric}-worker"
        self.metric = metric

    def setup(self, worker: Worker) -> None:
        """Begin."""
        self.worker = worker
        self.last = _last(worker)
        self.before = _peak_memory()
        self.received = 0
        self.sums_before = shuffled(worker.digests_total), spilled(worker.digests_total)
        worker.metrics[self.metric] = self.tell
        worker.handlers[self.metric] = self.beat

    def teardown(self, worker: Worker) -> None:
        """Tell nothing any more."""
        worker.metrics.pop(self.metric, None)
        worker.handlers.pop(self.metric, None)

    async def beat(self) -> None:
        """Have a heartbeat now."""
        await self.worker.heartbeat()

    def tell(self, worker: Worker) -> dict[str, float]:
        """The bytes received and spilled, and the most of memory, since the beginning.

        Those are sums, for of heartbeats that come in quick succession the last is looked at only.
        """
        for transfer in reversed(worker.transfer_incoming_log):
            if transfer is self.last:
                break
            self.received += transfer["total"]
        self.last = _last(worker)
        peak = _peak_memory()
        shuffled_before, spilled_before = self.sums_before
        return {
            "received": self.received + shuffled(worker.digests_total) - shuffled_before,
            "spilled": spilled(worker.digests_total) - spilled_before,
            "peak": peak if peak > self.before else 0,
        }


def _last(worker: Worker) -> Any:
    """The latest transfer to *worker*."""
    return worker.transfer_incoming_log[-1] if worker.transfer_incoming_log else None


def _peak_memory() -> int:
    """The most bytes that this process has ever had, where the system tells; else 0."""
    with suppress(OSError):
        # among them is the name of the process, which can be anything
        told = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        for line in told.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
