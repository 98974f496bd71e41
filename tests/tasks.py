"""Tasks for the tests, at a module's level, where flytekit wants them."""

# pyright: reportReturnType=false, reportOptionalMemberAccess=false
# (as in examples/: promises, and a client that has a scheduler)

from __future__ import annotations

import distributed
import psutil
from dask.base import compute
from dask.delayed import delayed
from flytekit import dynamic, task, workflow

from flytekitplugins.dask import Dask


def worker_address() -> str:
    """The address of the worker that runs it."""
    return str(distributed.get_worker().address)


@task(task_config=Dask(workers=2))
def bare_compute() -> list[str]:
    """Uses the cluster without a word of it; the addresses of the workers that computed."""
    calls = [delayed(worker_address)(dask_key_name=f"call-{number}") for number in range(8)]
    return sorted(set(compute(*calls)))


@task(task_config=Dask(workers=2))
def client_of_its_own() -> bool:
    """Whether a user's own client is one of the task's cluster."""
    with distributed.Client() as own:
        return str(own.scheduler.address) == _scheduler()


def _scheduler() -> str:
    return str(distributed.default_client().scheduler.address)


def listening() -> list[str]:
    """The addresses that this process listens at."""
    connections = psutil.Process().net_connections(kind="inet")
    return sorted({each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN})


@task(task_config=Dask())
def listening_while_it_runs() -> list[str]:
    """The addresses that this process listens at, with a local twin."""
    return listening()


@task(task_config=Dask())
def fails() -> int:
    """Raises an error of its own."""
    return int(1 / 0)


@dynamic(task_config=Dask())
def builds() -> list[str]:
    """A workflow that is built when it runs."""
    return bare_compute()


@workflow
def twice() -> tuple[list[str], list[str]]:
    """One Dask task after the other."""
    return bare_compute(), bare_compute()
