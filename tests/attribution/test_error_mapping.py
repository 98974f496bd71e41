"""An error of a function is mapped if its cluster caused it, which its causes show."""

from __future__ import annotations

import asyncio
import builtins
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from distributed import Client, KilledWorker, LocalCluster
from distributed.client import CancelledFuturesGroup, FutureCancelledError, FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import NoWorkerError
from flytekit.exceptions.system import FlyteNonRecoverableSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException

from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterShutDown,
    ClusterUnavailable,
    NoValidWorker,
    SchedulerLost,
    TooFewWorkers,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask, errors
from flytekitplugins.dask.host import FLYTEKIT
from tests.support import hostile
from tests.support.backend import ADDRESS, cluster
from tests.support.runner import CODE

LOST = "scheduler-connection-lost"
UNREADABLE = "Error during deserialization of the task graph. This frequently\noccurs"


@pytest.fixture(scope="module")
def opened() -> Iterator[Session]:
    """A session of a healthy cluster."""
    with session(Dask(), "etl") as made:
        yield made


@pytest.fixture(scope="module")
def other() -> Iterator[Client]:
    """A client of another cluster in this process."""
    here: dict[str, Any] = {
        "protocol": "tcp://",
        "host": "127.0.0.1",
        "dashboard_address": "127.0.0.1:0",
    }
    with (
        LocalCluster(n_workers=1, processes=False, **here) as second,
        Client(second, set_as_default=False) as made,
    ):
        yield made


def caused(error: Exception, cause: Exception) -> Exception:
    """*error*, raised from *cause*."""
    error.__cause__ = cause
    return error


def meanwhile(error: Exception, other: Exception) -> Exception:
    """*error*, raised while *other* was handled."""
    error.__context__ = other
    return error


def hidden(error: Exception, other: Exception) -> Exception:
    """*error*, raised from None while *other* was handled."""
    error.__context__, error.__suppress_context__ = other, True
    return error


def group(*reasons: str) -> FuturesCancelledError:
    """What gathering cancelled futures raises."""
    return FuturesCancelledError(
        [CancelledFuturesGroup([FutureCancelledError(each, each)], each) for each in reasons]
    )


def killed() -> KilledWorker:
    """The error of a task that killed workers."""
    return KilledWorker("merge-1", None, 3)  # type: ignore[arg-type]  # without a worker


OF_CLUSTERS: list[tuple[Callable[[], Exception], type[Exception]]] = [
    (killed, WorkersKilled),
    (lambda: NoWorkerError("merge-1", 5.0), WorkersLost),
    (lambda: asyncio.TimeoutError("Only 1/2 workers arrived after 5 s"), ClusterUnavailable),
    (lambda: CommClosedError("in <TCP>: Stream is closed"), ClusterFailure),
    (lambda: FutureCancelledError("x", LOST), ClusterFailure),
    (lambda: group("x", LOST), ClusterFailure),
]
"""Errors that a client raises if its cluster fails, and what they are mapped to."""


def waiting(client: Any) -> Any:
    """A future of *client* that stays pending."""
    return client.submit(sum, [1, 2], pure=False, workers=["tcp://192.0.2.1:1"])


def by(client: Any, error: Exception) -> Exception:
    """*error*, as *client* raises it where a future of it is waited for."""
    future = waiting(client)
    client.futures[future.key].set_error(error, None)
    with pytest.raises(type(error)) as caught:
        future.result()
    return caught.value


class Odd(Exception):
    """An error with an attribute like the members of a group."""

    def __init__(self, exceptions: Any) -> None:
        self.exceptions = exceptions


def fail(opened: Session, error: BaseException) -> BaseException:
    """The error of a session's function that raises *error*."""

    def function() -> None:
        raise error

    with pytest.raises(BaseException) as caught:  # noqa: PT011  # whatever it is
        opened.run(function)
    return caught.value


