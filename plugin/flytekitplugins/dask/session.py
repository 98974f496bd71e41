"""The session of a task: its cluster, ready and used, while its function runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import attrs
from distributed import Client, Scheduler
from flytekit.core.constants import FLYTE_INTERNAL_IMAGE_ENV_VAR
from flytekit.core.context_manager import ExecutionState, FlyteContextManager

from flyte_dask.config import Dask
from flyte_dask.inheritance import Parent
from flyte_dask.runtime import Runtime, with_environment
from flytekitplugins.dask.connection import connect, wait_for_workers
from flytekitplugins.dask.failures import NoCluster
from flytekitplugins.dask.joining import joined
from flytekitplugins.dask.local import Shape, local_cluster, told
from flytekitplugins.dask.progress import progress
from flytekitplugins.dask.shipping import code_of, ship
from flytekitplugins.dask.telling import logger, make_audible, start_line, tells_what_it_did
from flytekitplugins.dask.versions import check_versions

__all__ = ["session"]

_ADDRESS = "DASK_SCHEDULER_ADDRESS"


@contextmanager
def session(
    config: Dask, task_name: str, parent: Parent | None = None, root: Path | None = None
) -> Iterator[Client]:
    """A client of *task_name*'s cluster, Dask's default one until the block ends.

    The cluster is the one at ``DASK_SCHEDULER_ADDRESS``, which Flyte sets; without that, and not on
    Flyte, a local one of the shape that *config* has in a task which asks for *parent*, and whose
    code is imported from the folder *root*. That ends with the block.

    Raises:
        NoCluster: on Flyte without an address.
        ClusterUnavailable: if the scheduler or the workers are not there in time.
        WrongEnvironment: if versions differ so that the cluster cannot work.
        InvalidConfig: with every bad variable of the environment.
    """
    runtime = with_environment(config.runtime, os.environ)
    make_audible(on_flyte=_on_flyte())
    with ExitStack() as stack:
        place = stack.enter_context(_place(config, runtime, task_name, parent, root))
        stack.enter_context(joined(place.address))
        client = connect(place.address, runtime, task_name)
        stack.callback(client.close)
        if runtime.client:
            # not by entering the client, for functions do that with the default one, and leave it
            stack.enter_context(client.as_current())
        wait_for_workers(client, place.workers, runtime, task_name)
        info = client.scheduler_info(n_workers=-1)
        if not place.is_local:
            _prepare(client, info, config, runtime, task_name)
        shows = runtime.dashboard or not place.is_local
        dashboard = urlsplit(place.address).hostname if shows else None
        logger.info("%s %s", task_name, start_line(config, info, place.where, dashboard))
        stack.enter_context(tells_what_it_did(client, task_name, paid=not place.is_local))
        yield client


@attrs.frozen
class _Place:
    """Where a session is."""

    address: str
    workers: int
    """How many to wait for."""
    where: str
    is_local: bool = False


@contextmanager
def _place(
    config: Dask, runtime: Runtime, task_name: str, parent: Parent | None, root: Path | None
) -> Iterator[_Place]:
    """The cluster that Flyte has started; else a local one, until the block ends."""
    address = os.environ.get(_ADDRESS)
    if address:
        yield _Place(address, runtime.min_workers, f"on {address}")
        return
    if runtime.require_cluster and _on_flyte():
        raise NoCluster(
            f"{task_name} runs on Flyte, but {_ADDRESS} is not set: Flyte started no Dask cluster "
            "for it. Enable the dask plugin in this site's Flyte (enabled_plugins), or run the "
            "function as a plain @task; Runtime(require_cluster=False) starts a cluster in its pod"
        )
    wanted = Shape.on_flyte(config.workers.number_of_workers, config.resolve(parent))
    shape = wanted.on_this_machine(runtime)
    with ExitStack() as stack:
        cluster = stack.enter_context(local_cluster(shape, runtime, root))
        if runtime.progress:
            stack.enter_context(progress(cast("Scheduler", cluster.scheduler), task_name))
        where = told(shape, wanted, runtime)
        yield _Place(cluster.scheduler_address, shape.workers, where, is_local=True)


def _prepare(
    client: Client, info: Mapping[str, Any], config: Dask, runtime: Runtime, task_name: str
) -> None:
    """Make sure that the cluster can run what the runner sends."""
    if runtime.check_versions:
        names = {address: str(each["name"]) for address, each in info["workers"].items()}
        check_versions(client, names, _images(config), task_name)
    if runtime.ship_code:
        code = code_of(FlyteContextManager.current_context())
        if code is not None:
            ship(client, code)


def _images(config: Dask) -> dict[str, str]:
    """The images of runner, scheduler and workers; empty where it is not known."""
    tasks = os.environ.get(FLYTE_INTERNAL_IMAGE_ENV_VAR, "")
    images = {"runner": tasks}
    for name, role in (("scheduler", config.scheduler), ("workers", config.workers)):
        image = tasks if role.image is None else role.image
        images[name] = image if isinstance(image, str) else "an ImageSpec"
    return images


def _on_flyte() -> bool:
    state = FlyteContextManager.current_context().execution_state
    return state is not None and state.mode == ExecutionState.Mode.TASK_EXECUTION
