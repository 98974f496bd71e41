"""What a session installs in its cluster for the task: its code, and the SDK's storage settings."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from cloudpickle.cloudpickle import register_pickle_by_value
from distributed import Client

from flyte_dask_engine.cluster_plugins.code import CodeOnScheduler, CodeOnWorker
from flyte_dask_engine.cluster_plugins.several import SeveralOnScheduler, SeveralOnWorker
from flyte_dask_engine.cluster_plugins.storage import StorageOnScheduler, StorageOnWorker
from flyte_dask_engine.host import Host

__all__ = ["install"]


def install(client: Client, host: Host, *, code: bool, storage: bool, on_scheduler: bool) -> None:
    """Install what *host* has in *client*'s cluster, and wait until all workers have it.

    Args:
        client: a client of the cluster.
        host: the SDK in which the task runs.
        code: whether the task's code is installed.
        storage: whether the SDK's storage settings are.
        on_scheduler: whether they are also installed on the scheduler.

    Raises:
        Exception: the first error of an installation.
    """
    scheduler, workers = list[Any](), list[Any]()
    if code:
        archive, paths = host.code(), host.import_paths()
        if archive is not None or paths:
            scheduler.append(CodeOnScheduler(archive, paths))
            workers.append(CodeOnWorker(archive, paths))
    read = host.storage_reader() if storage else None
    if read is not None:
        register_pickle_by_value(sys.modules[read.__module__])
        scheduler.append(StorageOnScheduler(read))
        workers.append(StorageOnWorker(read))
    plugins = list[Any]()
    if workers:
        plugins.append(SeveralOnWorker(*workers))
        if on_scheduler:
            plugins.append(SeveralOnScheduler(*scheduler))

    async def register() -> None:
        await asyncio.gather(*map(client.register_plugin, plugins))

    client.sync(register)
