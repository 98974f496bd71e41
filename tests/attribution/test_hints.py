"""Habits from elsewhere: a note on the exception says what to do, or there is no exception."""

# pyright: reportOptionalMemberAccess=false
# (the mistakes are the point)

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest
from dask.delayed import delayed
from dask.utils import format_bytes
from flyteidl.core.errors_pb2 import ContainerError

from flyte_dask import Dask
from flyte_dask_engine.attribution.hints import hinting
from flyte_dask_engine.errors import WorkersLost
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask.host import FLYTEKIT
from tests.support import faulty, steps
from tests.support.backend import cluster
from tests.support.runner import CODE, run_task

pytestmark = [pytest.mark.fault, pytest.mark.slow]

VARIABLE = steps.REGION


@pytest.fixture(scope="module")
def opened() -> Iterator[Session]:
    """A session with workers that are processes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("FLYTE_DASK_LOCAL", "processes")
        with session(Dask(workers=1), "etl", host=FLYTEKIT) as made:
            yield made


def client() -> Any:
    """The session's client."""
    return distributed.get_client()


def notes_of(error: BaseException) -> list[str]:
    """Its notes."""
    return list(getattr(error, "__notes__", []))


def on_worker(function: Callable[[], object]) -> object:
    """Its result on a worker."""
    return client().submit(function).result()


def sets_the_environment(read: Callable[[], str]) -> str:
    """Sets a variable, and computes *read* on a worker."""
    os.environ[VARIABLE] = "eu"
    return str(delayed(read)().compute())


def uses_worker_client() -> int:
    """Uses a worker's client where there is no worker."""
    with distributed.worker_client() as own:
        return int(own.submit(sum, [1, 2]).result())


SIZE = "of the size that its config sets: @task(task_config=Dask(workers=...))"

