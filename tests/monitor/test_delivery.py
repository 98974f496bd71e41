"""Every error of a Dask task reaches the function that waits for it, whatever the exception is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import pytest

from flyte_dask import Runtime
from flyte_dask_engine.errors import ClusterFailure
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask
from tests.support import faulty, hostile, steps
from tests.support.backend import ADDRESS, Cluster, cluster
from tests.support.faults import is_not_retried
from tests.support.processes import PATIENCE
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault

CONFIG = Dask(runtime=Runtime(stall_timeout=600, scheduler_timeout=8))  # polls every 0.4 s

AS_IT_IS = {"endless": (RecursionError, "maximum recursion depth exceeded")}
"""The exceptions that arrive as they are."""
OF_ITS_CLASS = ("Members", "Cause", "Repr", "Text")
"""Those of a subclass of their class; all others arrive as a RuntimeError with name and text."""


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A worker that nothing restarts."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


@pytest.fixture(scope="module", params=["threads", "cluster"])
def opened(request: pytest.FixtureRequest, started: Cluster) -> Iterator[Session]:
    """A session with a local cluster of threads, and with a cluster of processes."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "cluster":
            patch.setenv(ADDRESS, started.address)
        with session(CONFIG, "etl") as made:
            yield made


def raised_by(opened: Session, work: Any) -> BaseException:
    """The error that the function of a session fails with, if it does *work*."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011  # whatever it is
        opened.run(work)
    return caught.value


def is_of(error: BaseException, kind: str) -> bool:
    """Whether *error* is what arrives of an exception of this *kind*."""
    if kind in AS_IT_IS:
        of_type, text = AS_IT_IS[kind]
        return type(error) is of_type and str(error).startswith(text)
    if kind in OF_ITS_CLASS:
        return isinstance(error, hostile.KINDS[kind]) and str(error).startswith("x")
    return str(error) in {f"{kind}: x", f"{kind}('x')"}


KINDS = ["endless", *hostile.KINDS]


class TestItArrives:
    """At once, and the worker lives on."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_of_a_task(self, kind: str, opened: Session) -> None:
        work = lambda: opened.client.submit(hostile.fail, kind, pure=False).result(PATIENCE)  # noqa: E731
        assert is_of(raised_by(opened, work), kind)
        assert opened.client.submit(sum, [1, 2]).result(PATIENCE) == 3

    @pytest.mark.parametrize("kind", ["endless", "Members", "SystemExit"])
    def test_of_a_coroutine(self, kind: str, opened: Session) -> None:
        work = lambda: opened.client.submit(hostile.fail_async, kind, pure=False).result(PATIENCE)  # noqa: E731
        assert is_of(raised_by(opened, work), kind)

    @pytest.mark.parametrize("kind", ["endless", "Base", "Members", "SystemExit"])
    def test_of_an_actor(self, kind: str, opened: Session) -> None:
        actor: Any = opened.client.submit(hostile.Actor, actor=True).result(PATIENCE)
        assert is_of(raised_by(opened, lambda: actor.fail(kind).result(PATIENCE)), kind)

    @pytest.mark.parametrize("kind", ["endless", "Base", "Members", "SystemExit"])
    def test_of_a_function_that_all_workers_run(self, kind: str, opened: Session) -> None:
        assert is_of(raised_by(opened, lambda: opened.client.run(hostile.fail, kind)), kind)

    def test_of_a_function_that_the_scheduler_runs(self, opened: Session) -> None:
        work = lambda: opened.client.run_on_scheduler(hostile.fail, "SystemExit")  # noqa: E731
        assert is_of(raised_by(opened, work), "SystemExit")

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 has no groups")
    def test_of_a_large_group(self, opened: Session) -> None:
        """With all of its members."""
        future = opened.client.submit(hostile.fail_with_many, 150, pure=False)
        error: Any = raised_by(opened, lambda: future.result(PATIENCE))
        assert type(error).__name__ == "ExceptionGroup"
        assert [str(each) for each in error.exceptions] == [str(each) for each in range(150)]

    def test_of_a_class_that_lets_nothing_be_set(self, opened: Session) -> None:
        """As what leaves the function, too."""
        error: Any = raised_by(opened, lambda: hostile.fail_with(hostile.Frozen(3)))
        assert isinstance(error, hostile.Frozen)
        assert error.code == 3

    def test_with_the_last_frames_of_a_long_traceback(self, opened: Session) -> None:
        future = opened.client.submit(hostile.fail, "endless", pure=False)
        error = raised_by(opened, lambda: future.result(PATIENCE))
        names, traceback = list[str](), error.__traceback__
        while traceback is not None:
            names.append(traceback.tb_frame.f_code.co_name)
            traceback = traceback.tb_next
        assert names[-20:] == ["endless"] * 20


