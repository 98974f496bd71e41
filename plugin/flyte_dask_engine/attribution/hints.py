"""Hints for habits from elsewhere, as notes on the exceptions that Dask raises for them.

Each recogniser looks at an exception that leaves the function, and returns a sentence or two if it
comes from such a habit.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from inspect import signature
from itertools import islice
from pathlib import PurePath
from traceback import walk_tb
from types import FrameType
from typing import Any

from distributed import LocalCluster

from flyte_dask_engine.attribution.origin import is_from_process_of_cluster, worker_of
from flyte_dask_engine.errors import WorkersLost
from flyte_dask_engine.foreign_errors import chain_of, is_of_full_disk, tame
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = ["hinting"]

_Recogniser = Callable[[BaseException, Monitor], "str | None"]

_CLIENT = "distributed/client.py"
_CONFIG = "Dask(workers=...)"
_PATIENCE = 1  # seconds for the scheduler's events
_MOST = 20  # exceptions of a chain that are looked at


@contextmanager
def hinting(monitor: Monitor) -> Iterator[None]:
    """Add hints to the exceptions of the block, which ran next to the cluster of *monitor*.

    They are notes, which Python prints below the exception. They are logged as warnings where a
    user does not see them: before Python 3.11, which has no notes, and with some SDKs.
    """
    try:
        yield
    except Exception as error:
        tame(error)
        for each in islice(chain_of(error, with_contexts=True), _MOST):
            for recognise in _RECOGNISERS:
                with suppress(Exception):  # whatever it does, the user's exception has to arrive
                    hint = recognise(each, monitor)
                    if hint is not None:
                        _add(each, hint, monitor)
        raise


def _add(error: BaseException, hint: str, monitor: Monitor) -> None:
    """Add *hint* to *error* once."""
    known: Any = error
    notes = getattr(known, "__notes__", [])
    if hint in notes:
        return
    known.__notes__ = [*notes, hint]  # as `add_note` of Python 3.11 does
    subject = monitor.subject
    if sys.version_info < (3, 11) or not subject.host.shows_notes:
        subject.logger.warning("%s: %s: %s", subject.task, type(error).__name__, hint)


def _frames(error: BaseException) -> list[tuple[FrameType, int]]:
    """The frames of the traceback of *error*, with the line of each; the innermost one is last."""
    return [*walk_tb(error.__traceback__)]


def _place(frame: FrameType) -> str:
    """The file of *frame*, with its folder, such as ``distributed/client.py``."""
    return PurePath(*PurePath(frame.f_code.co_filename).parts[-2:]).as_posix()


def _cluster_of_its_own(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise ``Client(n_workers=4)`` and ``Client(processes=False)``."""
    if not isinstance(error, ValueError) or "Unexpected keyword arguments" not in str(error):
        return None
    of_cluster = signature(LocalCluster).parameters
    if not any(f"'{name}'" in str(error) for name in of_cluster):
        return None
    if _place(_frames(error)[-1][0]) != _CLIENT:
        return None
    return (
        "The task has its cluster already, of the size that its config sets: "
        f"{monitor.subject.host.config_code.format(_CONFIG)}. Client() without arguments connects "
        "to it, and a bare .compute() uses it without a client."
    )


def _cluster_of_the_client(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise ``client.cluster.scale(4)`` and the like: the client has an address only."""
    methods = {"adapt", "close", "scale", "scale_down", "scale_up"}
    if not isinstance(error, AttributeError) or error.obj is not None or error.name not in methods:
        return None
    frame, line = _frames(error)[-1]
    source = linecache.getline(frame.f_code.co_filename, line)
    if source and "cluster" not in source:
        return None
    if error.name == "close":
        return "If this is .cluster of a client: it is None, and the task's cluster ends by itself."
    host = monitor.subject.host
    return (
        "If this is .cluster of a client: it is None, since Flyte starts the task's cluster, whose "
        f"size stays as it is: {host.config_code.format(_CONFIG)}, or for one call "
        f"{host.override_code.format(_CONFIG)}."
    )


def _client_of_a_worker(error: BaseException, monitor: Monitor) -> str | None:  # noqa: ARG001
    """Recognise ``worker_client()`` and ``get_worker()`` in the function."""
    frames = _frames(error)
    if not isinstance(error, ValueError) or not frames:
        return None
    frame = frames[-1][0]
    if frame.f_code.co_name != "get_worker" or _place(frame) != "distributed/worker.py":
        return None
    return (
        "The function runs next to the cluster, and not on a worker: use get_client() here. "
        "worker_client() and get_worker() are for Dask tasks, which workers run."
    )


def _nanny(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise ``client.restart_workers(...)`` in a local cluster of threads."""
    is_it = isinstance(error, ValueError) and "Restarting workers requires a nanny" in str(error)
    if not is_it or not monitor.subject.is_local or "with_runtime" in str(error):
        return None
    return 'Workers in threads have no nannies: use with_runtime(local="processes") for this.'


def _environment(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise a variable that the function sets in ``os.environ``, and a worker reads."""
    if not isinstance(error, KeyError) or len(error.args) != 1 or not _frames(error):
        return None
    if monitor.subject.is_in_threads or not is_from_process_of_cluster(error):
        return None
    name, frame = error.args[0], _frames(error)[-1][0]
    is_of_os = _place(frame) == "<frozen os>" or _place(frame).endswith("/os.py")
    if not is_of_os or frame.f_code.co_name != "__getitem__" or name not in {*os.environ}:
        return None
    code = monitor.subject.host.environment_code.format("{...}")
    return (
        f"The runner has the environment variable {name}, and the worker has not: what a function "
        "sets in os.environ stays in its own process. Set it for all pods by "
        f"{code}, or pass the value to the work as an argument."
    )


def _retired(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise ``client.retire_workers()``, after which no worker is left for more work."""
    if not isinstance(error, WorkersLost):
        return None
    events = monitor.ask("events", _PATIENCE, topic="all")
    if not any(event.get("action") == "retire-workers" for _, event in events):
        return None
    return monitor.subject.retired()


def _memory_of_worker(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise a Dask task that lacks memory."""
    worker = worker_of(error, monitor) if isinstance(error, MemoryError) else None
    return None if worker is None else monitor.subject.lack_of_memory(*worker)


def _disk_of_worker(error: BaseException, monitor: Monitor) -> str | None:
    """Recognise a Dask task that writes to a full disk."""
    worker = worker_of(error, monitor) if is_of_full_disk(error) else None
    return None if worker is None else monitor.subject.lack_of_disk(worker[0])


def _of_sdk(error: BaseException, monitor: Monitor) -> str | None:
    return monitor.subject.host.hint(error)


_RECOGNISERS: tuple[_Recogniser, ...] = (
    _cluster_of_its_own,
    _cluster_of_the_client,
    _client_of_a_worker,
    _nanny,
    _environment,
    _retired,
    _memory_of_worker,
    _disk_of_worker,
    _of_sdk,
)
