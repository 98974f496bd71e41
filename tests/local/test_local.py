"""The local cluster: a real one of the task's shape, on loopback, closed when the task ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import dask.config
import distributed
import psutil
import pytest
from dask.system import CPU_COUNT
from distributed.system import MEMORY_LIMIT
from flytekit import Resources as TaskResources
from flytekit import task

from flyte_dask import InvalidConfig, Parent, Resources, Runtime
from flyte_dask_engine.errors import ClusterUnavailable, MissingBokeh
from flyte_dask_engine.local.cluster import Shape, describe, local_cluster
from flyte_dask_engine.local.gpus import has_gpu
from flyte_dask_engine.local.import_root import import_root
from flyte_dask_engine.session.default_client import default_cluster
from flyte_dask_engine.session.scopes import Scope
from flyte_dask_engine.session.session import session
from flytekitplugins.dask import Dask, WorkerGroup, presets
from tests.support import tasks as typed_tasks

tasks: Any = typed_tasks  # flytekit's annotations do not say that a task returns its value here

GIB = 1024**3


class TestShape:
    """The shape on Flyte, and the nearest one that fits a machine."""

    @pytest.mark.parametrize(
        ("group", "shape"),
        [
            (WorkerGroup(), Shape(1, 1)),
            (WorkerGroup(3, limits=Resources(cpu="500m")), Shape(3, 1)),
            (WorkerGroup(3, limits=Resources(cpu="1500m")), Shape(3, 2)),
            (WorkerGroup(3, requests=Resources(cpu=4)), Shape(3, 4)),
            (WorkerGroup(3, requests=Resources(cpu=2), limits=Resources(cpu=4)), Shape(3, 4)),
            (WorkerGroup(1, limits=Resources(mem="1.5Gi")), Shape(1, 1, 3 * GIB // 2)),
            (presets.medium(5).workers, Shape(5, 2, 8 * GIB)),
            (presets.gpu_heavy(3).workers, Shape(3, 4, 24 * GIB, 1)),
        ],
    )
    def test_of_what_a_role_sets(self, group: WorkerGroup, shape: Shape) -> None:
        resolved = Dask(workers=group).resolve()
        assert Shape.on_flyte(group.number_of_workers, resolved) == shape

    def test_of_what_a_role_inherits(self) -> None:
        parent = Parent(requests=Resources(cpu=1, mem="1Gi"), limits=Resources(cpu=3, mem="2Gi"))
        resolved = Dask(workers=WorkerGroup(2, limits=Resources(mem="4Gi"))).resolve(parent)
        assert Shape.on_flyte(2, resolved) == Shape(2, 3, 4 * GIB)

    @pytest.mark.parametrize(
        ("requested", "cpus", "scaled"),
        [
            (Shape(1, 1), 8, Shape(1, 1, 16 * GIB)),
            (Shape(4, 2, 2 * GIB), 8, Shape(4, 2, 2 * GIB)),
            (Shape(4, 4, 8 * GIB), 8, Shape(4, 2, 4 * GIB)),
            (Shape(5, 2), 2, Shape(2, 1, 8 * GIB)),
            (Shape(1000, 8), 4, Shape(4, 1, 4 * GIB)),
            (Shape(2, 64, GIB), 5, Shape(2, 2, GIB)),
            (Shape(7, 7), 1, Shape(1, 1, 16 * GIB)),
        ],
    )
    def test_scaled_to_the_machine(self, requested: Shape, cpus: int, scaled: Shape) -> None:
        assert requested.scaled_to(cpus, 16 * GIB) == scaled

    def test_described_in_one_line(self) -> None:
        requested = Shape(1000, 2, 8 * GIB)
        scaled = requested.on_this_machine(Runtime())
        assert scaled == Shape(CPU_COUNT, 1)
        assert describe(scaled, requested, Runtime()) == (
            f"local cluster in threads: {CPU_COUNT} workers x 1 thread (asked for 1,000 x "
            f"2 threads, 8Gi; this machine has {CPU_COUNT} CPUs)"
        )
        processes = Runtime(local="processes")
        small = Shape(1, 1, GIB)
        assert small.on_this_machine(processes) == small
        assert describe(small, small, processes) == (
            "local cluster in processes: 1 worker x 1 thread, 1Gi"
        )
        big = Shape(1, 1, 2 * MEMORY_LIMIT)
        assert " (asked for 1 x 1 thread, " in describe(
            big.on_this_machine(processes), big, processes
        )
        assert Shape(1, 1).on_this_machine(processes) == Shape(1, 1, MEMORY_LIMIT)


class TestGpus:
    """A local run has those of the machine, and the start line reports that there are none."""

    def test_none_are_reported_with_the_cpus(self) -> None:
        requested = Shape(2, 4, 8 * GIB, 1)
        scaled = Shape(2, 1)
        assert describe(scaled, requested, Runtime()) == (
            "local cluster in threads: 2 workers x 1 thread (asked for 2 x 4 threads, 8Gi, 1 GPU; "
            f"this machine has {CPU_COUNT} CPUs and no GPU)"
        )
        of_its_size = attrs.evolve(requested, gpus=0)
        assert describe(of_its_size, requested, Runtime()).endswith(" and no GPU)")
        assert describe(of_its_size, of_its_size, Runtime()).endswith(
            ": 2 workers x 4 threads, 8Gi"
        )
        assert "GPU" not in describe(requested, requested, Runtime())

    def test_the_start_line_has_it(self, caplog: pytest.LogCaptureFixture) -> None:
        with (
            caplog.at_level("INFO", "flyte_dask.runtime"),
            session(presets.gpu_heavy(1), "etl"),
        ):
            pass
        found = [each for each in caplog.messages if each.startswith("etl: local cluster")]
        assert len(found) == 1
        assert ("and no GPU)" in found[0]) != has_gpu()

    def test_a_machine_without_a_driver_has_none(self) -> None:
        requested = Shape(1, 1, gpus=1)
        assert requested.on_this_machine(Runtime()).gpus == int(has_gpu())

    @pytest.mark.parametrize("device", ["nvidia0", "kfd", "dxg"])
    def test_a_driver_shows_them(self, device: str, tmp_path: Path) -> None:
        environment = {"PATH": str(tmp_path)}
        assert not has_gpu(tmp_path, environment)
        (tmp_path / "dev").mkdir()
        (tmp_path / "dev" / "nvidiactl").touch()
        assert not has_gpu(tmp_path, environment)
        (tmp_path / "dev" / device).touch()
        assert has_gpu(tmp_path, environment)
        assert not has_gpu(tmp_path, {**environment, "CUDA_VISIBLE_DEVICES": ""})

    def test_its_command_shows_them(self, tmp_path: Path) -> None:
        command = tmp_path / "nvidia-smi"
        command.touch()
        command.chmod(0o755)
        assert has_gpu(tmp_path, {"PATH": str(tmp_path)})


@pytest.fixture(params=["threads", pytest.param("processes", marks=pytest.mark.slow)])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The kind of workers, set by the environment variable."""
    monkeypatch.setenv("FLYTE_DASK_LOCAL", request.param)
    return str(request.param)


