"""Tasks for the tests, at module level as flytekit requires."""

# ruff: noqa: ARG002
# (arguments of a transformer)
# pyright: reportReturnType=false, reportOptionalMemberAccess=false
# (as in examples/: promises, and a client that has a scheduler)

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import distributed
import psutil
from dask.base import compute
from dask.delayed import delayed
from flytekit import dynamic, task, workflow
from flytekit.core.type_engine import TypeEngine, TypeTransformer
from flytekit.models.literals import Literal, Primitive, Scalar
from flytekit.models.types import LiteralType, SimpleType

from flytekitplugins.dask import Dask


def worker_address() -> str:
    """The address of the worker that runs it."""
    return str(distributed.get_worker().address)


@task(task_config=Dask(workers=2))
def bare_compute() -> list[str]:
    """Uses the cluster without naming it; the addresses of the workers that computed."""
    calls = [delayed(worker_address)(dask_key_name=f"call-{number}") for number in range(8)]
    return sorted(set(compute(*calls)))


@task(task_config=Dask(workers=2))
def workers_of_its_own() -> list[str]:
    """Identities of its workers: an address can be used again by the next cluster."""

    def identity(dask_worker: distributed.Worker) -> str:
        return str(dask_worker.id)

    client: Any = distributed.get_client()
    return sorted(client.run(identity).values())


@task(task_config=Dask(workers=2))
def client_of_its_own() -> bool:
    """Whether a user's own client connects to the task's cluster."""
    with distributed.Client() as own:
        return str(own.scheduler.address) == _scheduler()


def _scheduler() -> str:
    return str(distributed.default_client().scheduler.address)


def listening() -> list[str]:
    """The addresses at which this process and its children listen."""
    own = psutil.Process()
    connections = [
        connection
        for process in (own, *own.children(recursive=True))
        for connection in process.net_connections(kind="inet")
    ]
    return sorted({each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN})


@task(task_config=Dask())
def listening_while_it_runs() -> list[str]:
    """The addresses at which this process listens, with a local cluster."""
    return listening()


@task(task_config=Dask(workers=2))
def worker_process() -> int:
    """The id of a worker's process."""
    return int(distributed.default_client().submit(os.getpid).result())


def first_worker() -> dict[str, Any]:
    """The scheduler's information on a worker."""
    (worker, *_) = distributed.default_client().scheduler_info(n_workers=-1)["workers"].values()
    return dict(worker)


@task(task_config=Dask())
def threads() -> int:
    """The number of threads of a worker."""
    return int(first_worker()["nthreads"])


@task(task_config=Dask().with_workers(mem="512Mi"))
def memory_limit() -> int:
    """The memory limit of a worker, in bytes."""
    return int(first_worker()["memory_limit"])


@task(task_config=Dask())
def dashboard() -> str:
    """The page of the dashboard, or the error of requesting it."""
    port = distributed.default_client().scheduler_info()["services"]["dashboard"]
    try:
        with urlopen(f"http://127.0.0.1:{port}/status") as page:
            return str(page.read(), "utf-8")
    except HTTPError as error:
        return str(error)


class Lazy:
    """A result that is computed when flytekit converts it."""

    def __init__(self, address: str = "", what: Callable[[], object] = worker_address) -> None:
        self.address = address
        self.what = what


class _LazyTransformer(TypeTransformer[Lazy]):
    """Stores what a worker computes on conversion, by default its address."""

    def __init__(self) -> None:
        super().__init__("lazy", Lazy)

    def get_literal_type(self, t: type[Lazy]) -> LiteralType:
        return LiteralType(simple=SimpleType.STRING)

    def to_literal(
        self, ctx: object, python_val: Lazy, python_type: type[Lazy], expected: LiteralType
    ) -> Literal:
        address = str(delayed(python_val.what)().compute())
        return Literal(scalar=Scalar(primitive=Primitive(string_value=address)))

    def to_python_value(self, ctx: object, lv: Literal, expected_python_type: type[Lazy]) -> Lazy:
        return Lazy(str(lv.scalar.primitive.string_value))


TypeEngine.register(_LazyTransformer())


@task(task_config=Dask())
def lazy() -> Lazy:
    """Returns a value that its worker computes later."""
    return Lazy()


@task(task_config=Dask(workers=2))
def leaves_its_client_open() -> int:
    """Returns without closing its client."""
    own = distributed.Client()
    return int(own.submit(sum, [1, 2]).result())


@task(task_config=Dask(workers=2))
async def leaves_its_asynchronous_client_open() -> int:
    """Returns without closing its asynchronous client."""
    own = await distributed.Client(asynchronous=True)
    return int(await own.submit(sum, [1, 2]))


@task(task_config=Dask())
def leaves_its_work_undone() -> int:
    """Returns while a worker is still computing."""
    started = distributed.Event("started")
    distributed.fire_and_forget(distributed.default_client().submit(waits_long))
    started.wait()
    return 1


def waits_long() -> None:
    """Signal that it has started, and run for a minute."""
    distributed.Event("started").set()
    threading.Event().wait(60)


@task(task_config=Dask())
def fails() -> int:
    """Raises an error of its own."""
    return int(1 / 0)


@dynamic(task_config=Dask())
def builds() -> list[str]:
    """A workflow that is built at run time."""
    return bare_compute()


@workflow
def twice() -> tuple[list[str], list[str]]:
    """One Dask task after the other."""
    return workers_of_its_own(), workers_of_its_own()
