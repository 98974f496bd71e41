"""Tasks side by side in one process: each finds its own cluster, in its threads too."""

# pyright: reportAttributeAccessIssue=false
# (pyright takes a synchronous cluster for an asynchronous one)

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any, TypeVar

import dask.config
import distributed
import pytest
from dask.delayed import delayed
from dask.system import CPU_COUNT

from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from tests.support.backend import ADDRESS
from tests.support.processes import PATIENCE

_T = TypeVar("_T")

TASKS = 3


def scheduler_of_worker() -> str:
    """The address of the scheduler of the worker that runs it."""
    return str(distributed.get_worker().scheduler.address)


def address_of(client: Any) -> str:
    """The address of its scheduler."""
    return str(client.scheduler.address)


def seen() -> set[str]:
    """The addresses of the schedulers that are found in every way."""
    with distributed.Client() as own:
        of_own_client = {address_of(own), address_of(distributed.default_client())}
    return {
        *of_own_client,
        address_of(distributed.default_client()),
        address_of(distributed.get_client()),
        address_of(distributed.Client.current()),
        delayed(scheduler_of_worker)().compute(),
        distributed.get_client().submit(bare_compute_of_a_dask_task).result(),
    }


def bare_compute_of_a_dask_task() -> str:
    """What a Dask task itself finds, in a thread of its worker."""
    return str(delayed(scheduler_of_worker)().compute())


def in_thread(call: Callable[[], _T]) -> _T:
    """The result of *call* in a new thread."""
    result: Future[_T] = Future()

    def run() -> None:
        try:
            result.set_result(call())
        except Exception as error:
            result.set_exception(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return result.result()


def in_pool(call: Callable[[], _T]) -> _T:
    """The result of *call* in a thread of a pool."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


class Task:
    """A task whose session is opened, used and closed when the test says so, in its own thread."""

    def __init__(self, **settings: Any) -> None:
        self._config = Dask(workers=1).with_runtime(**settings)
        self._thread = ThreadPoolExecutor(1)
        self._stack = ExitStack()

    def start(self) -> str:
        """Open its session; the address of its cluster."""
        opening = session(self._config, "etl")
        opened = self._thread.submit(self._stack.enter_context, opening).result(PATIENCE)
        return address_of(opened.client)

    def run(self, function: Callable[[], _T]) -> _T:
        """The result of *function* in its thread."""
        return self._thread.submit(function).result(PATIENCE)

    def end(self) -> None:
        """Close its session."""
        self._thread.submit(self._stack.close).result(PATIENCE)

    def leave(self) -> None:
        """End whatever is left."""
        self.end()
        self._thread.shutdown()


@contextmanager
def tasks(number: int, **settings: Any) -> Iterator[list[Task]]:
    """Tasks that have not started yet; after the block nothing of them is left."""
    made = [Task(**settings) for _ in range(number)]
    keys = ("scheduler-address", "scheduler")
    before = [dask.config.get(key, None) for key in keys]
    try:
        yield made
    finally:
        for each in made:
            each.leave()
    assert [dask.config.get(key, None) for key in keys] == before
    assert threading.Thread.start.__module__ == "threading"
    assert ThreadPoolExecutor.submit.__module__ == "concurrent.futures.thread"
    assert distributed.Client.__init__.__module__ == "distributed.client"


@pytest.mark.parametrize(
    "place",
    [lambda call: call(), in_thread, in_pool, lambda call: in_pool(lambda: in_thread(call))],
)
@pytest.mark.parametrize("client", [True, False])
def test_each_finds_its_own_cluster(place: Any, client: bool) -> None:
    with tasks(TASKS, client=client) as made:
        addresses = [each.start() for each in made]
        assert len(set(addresses)) == TASKS
        for each, address in zip(made, addresses, strict=True):
            found = each.run(lambda: place(seen if client else own_client))
            assert found == {address}


def test_work_in_a_shared_pool_belongs_to_the_task_that_submits_it() -> None:
    """The pool's thread was started by another, as in the default executor of an event loop."""
    with ThreadPoolExecutor(1) as pool, tasks(2) as made:
        for each in made:
            address = each.start()
            assert each.run(lambda: pool.submit(seen).result()) == {address}


def own_client() -> set[str]:
    """What a function finds that opens a client of its own, without one of the session."""
    with distributed.Client() as own:
        return {
            address_of(own),
            address_of(distributed.default_client()),
            delayed(scheduler_of_worker)().compute(),
        }


@pytest.mark.parametrize("order", [*itertools.permutations(range(TASKS))])
def test_no_end_breaks_another(order: tuple[int, ...]) -> None:
    """In whatever order they end, each thread of the others still has its cluster."""
    with tasks(TASKS) as made:
        addresses = [each.start() for each in made]
        left = [*range(TASKS)]
        for number in order:
            made[number].end()
            left.remove(number)
            for other in left:
                assert made[other].run(lambda: in_thread(seen)) == {addresses[other]}


def test_tasks_of_one_cluster_have_a_client_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of one closes only what it opened."""
    opened: list[Any] = []
    with (
        distributed.LocalCluster(
            n_workers=min(2, CPU_COUNT),
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        tasks(2) as (first, second),
    ):
        monkeypatch.setenv(ADDRESS, cluster.scheduler_address)
        for each in (first, second):
            each.start()
            opened.append(each.run(lambda: in_thread(distributed.Client)))
        first.end()
        assert [each.status for each in opened] == ["closed", "running"]
        assert second.run(lambda: in_thread(seen)) == {cluster.scheduler_address}


def test_one_without_a_client_does_not_use_anothers() -> None:
    with tasks(1) as made:
        made.append(Task(client=False))
        one, other = made
        one.start()
        other.start()
        with pytest.raises(ValueError, match="No clients found"):
            other.run(partial(in_thread, distributed.default_client))


def test_a_user_may_change_the_address() -> None:
    with (
        tasks(1) as (task,),
        distributed.LocalCluster(
            n_workers=1,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address=":0",
        ) as other,
    ):

        def function() -> str:
            with (
                dask.config.set({"scheduler-address": other.scheduler_address}),
                distributed.Client() as client,
            ):
                return address_of(client)

        task.start()
        assert task.run(function) == other.scheduler_address
