"""An error of a function is mapped if its cluster caused it, which its causes show."""

from __future__ import annotations

import asyncio
import builtins
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from distributed import KilledWorker
from distributed.client import CancelledFuturesGroup, FutureCancelledError, FuturesCancelledError
from distributed.comm.core import CommClosedError
from distributed.scheduler import NoWorkerError
from flytekit.exceptions.system import FlyteNonRecoverableSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException

from flyte_dask_engine.errors import (
    ClusterFailure,
    ClusterUnavailable,
    WorkersKilled,
    WorkersLost,
    WrongEnvironment,
)
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask, errors
from flytekitplugins.dask.host import FLYTEKIT

LOST = "scheduler-connection-lost"
UNREADABLE = "Error during deserialization of the task graph. This frequently\noccurs"


@pytest.fixture(scope="module")
def opened() -> Iterator[Session]:
    """A session of a healthy cluster."""
    with session(Dask(), "etl") as made:
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


KILLED = KilledWorker("merge-1", None, 3)  # type: ignore[arg-type]  # without a worker


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

    @pytest.mark.parametrize(
        ("error", "ours"),
        [
            (KILLED, WorkersKilled),
            (caused(ValueError("report"), KILLED), WorkersKilled),
            (caused(ValueError("report"), caused(KeyError("x"), KILLED)), WorkersKilled),
            (meanwhile(ValueError("report"), KILLED), WorkersKilled),
            (NoWorkerError("merge-1", 5.0), WorkersLost),
            (asyncio.TimeoutError("Only 1/2 workers arrived after 5 s"), ClusterUnavailable),
            (CommClosedError("in <TCP>: Stream is closed"), ClusterFailure),
            (FutureCancelledError("x", LOST), ClusterFailure),
            (group("x", LOST), ClusterFailure),
            (caused(OSError(), group(LOST)), ClusterFailure),
            (
                caused(RuntimeError(UNREADABLE), ModuleNotFoundError("No module named 'x'")),
                WrongEnvironment,
            ),
            (ModuleNotFoundError("No module named 'attrs'", name="attrs"), WrongEnvironment),
        ],
    )
    def test_by_a_healthy_scheduler(
        self, error: Exception, ours: type[Exception], opened: Session
    ) -> None:
        found = fail(opened, error)
        assert type(found) is ours
        assert found.__cause__ is error

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
        assert type(fail(opened, group_type("several", [ValueError(), KILLED]))) is WorkersKilled
        cause = OSError("cut")
        ours = caused(WorkersLost("there was no worker for 2 s"), cause)
        assert chain(fail(opened, group_type("several", [ours]))) == [ours, cause]

    @pytest.mark.parametrize("error", [caused(ValueError("x"), KILLED), errors.WorkersKilled("x")])
    def test_of_outputs_that_flytekit_converts(self, error: Exception) -> None:
        """Flytekit would raise it as a system error that is not retried."""
        with (
            pytest.raises(FlyteUserRuntimeException) as caught,
            session(Dask(), "etl", host=FLYTEKIT),
        ):
            raise FlyteNonRecoverableSystemException(error)
        assert type(caught.value.value) is errors.WorkersKilled

    def test_whose_text_flytekit_has_replaced(self, opened: Session) -> None:
        changed = KilledWorker("x", None, 3)  # type: ignore[arg-type]  # as above
        changed.args = ("Failed to convert outputs of task",)
        found = fail(opened, changed)
        assert str(found).startswith("etl: a Dask task killed several workers.")


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
            hidden(ValueError("mine"), KILLED),
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


def test_what_a_function_returns_is_returned(opened: Session) -> None:
    function: Callable[[], int] = lambda: 3  # noqa: E731  # a function
    assert opened.run(function) == 3
