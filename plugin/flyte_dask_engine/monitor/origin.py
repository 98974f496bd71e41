"""Where an exception came from: a client of the session's cluster, one of another, or neither.

A task may use other clusters next to its own, and raise any exception itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from distributed import Client, Future

from flyte_dask_engine.distributed_internals import address_of
from flyte_dask_engine.foreign_errors import frames_of

__all__ = ["is_from_process_of_cluster", "is_raised_by_client_of"]

_REBUILT = "__traceback_maker"  # what tblib raises in each frame of a traceback that it rebuilds


def is_raised_by_client_of(
    address: str, error: BaseException, clients: Iterable[Client]
) -> bool | None:
    """Whether a client of the scheduler at *address* raised *error*; None if no client did.

    A client that raises is among the frames of the traceback. A function can also ask a future for
    its exception, and raise that itself.

    Args:
        address: the scheduler's address.
        error: the exception; its causes are not considered.
        clients: the clients of that scheduler whose futures may hold it.
    """
    futures = (state for client in clients for state in [*client.futures.values()])
    if any(state.exception is error for state in futures):
        return True
    found = [address_of(client) for client in _clients_in(error)]
    return found[-1] == address if found else None


def is_from_process_of_cluster(error: BaseException) -> bool:
    """Whether *error* was raised in another process, and a client raised it here again."""
    frames = [*frames_of(error)]
    if not frames:
        return False
    innermost = frames[-1]
    is_rebuilt = _REBUILT in innermost.f_code.co_names
    # the traceback is not sent along if it is too long
    return is_rebuilt or innermost.f_globals.get("__name__") == Client.__module__


def _clients_in(error: BaseException) -> Iterator[Client]:
    """The clients whose methods are in the traceback of *error*, from the outermost one."""
    for frame in frames_of(error):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == "distributed":
            owner = frame.f_locals.get("self")
            client = owner.client if isinstance(owner, Future) else owner
            if isinstance(client, Client):
                yield client