class TestATask:
    """Called as a function, next to its cluster."""

    @pytest.mark.usefixtures("kind")
    def test_a_bare_compute_uses_it(self) -> None:
        addresses = tasks.bare_compute()
        assert len(addresses) == min(2, CPU_COUNT)
        assert all(address.startswith("tcp://127.0.0.1:") for address in addresses)

    def test_workers_are_threads_of_this_process_or_processes(self, kind: str) -> None:
        is_here = tasks.worker_process() == os.getpid()
        assert is_here == (kind == "threads")

    def test_each_task_of_a_workflow_has_its_own(self) -> None:
        first, second = tasks.twice()
        assert not set(first) & set(second)

    @pytest.mark.usefixtures("kind")
    def test_a_users_own_client_joins(self) -> None:
        assert tasks.client_of_its_own()

    def test_a_dynamic_task_runs_its_tasks(self) -> None:
        assert tasks.builds()

    def test_it_has_the_tasks_own_cpus(self) -> None:
        limits = TaskResources(cpu=str(CPU_COUNT))
        own: Any = task(task_config=Dask(), limits=limits)(tasks.threads.task_function)
        assert own() == CPU_COUNT

    @pytest.mark.slow
    def test_processes_have_memory_limits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLYTE_DASK_LOCAL", "processes")
        assert tasks.memory_limit() == 512 * 1024**2

    def test_its_outputs_are_converted_in_its_session(self) -> None:
        """The value that a function returns may be lazy."""
        assert tasks.lazy().address.startswith("tcp://127.0.0.1:")


class TestNothingListensBeyondLoopback:
    """With either kind of workers, with the dashboard and without."""

    @pytest.mark.usefixtures("kind")
    def test_of_this_process_and_its_workers(self) -> None:
        assert tasks.listening_while_it_runs() == ["127.0.0.1"]

    @pytest.mark.usefixtures("kind")
    def test_with_a_dashboard(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLYTE_DASK_DASHBOARD", "1")
        assert tasks.listening_while_it_runs() == ["127.0.0.1"]


def test_the_dashboard_is_served_if_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tasks.dashboard() == "HTTP Error 404: Not Found"
    monkeypatch.setenv("FLYTE_DASK_DASHBOARD", "1")
    assert "<title>Dask Diagnostic UI</title>" in tasks.dashboard()


def test_a_dashboard_without_bokeh_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bokeh", None)
    opening = session(Dask(runtime=Runtime(dashboard=True)), "etl")
    with pytest.raises(MissingBokeh, match="needs bokeh: pip install bokeh"), opening:
        raise AssertionError("it opened")


def test_no_port_is_probed_without_a_dashboard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any program may listen at Dask's usual port."""
    probed: list[object] = []
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _, address: probed.append(address))
    with local_cluster(Shape(1, 1), Runtime()):
        assert probed == []


