"""The client of a task's cluster, while its function runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from distributed import Client
from flytekit.core.context_manager import ExecutionState, FlyteContextManager

from flyte_dask.config import Dask
from flyte_dask.errors import FlyteDaskError
from flytekitplugins.dask.local import local_cluster

__all__ = ["NoCluster", "session"]

logger = logging.getLogger("flytekit.dask")  # below flytekit's, whose level and format it has

_ADDRESS = "DASK_SCHEDULER_ADDRESS"
_CONNECT_TIMEOUT = 60  # seconds; Flyte starts scheduler and runner together, without waiting


class NoCluster(FlyteDaskError, RuntimeError):
    """The task runs on Flyte, and Flyte started no Dask cluster for it."""


@contextmanager
def session(config: Dask, task_name: str) -> Iterator[Client]:
    """A client of *task_name*'s cluster, Dask's default one until the block ends.

    The cluster is the one at ``DASK_SCHEDULER_ADDRESS``, which Flyte sets; without that, and not on
    Flyte, an in-process one that ends with the block.

    Raises:
        NoCluster: on Flyte without an address.
        OSError: if the scheduler does not answer within 60 seconds.
    """
    address = os.environ.get(_ADDRESS)
    if not address and _on_flyte():
        raise NoCluster(
            f"{task_name} runs on Flyte, but {_ADDRESS} is not set: Flyte started no Dask cluster "
            "for it. Enable the dask plugin in this site's Flyte (enabled_plugins), or run the "
            "function as a plain @task"
        )
    with ExitStack() as stack:
        place = address or stack.enter_context(local_cluster(config.workers))
        client = stack.enter_context(Client(place, timeout=_CONNECT_TIMEOUT))
        logger.info("%s runs with %s", task_name, client)
        yield client


def _on_flyte() -> bool:
    state = FlyteContextManager.current_context().execution_state
    return state is not None and state.mode == ExecutionState.Mode.TASK_EXECUTION
