"""Where an exception came from: a client of the session's cluster, one of another, or neither.

A task may use other clusters next to its own, and raise any exception itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

from distributed import Client

from flyte_dask_engine.distributed_internals import address_of, client_of
from flyte_dask_engine.foreign_errors import frames_of, text_of
from flyte_dask_engine.monitor.monitor import Monitor

__all__ = [
    "is_from_process_of_cluster",
    "is_raised_by_client",
    "is_raised_in_task",
    "is_without_scheduler",
    "worker_of",
]

_ABSENT = ("object not properly initialized", "but no Client active")
_REBUILT = "__traceback_maker"  # what tblib raises in each frame of a traceback that it rebuilds


def is_raised_by_client(error: BaseException, monitor: Monitor) -> bool | None:
    """Whether a client of the cluster of *monitor* raised *error*; None if no client of any did.

    A client that raises is among the frames of the traceback. A function can also ask a future for
    its exception, and raise that itself. The causes of *error* are not considered.
    """
    futures = (state for client in monitor.clients() for state in [*client.futures.values()])
    if any(state.exception is error for state in futures):
        return True
    found = [address_of(client) for client in _clients_in(error)]
    return found[-1] == monitor.subject.address if found else None


def worker_of(error: BaseException, monitor: Monitor) -> tuple[str, int] | None:
    """The name and the memory limit of the worker on which a task raised *error*, if known."""
    if not is_from_process_of_cluster(error) or is_raised_by_client(error, monitor) is False:
        return None
    return monitor.worker_of(repr(error))


def is_from_process_of_cluster(error: BaseException) -> bool:
    """Whether *error* was raised in another process, and a client raised it here again."""
    frames = [*frames_of(error)]
    if not frames:
        return False
    innermost = frames[-1]
    is_rebuilt = _REBUILT in innermost.f_code.co_names
    # the traceback is not sent along if it is too long
    return is_rebuilt or innermost.f_globals.get("__name__") == Client.__module__


def is_raised_in_task(error: BaseException) -> bool:
    """Whether the code of a Dask task raised *error*, as opposed to distributed on its behalf."""
    rebuilt = [each for each in frames_of(error) if _REBUILT in each.f_code.co_names]
    return bool(rebuilt) and "distributed" not in PurePath(rebuilt[-1].f_code.co_filename).parts


def is_without_scheduler(error: BaseException) -> bool:
    """Whether *error* is that of a closed client, or of its absence, as Dask itself raises it.

    A closed client has None for its scheduler, and Dask calls methods of that.
    """
    frames = [*frames_of(error)]
    if not frames:
        return False
    code, module = frames[-1].f_code, str(frames[-1].f_globals.get("__name__"))
    if module.partition(".")[0] not in {"dask", "distributed"}:
        return False
    if isinstance(error, AttributeError):
        # a frame that raises the error of a Dask task once more does not have its attribute
        return text_of(error).startswith("'NoneType'") and error.name in code.co_names
    return any(each in text_of(error) for each in _ABSENT)


def _clients_in(error: BaseException) -> Iterator[Client]:
    """The clients whose methods are in the traceback of *error*, from the outermost one."""
    for frame in frames_of(error):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "distributed":
            client = client_of(frame.f_locals.get("self"))
            if client is not None:
                yield client