def chain(error: BaseException) -> list[BaseException]:
    """The chain that is printed of *error*; nothing may occur twice in it."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None:
        assert not any(each is following for each in found), f"{following!r} again: {found}"
        found.append(following)
        context = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or context
    return found


class TestTheClusters:
    """Found anywhere in the chain, and mapped to an error of ours."""

    @pytest.mark.parametrize(("make", "ours"), OF_CLUSTERS)
    def test_by_a_healthy_scheduler(
        self, make: Callable[[], Exception], ours: type[Exception], opened: Session
    ) -> None:
        error = by(opened.client, make())
        found = fail(opened, error)
        assert type(found) is ours
        assert found.__cause__ is error

    @pytest.mark.parametrize(
        "within",
        [
            lambda error: caused(ValueError("report"), error),
            lambda error: caused(ValueError("report"), caused(KeyError("x"), error)),
            lambda error: meanwhile(ValueError("report"), error),
        ],
    )
    def test_within_another_error(
        self, within: Callable[[Exception], Exception], opened: Session
    ) -> None:
        error = within(by(opened.client, killed()))
        found = fail(opened, error)
        assert type(found) is WorkersKilled
        assert found.__cause__ is error

    def test_of_a_client_that_is_closed_by_now(self, opened: Session) -> None:
        with Client() as own:
            error = by(own, killed())
        assert type(fail(opened, error)) is WorkersKilled

    def test_that_a_future_was_asked_for(self, opened: Session) -> None:
        client: Any = opened.client
        future = waiting(client)
        client.futures[future.key].set_error(killed(), None)
        assert type(fail(opened, future.exception())) is WorkersKilled

    @pytest.mark.parametrize("within", [caused, meanwhile])
    def test_ours_within_another_error_is_raised_itself(
        self, within: Callable[[Exception, Exception], Exception], opened: Session
    ) -> None:
        """The chain has no cycle, in which printing would not end."""
        cause = OSError("cut")
        ours = caused(WorkersLost("there was no worker for 2 s"), cause)
        error = within(ValueError("report"), ours)
        assert chain(fail(opened, error)) == [ours, error, cause]

    @pytest.mark.parametrize("within", [caused, meanwhile])
    def test_ours_without_a_cause_is_raised_from_the_error_around_it(
        self, within: Callable[[Exception, Exception], Exception], opened: Session
    ) -> None:
        ours = WorkersLost("there was no worker for 2 s")
        inner = within(ValueError("report"), ours)
        error = within(KeyError("x"), inner)
        assert chain(fail(opened, error)) == [ours, error, inner]

    def test_one_of_a_group(self, opened: Session) -> None:
        group_type: Any = getattr(builtins, "ExceptionGroup", None)
        if group_type is None:
            pytest.skip("Python 3.10 has no groups of exceptions")
        error = by(opened.client, killed())
        assert type(fail(opened, group_type("several", [ValueError(), error]))) is WorkersKilled
        cause = OSError("cut")
        for kind in (WorkersLost, NoValidWorker, TooFewWorkers, ClusterShutDown):
            ours = caused(kind("it waits"), cause)
            assert chain(fail(opened, group_type("several", [ours]))) == [ours, cause]

    def test_of_outputs_that_flytekit_converts(self) -> None:
        """Flytekit would raise it as a system error that is not retried."""
        makes: list[Callable[[Client], Exception]] = [
            lambda client: caused(ValueError("x"), by(client, killed())),
            lambda _: errors.WorkersKilled("x"),
        ]
        for make in makes:
            opening = session(Dask(), "etl", host=FLYTEKIT)
            with pytest.raises(FlyteUserRuntimeException) as caught, opening as made:
                raise FlyteNonRecoverableSystemException(make(made.client))
            assert type(caught.value.value) is errors.WorkersKilled


class TestTheFunctions:
    """They are left alone."""

    @pytest.mark.parametrize(
        "error",
        [
            ValueError("mine"),
            KeyError("mine"),
            OSError("no such file"),
            TimeoutError("mine"),
            RuntimeError("mine"),
            caused(RuntimeError(UNREADABLE), ValueError("mine, in __setstate__")),
            ModuleNotFoundError("No module named 'acme_nowhere'", name="acme_nowhere"),
            ModuleNotFoundError("mine"),
            caused(ValueError("mine"), ModuleNotFoundError("No module named 'x'", name="attrs")),
            FutureCancelledError("x", "unknown"),
            group("by the user"),
            hidden(ValueError("mine"), killed()),
            *(make() for make, _ in OF_CLUSTERS),  # which the function itself raises
            caused(ValueError("mine"), killed()),
            caused(RuntimeError(UNREADABLE), ModuleNotFoundError("mine", name="attrs")),
            ModuleNotFoundError("mine", name="attrs"),
            OSError("Timed out trying to connect to tcp://192.0.2.1:8786 after 5 s"),
            meanwhile(ValueError("mine"), CommClosedError("in <TCP>: Stream is closed")),
            meanwhile(ValueError("mine"), asyncio.TimeoutError("Only 1/2 workers arrived after 5")),
            Odd(["a"]),
            Odd(None),
            FlyteUserRuntimeException(ValueError("mine")),
            FlyteNonRecoverableSystemException(ValueError("mine")),
            WrongEnvironment("ours already"),
            asyncio.CancelledError(),
            KeyboardInterrupt(),
            SystemExit(3),
        ],
    )
    def test_whatever_it_is(self, error: BaseException, opened: Session) -> None:
        assert fail(opened, error) is error


class TestOfATask:
    """What the code of a Dask task raises is the user's, too."""

    @pytest.mark.parametrize(
        "error",
        [
            CommClosedError("mine: connection to my database"),
            TimeoutError("Only 1 workers arrived after 3 s of my own pool"),
            NoWorkerError("mine", 5.0),
        ],
    )
    def test_of_a_kind_that_dask_has_too(self, error: Exception, opened: Session) -> None:
        future = opened.client.submit(hostile.fail_with, error, pure=False)
        with pytest.raises(type(error)) as caught:
            opened.run(future.result)
        assert type(caught.value) is type(error)
        assert caught.value.args == error.args


