"""The SDK's storage settings for fsspec: in the runner during a session, and in its cluster."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cloudpickle.cloudpickle import register_pickle_by_value
from distributed import Client

from flyte_dask_engine.cluster_plugins.storage import (
    StorageOnScheduler,
    StorageOnWorker,
    add_options,
)
from flyte_dask_engine.host import Host

__all__ = ["send_storage", "storage_here"]

_lock = threading.Lock()
_undo: list[Callable[[], None]] = []  # one for each open session; tasks can run in parallel


@contextmanager
def storage_here(host: Host) -> Iterator[None]:
    """Add *host*'s storage settings to the filesystems of this process until the block ends.

    Of parallel sessions the first adds them, and the last one to end removes them.
    """
    with _lock:
        _undo.append(_undo[0] if _undo else add_options(host.storage_options()))
    try:
        yield
    finally:
        with _lock:
            undo = _undo.pop()
            if not _undo:
                undo()


def send_storage(client: Client, host: Host, *, to_scheduler: bool) -> None:
    """Let the workers read *host*'s storage settings, and the scheduler, each in its process."""
    read = host.storage_reader()
    if read is None:
        return
    register_pickle_by_value(sys.modules[read.__module__])
    if to_scheduler:
        client.register_plugin(StorageOnScheduler(read))
    client.register_plugin(StorageOnWorker(read))
