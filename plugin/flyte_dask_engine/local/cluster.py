"""The local cluster of a task, on loopback, scaled to this machine."""

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
from typing import Any, cast, final

import attrs
import dask.config
from dask.system import CPU_COUNT
from dask.utils import format_bytes
from distributed import LocalCluster, Scheduler, SpecCluster
from distributed.core import Status
from distributed.system import MEMORY_LIMIT

from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.distributed_internals import CommandProcess, repeat_lost_expressions
from flyte_dask_engine.errors import MissingBokeh
from flyte_dask_engine.host import NO_SDK, Host
from flyte_dask_engine.local.gpus import has_gpu

__all__ = ["Shape", "describe", "exited", "is_to_scale", "local_cluster"]

_LOOPBACK = "127.0.0.1"
_ANY_PORT = f"{_LOOPBACK}:0"
_PROGRAM = "flyte_dask_engine.local.worker"

_ENDED = (Status.closing, Status.closed)

_starting = threading.Lock()


@final
@attrs.frozen
class Shape:
    """The number of workers, and the threads, bytes of memory and GPUs of each."""

    workers: int
    threads: int
    memory: int | None = None
    """None is unset: an equal share of the machine, and the platform's default on Flyte."""
    gpus: int = 0
    """The GPUs of each worker on Flyte; here all workers share those of the machine."""

    @classmethod
    def on_flyte(cls, number_of_workers: int, resolved: Resolved) -> Shape:
        """The shape on Flyte: a thread per CPU of the limit, rounded up; one if it is not set."""
        workers = resolved.workers
        cpu, mem = workers.cpu.limit.effective, workers.mem.limit.effective
        gpu = workers.gpu.limit.effective
        return cls(
            number_of_workers,
            math.ceil(cpu.value) if cpu else 1,
            math.ceil(mem.value) if mem else None,
            math.ceil(gpu.value) if gpu else 0,
        )

    def scaled_to(self, cpus: int, memory: int) -> Shape:
        """The nearest shape that fits a machine: with fewer threads, then fewer workers."""
        workers = min(self.workers, cpus)
        share = memory // workers
        threads = min(self.threads, cpus // workers)
        return attrs.evolve(
            self, workers=workers, threads=threads, memory=min(self.memory or share, share)
        )

    def on_this_machine(self, runtime: Runtime) -> Shape:
        """The nearest shape that fits here; workers in threads have no memory limits."""
        scaled = self.scaled_to(CPU_COUNT, MEMORY_LIMIT)
        memory = scaled.memory if runtime.local == "processes" else None
        gpus = self.gpus if self.gpus and has_gpu() else 0
        return attrs.evolve(scaled, memory=memory, gpus=gpus)

    def __str__(self) -> str:
        return f"{counted(self.workers, 'worker')} x {self.worker_size}"

    @property
    def worker_size(self) -> str:
        """The size of each worker without GPUs, such as ``2 threads, 8Gi``."""
        amount, unit = format_bytes(self.memory or 0).split()
        memory = f", {float(amount):g}{unit[:-1]}" if self.memory else ""
        return f"{counted(self.threads, 'thread')}{memory}"


def describe(shape: Shape, requested: Shape, runtime: Runtime) -> str:
    """One line about a local cluster of *shape*, started instead of the *requested* one."""
    text = f"local cluster in {runtime.local}: {shape}"
    if is_to_scale(shape, requested, runtime):
        return text
    each, machine = requested.worker_size, counted(CPU_COUNT, "CPU")
    if requested.gpus:
        each += f", {counted(requested.gpus, 'GPU')}"
    if requested.gpus and not shape.gpus:
        machine += " and no GPU"
    return f"{text} (asked for {requested.workers:,} x {each}; this machine has {machine})"


def is_to_scale(shape: Shape, requested: Shape, runtime: Runtime) -> bool:
    """Whether *shape* is the *requested* one, in all that is set and that the workers support."""
    has_memory = requested.memory and runtime.local == "processes"
    memory = shape.memory if has_memory else requested.memory
    return attrs.evolve(shape, memory=memory) == requested


@contextmanager
def local_cluster(
    shape: Shape, runtime: Runtime, root: Path | None = None, host: Host = NO_SDK
) -> Iterator[SpecCluster]:
    """Start a cluster of *shape*, of which nothing is left when the block ends.

    Its workers can import what this process can, and what is in the folder *root*. It listens on
    127.0.0.1 only, over TCP, so that what a real cluster cannot pickle fails here too.

    Raises:
        MissingBokeh: if the dashboard is enabled and bokeh is not installed.
    """
    if runtime.dashboard and find_spec("bokeh") is None:
        raise host.error(MissingBokeh)(
            "Runtime(dashboard=True) serves Dask's dashboard and needs bokeh: pip install bokeh"
        )
    in_threads = runtime.local == "threads"
    repeat_lost_expressions()
    # silence_logs of a cluster would end before its last connections are closed
    with (
        _quiet(),
        tempfile.TemporaryDirectory(prefix="flyte-dask-", ignore_cleanup_errors=True) as folder,
    ):
        # a scheduler reads its folder from the config only; tasks can start in parallel
        with _starting, dask.config.set({"temporary-directory": folder}):
            cluster = (
                _in_threads(shape, runtime, folder)
                if in_threads
                else _in_processes(shape, runtime, folder, root)
            )
        with cluster:
            try:
                yield cluster
            finally:
                if cast("Scheduler", cluster.scheduler).status in _ENDED:
                    cluster.shutdown_scheduler = False  # which would wait half a minute for it
                if in_threads:
                    with _quiet(logging.ERROR):  # connections are aborted
                        cluster.sync(_leave_threads, cluster)


@contextmanager
def _quiet(level: int = logging.WARNING) -> Iterator[None]:
    """Keep what is below *level* from distributed's log handlers until the block ends.

    Blocks of parallel tasks have a filter each.
    """

    def is_shown(record: logging.LogRecord) -> bool:
        return record.levelno >= level

    handlers = logging.getLogger("distributed").handlers
    streams = [each for each in handlers if isinstance(each, logging.StreamHandler)]
    for each in streams:
        each.addFilter(is_shown)
    try:
        yield
    finally:
        for each in streams:
            each.removeFilter(is_shown)


def exited(cluster: SpecCluster) -> list[int]:
    """The exit statuses of its worker processes that ended; they are not restarted."""
    processes = [getattr(each, "process", None) for each in cluster.workers.values()]
    statuses = [each.returncode for each in processes if isinstance(each, Process)]
    return [each for each in statuses if each is not None]


def _dashboard_address(runtime: Runtime) -> str:
    """Dask's usual port for the dashboard if it is free; distributed would warn if it is not."""
    if not runtime.dashboard:
        return _ANY_PORT  # without a probe: any program may listen at the usual port
    usual = 8787
    with socket.socket() as probe:
        is_used = probe.connect_ex((_LOOPBACK, usual)) == 0
    return _ANY_PORT if is_used else f"{_LOOPBACK}:{usual}"


def _in_threads(shape: Shape, runtime: Runtime, folder: str) -> LocalCluster:
    """Workers in threads of this process.

    They have no memory limits: each would measure the whole process, and pause.
    """
    cluster = LocalCluster(
        n_workers=shape.workers,
        threads_per_worker=shape.threads,
        processes=False,
        protocol="tcp://",
        host=_LOOPBACK,
        dashboard_address=_dashboard_address(runtime),
        # if unset, workers of distributed 2024.8 serve it on all addresses
        worker_dashboard_address=_ANY_PORT,
        memory_limit=None,
        local_directory=folder,
        scheduler_kwargs={"dashboard": runtime.dashboard},
        silence_logs=False,
    )
    handlers = cast("Scheduler", cluster.scheduler).handlers
    handlers["restart"] = _reject_restart
    proceed = handlers["terminate"]

    async def shut_down(**arguments: Any) -> None:
        await _leave_threads(cluster)
        await proceed(**arguments)

    handlers["terminate"] = shut_down  # which `Client.shutdown` requests
    return cluster


async def _reject_restart(**_: object) -> None:
    """Reject the request to restart all workers, which would end them, and then wait for new ones.

    Raises:
        ValueError: always, as distributed does if some workers should be restarted.
    """
    raise ValueError(
        "Restarting workers requires a nanny for each: workers in threads have none. For this, use "
        'with_runtime(local="processes"), or FLYTE_DASK_LOCAL=processes'
    )


async def _leave_threads(cluster: SpecCluster) -> None:
    """Close the workers without waiting (up to 30 seconds) for what they still compute.

    Flyte does not wait for it either: it deletes the pods when the task ends.
    """
    workers: list[Any] = list(cluster.workers.values())
    await asyncio.gather(*(each.close(executor_wait=False, nanny=False) for each in workers))


def _in_processes(shape: Shape, runtime: Runtime, folder: str, root: Path | None) -> SpecCluster:
    """Workers in separate processes, with memory limits.

    They are started by Dask's command, as on Flyte: the user's script needs no main guard. They
    exit by themselves when this process is gone. What limits the time that they take to start is
    the runtime's *worker_timeout*, in the session.
    """
    scheduler_options = {
        "protocol": "tcp://",
        "host": _LOOPBACK,
        "dashboard": runtime.dashboard,
        "dashboard_address": _dashboard_address(runtime),
    }
    path = [*sys.path, *([str(root)] if root else [])]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(each or str(Path.cwd()) for each in path),
        "DASK_LOGGING__DISTRIBUTED": "warning",  # without their start and end
    }

    def worker(scheduler: str, name: object) -> CommandProcess:
        command = [
            *(sys.executable, "-m", _PROGRAM, str(os.getpid()), "worker", scheduler),
            *("--name", str(name), "--nthreads", str(shape.threads)),
            *("--memory-limit", str(shape.memory), "--local-directory", folder),
            *("--host", _LOOPBACK, "--dashboard-address", _ANY_PORT, "--no-dashboard"),
        ]
        return CommandProcess(command, environment)

    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler_options},
        workers={name: {"cls": worker} for name in range(shape.workers)},
        silence_logs=False,
    )