class TestOfAnotherCluster:
    """The function may use others next to its own; their errors are its own."""

    @pytest.mark.parametrize("make", [make for make, _ in OF_CLUSTERS])
    def test_of_its_client(
        self, make: Callable[[], Exception], other: Client, opened: Session
    ) -> None:
        error = by(other, make())
        assert fail(opened, error) is error

    def test_a_lack_of_workers(self, other: Client, opened: Session) -> None:
        with pytest.raises(asyncio.TimeoutError) as caught:
            other.wait_for_workers(2, timeout=0.1)
        assert fail(opened, caught.value) is caught.value

    @pytest.mark.fault
    def test_of_real_faults(self, opened: Session) -> None:
        """Of a remote cluster: first its only worker is killed, then its scheduler."""
        env = {**CODE, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        with (
            cluster(workers=1, nannies=False, env=env) as remote,
            Client(remote.address, set_as_default=False) as second,
        ):
            with pytest.raises(KilledWorker) as killed_there:
                second.submit(os._exit, 1).result()
            future = second.submit(sum, [1, 2])
            remote.scheduler.stop(signal.SIGKILL)
            with pytest.raises(FutureCancelledError) as lost_there:
                future.result()
        for error in (killed_there.value, lost_there.value):
            assert fail(opened, error) is error

    @pytest.mark.fault
    def test_real_faults_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        env = {**CODE, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
        with cluster(workers=1, nannies=False, env=env) as remote:
            monkeypatch.setenv(ADDRESS, remote.address)
            with session(Dask(), "etl") as made:
                with pytest.raises(WorkersKilled, match="Dask task _exit-"):
                    made.run(made.client.submit(os._exit, 1).result)
                future = made.client.submit(sum, [1, 2])
                remote.scheduler.stop(signal.SIGKILL)
                with pytest.raises(SchedulerLost):
                    made.run(future.result)


def test_what_a_function_returns_is_returned(opened: Session) -> None:
    function: Callable[[], int] = lambda: 3  # noqa: E731  # a function
    assert opened.run(function) == 3
