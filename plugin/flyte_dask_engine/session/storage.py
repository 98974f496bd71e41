"""The SDK's storage settings for fsspec, in the runner during a session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flyte_dask_engine.cluster_plugins.storage import add_options
from flyte_dask_engine.host import Host

__all__ = ["storage_here"]

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
