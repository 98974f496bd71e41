"""The local twin of a task's cluster: of its shape as far as this machine goes, on loopback."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import sys
import tempfile
import threading
from asyncio.subprocess import Process
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, final

import attrs
import dask.config
from dask.system import CPU_COUNT
from dask.utils import format_bytes
from distributed import LocalCluster, Scheduler, SpecCluster
from distributed.system import MEMORY_LIMIT

from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.distributed_internals import CommandProcess
from flyte_dask_engine.errors import MissingBokeh
from flyte_dask_engine.host import NO_SDK, Host

__all__ = ["Shape", "ended", "is_to_scale", "local_cluster", "told"]

_LOOPBACK = "127.0.0.1"
_ANY_PORT = f"{_LOOPBACK}:0"

_starting = threading.Lock()
_quieting = threading.Lock()
_levels: list[int] = []  # of what is quiet now; tasks can run side by side
_before: dict[logging.Handler, int] = {}  # the levels that distributed's handlers had


@final
@attrs.frozen
class Shape:
    """How many workers, and how many threads and bytes of memory each."""

    workers: int
    threads: int
    memory: int | None = None
    """None is unsaid: of a machine its share, and on Flyte the platform's default."""

    @classmethod
    def on_flyte(cls, number_of_workers: int, resolved: Resolved) -> Shape:
        """What Flyte starts: a thread for each CPU of the limit, rounded up; unsaid, one."""
        cpu, mem = resolved.workers.cpu.limit.effective, resolved.workers.mem.limit.effective
        return cls(
            number_of_workers,
            math.ceil(cpu.value) if cpu else 1,
            math.ceil(mem.value) if mem else None,
        )

    def scaled_to(self, cpus: int, memory: int) -> Shape:
        """The nearest shape that a machine with so much has: fewer threads, then workers."""
        workers = min(self.workers, cpus)
        share = memory // workers
        return Shape(workers, min(self.threads, cpus // workers), min(self.memory or share, share))

    def on_this_machine(self, runtime: Runtime) -> Shape:
        """The nearest shape that it has; threads share their process's memory, without limits."""
        scaled = self.scaled_to(CPU_COUNT, MEMORY_LIMIT)
        return scaled if runtime.local == "processes" else attrs.evolve(scaled, memory=None)

    def __str__(self) -> str:
        memory = f" and {format_bytes(self.memory)}" if self.memory else ""
        return f"{counted(self.workers, 'worker')} of {counted(self.threads, 'thread')}{memory}"


def told(shape: Shape, wanted: Shape, runtime: Runtime) -> str:
    """One line about a local cluster of *shape* in the place of the *wanted* one."""
    place = f"on a local cluster in {runtime.local}, {shape}"
    if is_to_scale(shape, wanted, runtime):
        return place
    return f"{place} for {wanted}, on {counted(CPU_COUNT, 'CPU')}"


def is_to_scale(shape: Shape, wanted: Shape, runtime: Runtime) -> bool:
    """Whether *shape* is the *wanted* one in all that is said, and that its workers can have."""
    memory = shape.memory if wanted.memory and runtime.local == "processes" else wanted.memory
    return attrs.evolve(shape, memory=memory) == wanted


@contextmanager
def local_cluster(
    shape: Shape, runtime: Runtime, root: Path | None = None, host: Host = NO_SDK
) -> Iterator[SpecCluster]:
    """A cluster of *shape*, which this machine has; nothing of it is left when the block ends.

    Its workers can import what this process can, and what is in the folder *root*.

    It listens on 127.0.0.1 only. Over tcp, so that what a real cluster could not pickle fails here
    too.

    Raises:
        MissingBokeh: if the dashboard is asked for, and bokeh is not installed.
    """
    if runtime.dashboard and find_spec("bokeh") is None:
        raise host.error(MissingBokeh)(
            "Runtime(dashboard=True) shows Dask's dashboard, which needs bokeh: pip install bokeh"
        )
    in_threads = runtime.local == "threads"
    # Quiet from without, as a cluster's own silence ends before its last connections do.
    with (
        _quiet(),
        tempfile.TemporaryDirectory(prefix="flyte-dask-", ignore_cleanup_errors=True) as folder,
    ):
        # A scheduler takes its folder from nowhere else; another task may start just now.
        with _starting, dask.config.set({"temporary-directory": folder}):
            cluster: SpecCluster
            if in_threads:
                cluster = _in_threads(shape, runtime, folder)
            else:
                cluster = _in_processes(shape, runtime, folder, root)
        with cluster:
            try:
                yield cluster
            finally:
                if in_threads:
                    with _quiet(logging.ERROR):  # of what is cut off
                        cluster.sync(_leave_threads, cluster)


@contextmanager
def _quiet(level: int = logging.WARNING) -> Iterator[None]:
    """Let distributed's handlers tell nothing below *level*.

    Of blocks side by side the highest counts, and with the last one all is as it was.
    """
    with _quieting:
        if not _levels:
            handlers = logging.getLogger("distributed").handlers
            _before.update({each: each.level for each in handlers if _is_of_stream(each)})
        _levels.append(level)
        _set_levels(max(_levels))
    try:
        yield
    finally:
        with _quieting:
            _levels.remove(level)
            _set_levels(max(_levels, default=None))
            if not _levels:
                _before.clear()


def _set_levels(level: int | None) -> None:
    """Let the handlers have it; None is what each had before."""
    for handler, before in _before.items():
        handler.setLevel(before if level is None else level)


def _is_of_stream(handler: logging.Handler) -> bool:
    return isinstance(handler, logging.StreamHandler)


def ended(cluster: SpecCluster) -> list[int]:
    """The statuses of its workers' processes that have ended; nobody starts them again."""
    processes = [getattr(each, "process", None) for each in cluster.workers.values()]
    statuses = [each.returncode for each in processes if isinstance(each, Process)]
    return [each for each in statuses if each is not None]


def _dashboard_address(runtime: Runtime) -> str:
    """Dask's usual port for a dashboard, where that is free; for which distributed would warn."""
    if not runtime.dashboard:
        return _ANY_PORT  # and nobody is asked, for who listens there may be anybody
    usual = 8787
    with socket.socket() as probe:
        is_used = probe.connect_ex((_LOOPBACK, usual)) == 0
    return _ANY_PORT if is_used else f"{_LOOPBACK}:{usual}"


def _in_threads(shape: Shape, runtime: Runtime, folder: str) -> LocalCluster:
    """Workers in threads of this process.

    Without memory limits: each of them measures the whole process, and would pause.
    """
    return LocalCluster(
        n_workers=shape.workers,
        threads_per_worker=shape.threads,
        processes=False,
        protocol="tcp://",
        host=_LOOPBACK,
        dashboard_address=_dashboard_address(runtime),
        # distributed 2024.8 lets the workers' servers listen on all addresses if it is unsaid
        worker_dashboard_address=_ANY_PORT,
        memory_limit=None,
        local_directory=folder,
        scheduler_kwargs={"dashboard": runtime.dashboard},
        silence_logs=False,
    )


async def _leave_threads(cluster: SpecCluster) -> None:
    """Close the workers without what they still compute, for which closing would wait 30 seconds.

    Flyte does not wait for it either: with the task its pods end.
    """
    workers: list[Any] = list(cluster.workers.values())
    await asyncio.gather(*(each.close(executor_wait=False, nanny=False) for each in workers))


def _in_processes(shape: Shape, runtime: Runtime, folder: str, root: Path | None) -> SpecCluster:
    """Workers in processes of their own, with memory limits."""
    scheduler = {
        "protocol": "tcp://",
        "host": _LOOPBACK,
        "dashboard": runtime.dashboard,
        "dashboard_address": _dashboard_address(runtime),
    }
    path = [*sys.path, *([str(root)] if root else [])]
    worker = {
        "threads": shape.threads,
        "memory": shape.memory,
        "folder": folder,
        "path": os.pathsep.join(each or str(Path.cwd()) for each in path),
    }
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={name: {"cls": _WorkerProcess, "options": worker} for name in range(shape.workers)},
        silence_logs=False,
    )


class _WorkerProcess(CommandProcess):
    """A worker as Flyte starts it, by Dask's command, which needs no guard in the user's script.

    It ends by itself if we are gone.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # as SpecCluster gives them
        self,
        scheduler: str,
        name: object,
        threads: int,
        memory: int | None,
        folder: str,
        path: str,
    ) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": path,
            "DASK_LOGGING__DISTRIBUTED": "warning",  # not their starts and ends
        }
        command = [
            *(sys.executable, "-m", "dask", "worker", scheduler),
            *("--name", str(name), "--nthreads", str(threads)),
            *("--memory-limit", str(memory), "--local-directory", folder),
            *("--host", _LOOPBACK, "--dashboard-address", _ANY_PORT, "--no-dashboard"),
            *("--death-timeout", "15"),
        ]
        super().__init__(command, environment)