def test_a_module_whose_name_does_not_match_its_path_has_no_root(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was loaded under an unrelated name."""
    module = ModuleType("acme.pipelines.daily.etl")
    module.__file__ = "/acme/etl.py"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    function: Any = lambda: None  # noqa: E731  # a function
    function.__module__ = module.__name__
    assert import_root(function) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "how"), [("os._exit(7)", "exit status 7"), ("os.kill(os.getpid(), 9)", "signal 9")]
)
def test_a_worker_process_that_ends_at_once_is_not_waited_for(
    ending: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For example, a module that Python imports at startup is broken."""
    start = f"import os, sys\nif 'worker' in sys.orig_argv: {ending}\n"
    (tmp_path / "sitecustomize.py").write_text(start)
    monkeypatch.syspath_prepend(tmp_path)
    opening = session(Dask(workers=1, runtime=Runtime(local="processes")), "etl")
    with pytest.raises(ClusterUnavailable) as caught, opening:
        raise AssertionError("it opened")
    assert str(caught.value) == (
        f"etl: worker processes exited ({how}) when 0 of 1 workers had joined. See their standard "
        "error for the cause."
    )


class TestNothingIsLeftBehind:
    """No processes, ports, folders or settings."""

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """The parent of temporary folders."""
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        yield tmp_path
        gc.collect()
        assert [path.name for path in tmp_path.iterdir() if "dask" in path.name] == []
        assert psutil.Process().children(recursive=True) == []
        assert tasks.listening() == []
        assert dask.config.get("scheduler-address", None) is None
        assert dask.config.get("scheduler", None) is None
        with pytest.raises(ValueError, match="No client"):
            distributed.default_client()

    @pytest.mark.parametrize("fails", [False, True])
    @pytest.mark.usefixtures("kind")
    def test_by_a_task(self, fails: bool) -> None:
        with pytest.raises(ZeroDivisionError) if fails else nullcontext():
            (tasks.fails if fails else tasks.bare_compute)()

    @pytest.mark.usefixtures("kind")
    def test_by_one_that_leaves_its_client_open(self) -> None:
        assert tasks.leaves_its_client_open() == 3

    @pytest.mark.usefixtures("kind")
    def test_by_one_that_leaves_its_asynchronous_client_open(self) -> None:
        assert asyncio.run(tasks.leaves_its_asynchronous_client_open()) == 3

    @pytest.mark.usefixtures("kind")
    def test_by_one_that_leaves_its_work_undone(self) -> None:
        """The task does not wait for it."""
        assert tasks.leaves_its_work_undone() == 1

    def test_by_parallel_tasks(self) -> None:
        """Each has its own cluster."""
        with ThreadPoolExecutor() as threads:
            found = list(threads.map(lambda _: tasks.workers_of_its_own(), range(4)))
        identities = [identity for each in found for identity in each]
        assert len(set(identities)) == len(identities) == 4 * min(2, CPU_COUNT)

    def test_by_clusters_that_overlap(self) -> None:
        """The handlers of distributed's log have their original levels."""
        handlers = logging.getLogger("distributed").handlers
        before = [each.level for each in handlers]
        first, second = (local_cluster(Shape(1, 1), Runtime()) for _ in range(2))
        with ExitStack() as stack, first:
            _ = stack.enter_context(second)
        assert [each.level for each in handlers] == before

    def test_by_a_client_that_cannot_be_closed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: object) -> None:
            raise TimeoutError("the loop is busy")

        clients = []
        with local_cluster(Shape(1, 1), Runtime()) as cluster:
            joining = default_cluster(cluster.scheduler_address, Scope(), has_client=False)
            with pytest.raises(TimeoutError, match="busy"), joining:  # noqa: PT012  # at its end
                clients.append(distributed.Client())
                monkeypatch.setattr(distributed.Client, "close", fail)
            monkeypatch.undo()
            clients[0].close()

    def test_by_invalid_settings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("FLYTE_DASK_LOCAL", "hunter2")
        monkeypatch.setenv("FLYTE_DASK_WORKER_TIMEOUT", "hunter2")
        with pytest.raises(InvalidConfig) as caught, session(Dask(), "etl"):
            raise AssertionError("it opened")
        assert "FLYTE_DASK_LOCAL   " in str(caught.value)
        assert "FLYTE_DASK_WORKER_TIMEOUT   " in str(caught.value)
        assert "hunter2" not in str(caught.value)
