"""Plugins that install several others at once, with one message to each worker."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler, Worker
from distributed.core import Status
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode

__all__ = ["SeveralOnScheduler", "SeveralOnWorker"]


class _Several(ByCode):
    """Several *plugins*; what is present is kept."""

    idempotent = True

    def __init__(self, *plugins: Any) -> None:
        self.name = f"several: {', '.join(each.name for each in plugins)}"
        self.plugins = plugins


class SeveralOnScheduler(_Several, SchedulerPlugin):
    """Several plugins of the scheduler, which remove themselves."""

    async def start(self, scheduler: Scheduler) -> None:
        """Install them in turn."""
        for each in self.plugins:
            await scheduler.register_scheduler_plugin(each, each.name, idempotent=True)


class SeveralOnWorker(_Several, WorkerPlugin):
    """Several plugins of a worker."""

    async def setup(self, worker: Worker) -> None:
        """Install them in turn."""
        for each in self.plugins:
            if each.name not in worker.plugins:
                await worker.plugin_add(each, each.name, catch_errors=False)

    async def teardown(self, worker: Worker) -> None:
        """Remove them, unless the worker closes, which removes all of its plugins."""
        if worker.status is not Status.closing:
            for each in self.plugins:
                await worker.plugin_remove(each.name)
