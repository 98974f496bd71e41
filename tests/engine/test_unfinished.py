"""A function that returns while its Dask tasks run: a warning with their number, and no other."""

from __future__ import annotations

import logging
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dask.base import persist
from dask.delayed import delayed
from distributed import Client, default_client, fire_and_forget, get_client

from flyte_dask import Dask
from flyte_dask_engine.monitor import unfinished
from flyte_dask_engine.session.session import session
from tests.support import steps
from tests.support.backend import ADDRESS, Cluster, cluster
from tests.support.runner import CODE

opened = threading.Event()


def blocked(number: int = 0) -> int:
    """Return *number* once the test ends."""
    opened.wait()
    return number


@pytest.fixture(autouse=True)
def _opened() -> Iterator[None]:
    opened.clear()
    yield
    opened.set()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[str, str]]]:
    """What a session logged after its metrics: level and text."""
    caplog.set_level(logging.INFO, "flyte_dask.runtime")

    def after() -> list[tuple[str, str]]:
        records = [each for each in caplog.records if each.name == "flyte_dask.runtime"]
        lines = [(each.levelname, each.getMessage()) for each in records]
        (end,) = (at for at, (_, text) in enumerate(lines) if text.startswith("etl: finished: "))
        return lines[end + 1 :]

    return after


def warning(tasks: str) -> tuple[str, str]:
    text = (
        f"etl: ended while {tasks} lost. Wait for results with result(), gather() or wait() before "
        "the function returns, and cancel() what is not needed"
    )
    return "WARNING", text


IDLE = (
    "etl: the workers ran no tasks. Use .compute(), dask.compute() or the client's submit(), or "
    "use a plain @task, which does not pay for a cluster"
)


def fires_and_forgets() -> None:
    fire_and_forget(get_client().submit(blocked))


def fires_by_a_client_of_its_own() -> None:
    with Client() as own:
        fire_and_forget(own.submit(blocked))


def submits() -> None:
    default_client().submit(blocked)


def submits_to_no_worker() -> None:
    default_client().submit(blocked, resources={"GPU": 1})


def submits_dependents() -> None:
    client: Any = get_client()
    first = client.submit(blocked)
    client.submit(steps.divided, client.submit(steps.squared, first))


def maps() -> None:
    futures = default_client().map(blocked, range(10))
    assert len(futures) == 10


def persists() -> None:
    values: Any = persist(*(delayed(blocked)(each) for each in range(3)))
    assert len(values) == 3


@pytest.mark.parametrize(
    ("function", "tasks"),
    [
        (fires_and_forgets, "1 task was unfinished; it is"),
        (fires_by_a_client_of_its_own, "1 task was unfinished; it is"),
        (submits, "1 task was unfinished; it is"),
        (submits_to_no_worker, "1 task was unfinished; it is"),
        (submits_dependents, "3 tasks were unfinished; they are"),
        (maps, "10 tasks were unfinished; they are"),
        (persists, "3 tasks were unfinished; they are"),
    ],
)
def test_it_is_warned_of(
    function: Callable[[], None], tasks: str, logged: Callable[[], list[tuple[str, str]]]
) -> None:
    with session(Dask(workers=2), "etl") as etl:
        etl.run(function)
    assert logged() == [warning(tasks)]


def test_the_report_has_it(
    logged: Callable[[], list[tuple[str, str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with session(Dask(workers=2).with_runtime(report=True), "etl") as etl:
        etl.run(maps)
    assert logged() == [warning("10 tasks were unfinished; they are")]
    (report,) = tmp_path.glob("*/report.html")
    page = report.read_text(encoding="utf-8")
    assert "at the end 10 tasks were unfinished; they are lost; consider waiting for them" in page
    assert "ran no tasks" not in page


def computes() -> None:
    assert delayed(steps.squared)(3).compute() == 9


def cancels() -> None:
    client: Any = default_client()
    futures = client.map(blocked, range(10))
    client.cancel(futures)


def releases() -> None:
    """Releases a task before the end."""
    default_client().submit(blocked).release()


def closes() -> None:
    """Closes its own client, which still has a future."""
    with Client() as own:
        future = own.submit(blocked)
    assert future.cancelled()


def has_an_actor() -> None:
    actor = default_client().submit(threading.Event, actor=True)
    actor.result()


def catches() -> None:
    """Catches a failure, at which Dask releases what else was to be computed."""
    with pytest.raises(ZeroDivisionError):
        delayed(sum)([delayed(steps.divided)(0), delayed(blocked)()]).compute()


@pytest.mark.parametrize("function", [computes, cancels, releases, closes, has_an_actor, catches])
def test_nothing_else_is(
    function: Callable[[], None],
    logged: Callable[[], list[tuple[str, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unfinished, "_RELEASES", 0.0)  # which `releases` would have to wait for
    with session(Dask(workers=2), "etl") as etl:
        etl.run(function)
    assert logged() == []


def test_an_idle_cluster_is_still_reported(logged: Callable[[], list[tuple[str, str]]]) -> None:
    with session(Dask(workers=2), "etl") as etl:
        etl.run(lambda: None)
    assert logged() == [("INFO", IDLE)]


def fails() -> None:
    default_client().submit(blocked)
    raise LookupError


def test_a_function_that_fails_is_not_warned_of(
    logged: Callable[[], list[tuple[str, str]]],
) -> None:
    with pytest.raises(LookupError), session(Dask(), "etl") as etl:
        etl.run(fails)
    assert logged() == []


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """One worker."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


@pytest.mark.once
class TestACluster:
    """Of processes, as on Flyte."""

    def test_counts_the_tasks_of_its_own_session(
        self,
        started: Cluster,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        logged: Callable[[], list[tuple[str, str]]],
    ) -> None:
        """A session that comes later is not blamed for those before."""
        monkeypatch.setenv(ADDRESS, started.address)
        file = tmp_path / "file"

        def waits() -> None:
            client: Any = default_client()
            for each in range(2):
                fire_and_forget(client.submit(steps.wait_for, str(file), key=f"waits-{each}"))

        def computes() -> int:
            file.touch()
            return int(default_client().submit(steps.squared, 3).result())

        with session(Dask(), "etl") as etl:
            etl.run(waits)
        assert logged() == [warning("2 tasks were unfinished; they are")]
        caplog.clear()
        with session(Dask(), "etl") as etl:
            assert etl.run(computes) == 9
        assert logged() == []

    def test_takes_in_a_graph_that_is_on_its_way(
        self,
        started: Cluster,
        monkeypatch: pytest.MonkeyPatch,
        logged: Callable[[], list[tuple[str, str]]],
    ) -> None:
        """The scheduler needs longer for it than the function takes."""
        monkeypatch.setenv(ADDRESS, started.address)

        def maps_much() -> None:
            client: Any = default_client()
            fire_and_forget(client.map(steps.squared, range(5000), resources={"GPU": 1}))

        with session(Dask(), "etl") as etl:
            etl.run(maps_much)
        assert logged() == [warning("5,000 tasks were unfinished; they are")]