HABITS: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "Client(n_workers=4)": (lambda: distributed.Client(n_workers=4), ValueError, SIZE),
    "Client(processes=False)": (lambda: distributed.Client(processes=False), ValueError, SIZE),
    "cluster.scale": (lambda: client().cluster.scale(4), AttributeError, "Dask(workers=...)"),
    "cluster.adapt": (lambda: client().cluster.adapt(maximum=4), AttributeError, "(workers=...)"),
    "cluster.close": (lambda: client().cluster.close(timeout=1), AttributeError, "ends by itself"),
    "worker_client": (uses_worker_client, ValueError, "use get_client() here"),
    "os.environ": (
        lambda: sets_the_environment(steps.region),
        KeyError,
        "@task(environment={...})",
    ),
    "current_context": (
        lambda: client().submit(steps.secret).result(),
        ValueError,
        "in the runner only",
    ),
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_note_says_what_to_do(
    habit: str, opened: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Python 3.10 has no notes, so there it is a warning in the log."""
    monkeypatch.setenv(VARIABLE, "")  # which restores it
    function, kind, hint = HABITS[habit]
    with pytest.raises(kind) as caught:
        opened.run(function)
    (note,) = notes_of(caught.value)
    assert hint in note
    warnings = [
        each.getMessage() for each in caplog.records if each.name == "flytekit.dask.runtime"
    ]
    is_logged = [f"etl: {kind.__name__}: {note}"] if sys.version_info < (3, 11) else []
    assert warnings == is_logged
    with pytest.raises(kind), hinting(opened._monitor):
        raise caught.value
    assert notes_of(caught.value) == [note]


@pytest.mark.parametrize(
    "function",
    [
        lambda: sets_the_environment(steps.region_of_mapping),
        lambda: os.environ["ACME_UNSET"],
        steps.secret,
        lambda: [].scale(4),  # type: ignore[attr-defined]
        lambda: int("Unexpected keyword arguments"),
        lambda: distributed.Client(client().scheduler.address, nworkers=3),
    ],
)
def test_other_errors_have_no_note(
    function: Callable[[], object], opened: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises((AttributeError, KeyError, ValueError)) as caught:
        opened.run(function)
    assert notes_of(caught.value) == []


class TestATaskThatLacks:
    """The note names the worker, and what would help."""

    @pytest.mark.parametrize("lazy", [True, False])
    def test_memory(self, lazy: bool, opened: Session) -> None:
        """Also if its futures are released already."""
        work = delayed(bytearray)(2**62).compute if lazy else None
        submitted = lambda: client().submit(bytearray, 2**62).result()  # noqa: E731
        with pytest.raises(MemoryError) as caught:
            opened.run(work or submitted)
        (worker,) = client().scheduler_info()["workers"].values()
        (note,) = notes_of(caught.value)
        assert note == (
            f"It was raised on worker 0, whose memory limit is "
            f"{format_bytes(worker['memory_limit'])}. The workers share this machine's memory: use "
            "fewer of them, with_workers(...); or let each hold less at a time: smaller "
            "partitions, fewer CPUs."
        )

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
    def test_disk(self, opened: Session) -> None:
        with pytest.raises(OSError, match="No space left") as caught:
            opened.run(lambda: client().submit(steps.write_to_full_disk).result())
        (note,) = notes_of(caught.value)
        assert note == (
            "It was raised on worker 0. Free space on this machine's disk, or let Dask use another "
            "one: DASK_TEMPORARY_DIRECTORY."
        )

    def test_memory_in_the_runner(self, opened: Session) -> None:
        """It has no note: no worker is to blame."""
        with pytest.raises(MemoryError) as caught:
            opened.run(lambda: bytearray(2**61))
        assert notes_of(caught.value) == []

    def test_memory_on_flyte(self, tmp_path: Path) -> None:
        with cluster(workers=1, nannies=False, env=CODE) as made:
            done = run_task(faulty.lacks_memory, tmp_path, made.env)
        assert done.error.kind == ContainerError.NON_RECOVERABLE
        assert "MemoryError" in done.message
        note = (
            "It was raised on worker default-worker-0, whose memory limit is 1.00 GiB. Raise "
            "workers.limits.mem from 512Mi: with_workers(mem=...); or let each worker hold less at "
            "a time: smaller partitions, fewer CPUs."
        )
        assert note in (done.message if sys.version_info >= (3, 11) else done.log)


def enters_the_client() -> int:
    """Enters the default client, which would close it, and computes again."""
    with client() as entered:
        assert entered.submit(sum, [1, 2]).result() == 3
    return int(delayed(os.getpid)().compute())


def closes_the_client() -> int:
    """Closes the default client, and computes again."""
    client().close()
    return int(delayed(os.getpid)().compute())


@pytest.mark.parametrize("function", [enters_the_client, closes_the_client])
def test_the_sessions_client_survives(function: Callable[[], int], opened: Session) -> None:
    """A bare compute uses the cluster, and not the runner, as before."""
    assert opened.run(function) != os.getpid()
    assert opened.client.status == "running"


@pytest.mark.parametrize(
    ("local", "remedy"),
    [
        ("threads", 'cannot be restarted; with_runtime(local="processes")'),
        ("processes", "restart() them: it starts them again."),
    ],
)
def test_retired_workers_do_not_come_back(
    local: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLYTE_DASK_LOCAL", local)
    monkeypatch.setenv("FLYTE_DASK_STALL_TIMEOUT", "1")

    def function() -> object:
        client().retire_workers()
        return delayed(os.getpid)().compute()

    with (
        session(Dask(workers=1), "etl") as opened,
        pytest.raises(WorkersLost, match="there was no worker for 1 s") as caught,
    ):
        opened.run(function)
    (note,) = notes_of(caught.value)
    assert "retire_workers() ends them for good. Omit it." in note
    assert remedy in note


def test_an_exception_that_fights_back_arrives(opened: Session) -> None:
    class Odd(ValueError):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    with pytest.raises(Odd), hinting(opened._monitor):
        raise Odd
