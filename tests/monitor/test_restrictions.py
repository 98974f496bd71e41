"""Work that no worker may do ends in an error that names the restriction; it is not retried."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import distributed
import pytest
from dask.base import annotate
from dask.delayed import delayed
from dask.system import CPU_COUNT

from flyte_dask import Runtime
from flyte_dask_engine.errors import (
    ClusterUnavailable,
    NoValidWorker,
    TooFewWorkers,
    WorkersLost,
)
from flyte_dask_engine.session.session import Session, session
from flytekitplugins.dask import Dask
from tests.support import faulty, steps
from tests.support.backend import ADDRESS, Cluster, cluster, scheduler, worker
from tests.support.faults import SHORT, is_not_retried
from tests.support.processes import PATIENCE
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.fault

CONFIG = Dask(workers=2, runtime=Runtime(stall_timeout=1, scheduler_timeout=60))
LATER = "If such a worker comes later, raise Runtime(stall_timeout=...)."


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A worker with a resource."""
    env = {**CODE, "DASK_DISTRIBUTED__WORKER__RESOURCES__SLOT": "2"}
    with cluster(workers=1, nannies=False, env=env) as made:
        yield made


@pytest.fixture(params=["threads", "cluster"])
def opened(
    request: pytest.FixtureRequest, started: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    """A session with a local cluster, and with one of processes."""
    if request.param == "cluster":
        monkeypatch.setenv(ADDRESS, started.address)
    with session(CONFIG, "etl") as made:
        yield made


@pytest.fixture
def on_cluster(started: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """A session with the cluster of processes."""
    monkeypatch.setenv(ADDRESS, started.address)
    with session(CONFIG, "etl") as made:
        yield made


def fails(opened: Session, kind: type[Exception], work: Any) -> str:
    """The message of the error of this *kind* that a function fails with, if it does *work*."""
    with pytest.raises(kind) as caught:
        opened.run(work)
    assert type(caught.value) is kind
    return str(caught.value)


class TestNoWorkerMayDoIt:
    """Healthy workers idle."""

    def test_by_a_resource(self, opened: Session) -> None:
        number = len(opened.client.scheduler_info()["workers"])
        is_local = number > 1 or CPU_COUNT == 1
        text = fails(
            opened,
            NoValidWorker,
            lambda: opened.client.submit(sum, [1], resources={"GPU": 1}, key="sum-1").result(),
        )
        assert text == (
            "etl: no worker ran Dask task sum-1 for 1 s. It needs the resources GPU=1, and the "
            f"{number} workers offer {'none' if is_local else 'slot=2'}. Omit resources=, or let "
            'all workers offer them: @task(environment={"DASK_DISTRIBUTED__WORKER__RESOURCES__GPU":'
            f' "1"}}), which Dask names gpu. {LATER}'
        ).replace("1 workers offer", "1 worker offers")

    def test_by_an_annotation(self, on_cluster: Session) -> None:
        def function() -> Any:
            with annotate(resources={"slot": 3}):
                lazy = delayed(sum)([1])
            return lazy.compute(optimize_graph=False)

        text = fails(on_cluster, NoValidWorker, function)
        assert "It needs the resources slot=3, and the 1 worker offers slot=2. " in text

    def test_by_nothing_of_a_resource_that_no_worker_has(self, on_cluster: Session) -> None:
        work = lambda: on_cluster.client.submit(sum, [1], resources={"GPU": 0}).result()  # noqa: E731
        assert "It needs the resources GPU=0, " in fails(on_cluster, NoValidWorker, work)

    @pytest.mark.parametrize("place", ["no-such", "10.1.2.3", "tcp://10.1.2.3:4567"])
    def test_by_the_name_of_a_worker_or_host(
        self, place: str, started: Cluster, on_cluster: Session
    ) -> None:
        text = fails(
            on_cluster,
            NoValidWorker,
            lambda: on_cluster.client.submit(sum, [1], workers=[place], key="sum-1").result(),
        )
        (address,) = on_cluster.client.scheduler_info()["workers"]
        assert started.address != address
        assert text == (
            f"etl: no worker ran Dask task sum-1 for 1 s. It is restricted to {place}, and the "
            f"workers are default-worker-0 ({address}). Correct workers=, or allow others too: "
            f"allow_other_workers=True. {LATER}"
        )

    def test_a_flyte_task_is_not_retried(self, started: Cluster, tmp_path: Path) -> None:
        done = run_task(faulty.needs_a_gpu, tmp_path, {**SHORT, **started.env})
        what = "tests.support.faulty.needs_a_gpu: no worker ran Dask task "
        is_not_retried(done, "NoValidWorker", what, " for 2 s. It needs the resources GPU=1, ")

    def test_dask_itself_gives_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If its own timeout is set."""
        own = {"DASK_DISTRIBUTED__SCHEDULER__NO_WORKERS_TIMEOUT": "1s"}
        with cluster(workers=1, nannies=False, env={**CODE, **own}) as made:
            monkeypatch.setenv(ADDRESS, made.address)
            with session(Dask(), "etl") as opened:
                work = lambda: opened.client.submit(sum, [1], resources={"GPU": 1}).result()  # noqa: E731
                text = fails(opened, NoValidWorker, work)
        assert "'GPU': 1" in text


class TestAnotherWorkerMay:
    """So it is not the code's fault, or none at all."""

    def test_one_that_was_lost(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with ExitStack() as stack:
            made = scheduler(stack, env=CODE)
            first, _ = (worker(stack, made.address, number, env=CODE) for number in (0, 1))
            monkeypatch.setenv(ADDRESS, made.address)
            with session(CONFIG, "etl") as opened:
                workers = opened.client.scheduler_info()["workers"].items()
                (address,) = (a for a, each in workers if each["name"] == "default-worker-0")
                first.stop(signal.SIGKILL)
                text = fails(
                    opened,
                    WorkersLost,
                    lambda: opened.client.submit(sum, [1], workers=[address], key="s").result(),
                )
        assert text.startswith(
            "etl: no worker ran Dask task s for 1 s. It is restricted to default-worker-0 "
            f"({address}), which was lost.\nWorker deaths:\n  default-worker-0   cause unknown; "
        )

    def test_one_that_comes_in_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        env = {**CODE, "DASK_DISTRIBUTED__WORKER__RESOURCES__SLOT": "1"}
        patient = Dask(runtime=Runtime(stall_timeout=300))
        with ExitStack() as stack:
            made = scheduler(stack, env=CODE)
            worker(stack, made.address, 0, env=CODE)
            monkeypatch.setenv(ADDRESS, made.address)
            with session(patient, "etl") as opened:
                future = opened.client.submit(sum, [1, 2], resources={"slot": 1})
                worker(stack, made.address, 1, env=env)
                assert opened.run(lambda: future.result(PATIENCE)) == 3

    def test_others_are_allowed(self, on_cluster: Session) -> None:
        future = on_cluster.client.submit(
            sum, [1, 2], workers=["no-such"], allow_other_workers=True, pure=False
        )
        assert on_cluster.run(lambda: future.result(PATIENCE)) == 3

    def test_work_that_waits_for_its_turn(self, on_cluster: Session, tmp_path: Path) -> None:
        """It waits for longer than the timeout, for a worker that is busy."""
        file = tmp_path / "file"
        first = on_cluster.client.submit(steps.wait_for, str(file), resources={"slot": 2})
        second = on_cluster.client.submit(sum, [1, 2], resources={"slot": 2}, pure=False)

        def function() -> Any:
            with pytest.raises(TimeoutError):
                second.result(timeout=3)
            file.touch()
            return first.result(PATIENCE) + second.result(PATIENCE)

        assert on_cluster.run(function) == 4

    def test_one_that_is_paused_and_busy(self, on_cluster: Session, tmp_path: Path) -> None:
        """It resumes once it has done what fills its memory."""
        client: Any = on_cluster.client
        (address,) = client.scheduler_info()["workers"]
        file = tmp_path / "file"
        first = client.submit(steps.wait_and_say, str(file), pure=False)
        steps.wait_for(f"{file}-runs")
        client.run(steps.set_status, "paused")
        second = client.submit(sum, [1, 2], workers=[address], pure=False)

        def function() -> Any:
            with pytest.raises(TimeoutError):
                second.result(timeout=3)
            file.touch()
            client.run(steps.set_status, "running")
            return first.result(PATIENCE) + second.result(PATIENCE)

        assert on_cluster.run(function) == 4


class TestWaitingForWorkers:
    """``client.wait_for_workers()`` ends."""

    def test_of_more_than_the_config_has(self, opened: Session) -> None:
        text = fails(opened, TooFewWorkers, lambda: opened.client.wait_for_workers(3))
        assert text == (
            "etl: wait_for_workers(3) would never return: the config has 2 workers. Set "
            "with_workers(3), or wait for at most 2."
        )

    def test_by_a_client_of_the_function(self, opened: Session) -> None:
        def function() -> None:
            with distributed.Client() as client:
                client.wait_for_workers(3)

        assert "wait_for_workers(3)" in fails(opened, TooFewWorkers, function)

    def test_by_an_asynchronous_client(self, opened: Session) -> None:
        async def wait() -> None:
            async with distributed.Client(asynchronous=True) as own:
                client: Any = own
                await client.wait_for_workers(3)

        assert "wait_for_workers(3)" in fails(opened, TooFewWorkers, lambda: asyncio.run(wait()))

    def test_of_more_than_this_machine_has(self, caplog: pytest.LogCaptureFixture) -> None:
        most = CPU_COUNT + 1
        with session(Dask(workers=most), "etl") as opened:
            opened.run(lambda: opened.client.wait_for_workers(most))
        assert (
            f"etl: wait_for_workers({most}) waits for {CPU_COUNT} workers: the config has {most}, "
            "but this machine has room for no more"
        ) in caplog.messages

    def test_that_do_not_come(self, started: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(ADDRESS, started.address)
        runtime = Runtime(worker_timeout=1, min_workers=1)
        with session(Dask(workers=2, runtime=runtime), "etl") as opened:
            text = fails(opened, ClusterUnavailable, lambda: opened.client.wait_for_workers(2))
        assert "Only 1/2 workers arrived after 1" in text

    def test_of_another_cluster_is_left_alone(self) -> None:
        there = distributed.LocalCluster(
            n_workers=1,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
        )
        with session(Dask(), "etl") as opened, there, distributed.Client(there) as client:
            there.scale(2)
            opened.run(lambda: client.wait_for_workers(2, timeout=PATIENCE))

    def test_in_sessions_that_overlap(
        self, started: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whichever ends first, none leaves its limit or its client behind."""
        monkeypatch.setenv(ADDRESS, started.address)
        first, second = (session(Dask(workers=number), "etl") for number in (5, 7))
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        second.__exit__(None, None, None)
        with pytest.raises(ValueError, match="No clients found"):
            distributed.default_client()
        with session(Dask(), "etl") as opened:
            text = fails(opened, TooFewWorkers, lambda: opened.client.wait_for_workers(4))
        assert "the config has 1 worker." in text

    def test_is_left_to_another_program_that_replaced_it_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        theirs: Any = lambda *_: None  # noqa: E731  # a method
        with session(Dask(), "etl"):
            monkeypatch.setattr(distributed.Client, "wait_for_workers", theirs)
        assert distributed.Client.wait_for_workers is theirs

    def test_is_dasks_own_again_after_the_session(self) -> None:
        before = distributed.Client.wait_for_workers
        with session(Dask(), "etl"):
            assert distributed.Client.wait_for_workers is not before
        assert distributed.Client.wait_for_workers is before