class TestAClientThatNoLongerListens:
    """The monitor compares what the scheduler knows with what each client waits for."""

    @pytest.fixture(params=["the session's client", "a client of the function"])
    def deaf(
        self, request: pytest.FixtureRequest, started: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[tuple[Session, Any]]:
        """A session, and one of its clients, which ends at the first message about a task."""

        def end(**_: Any) -> None:
            raise hostile.Base("a message")

        monkeypatch.setenv(ADDRESS, started.address)
        with session(CONFIG, "etl") as made, distributed.Client() as own:
            client: Any = made.client if request.param.startswith("the") else own
            client._stream_handlers = dict.fromkeys(client._stream_handlers, end)
            yield made, client

    def test_learns_that_its_work_failed(self, deaf: tuple[Session, Any]) -> None:
        opened, client = deaf
        future = client.submit(steps.divided, 0, pure=False)
        error = raised_by(opened, lambda: future.result(PATIENCE))
        assert (type(error), str(error)) == (ZeroDivisionError, "division by zero")

    def test_does_not_wait_for_what_it_cannot_learn(self, deaf: tuple[Session, Any]) -> None:
        opened, client = deaf
        future = client.submit(sum, [1, 2], pure=False)
        error = raised_by(opened, lambda: future.result(PATIENCE))
        assert type(error) is ClusterFailure
        assert str(error) == (
            "etl: a client of the cluster stopped receiving messages: Base: a message."
        )


def test_one_that_only_the_worker_can_load(
    started: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a class that the runner's image lacks."""
    monkeypatch.setenv(ADDRESS, started.address)
    with session(CONFIG, "etl") as opened:
        future = opened.client.submit(hostile.fail_to_load, pure=False)
        error = raised_by(opened, lambda: future.result(PATIENCE))
    assert str(error) == (
        "a Dask task failed, and its exception cannot be loaded here: RuntimeError('Base: loading')"
    )


def test_one_of_a_result_that_another_worker_cannot_load(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What needs the result fails with it, and so does what needs that; a retry fails again."""
    with cluster(workers=2, nannies=False, env=CODE) as made:
        monkeypatch.setenv(ADDRESS, made.address)
        with session(CONFIG, "etl") as opened:
            client: Any = opened.client
            one, other = client.scheduler_info(n_workers=-1)["workers"]
            result = client.submit(hostile.Unreadable, workers=[one])
            needs = [client.submit(steps.type_of, result, 0, workers=[other], retries=1)]
            needs.append(client.submit(steps.type_of, needs[0], 1))
            for each in needs:
                error = raised_by(opened, lambda each=each: each.result(PATIENCE))
                assert (type(error), str(error)) == (ValueError, "an older format")
            here = client.submit(steps.type_of, result, 2, workers=[one])
            assert here.result(PATIENCE) == "Unreadable"


def test_a_flyte_task_fails_with_it_and_is_not_retried(started: Cluster, tmp_path: Path) -> None:
    done = run_task(faulty.recurses, tmp_path, started.env)
    is_not_retried(done, "RecursionError", "maximum recursion depth exceeded")
    assert "hostile.py" in done.message
