"""Steps of tasks, without flytekit, which schedulers and workers would import with them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import distributed
from distributed.core import Status

REGION = "ACME_REGION"
"""An environment variable."""


def worker_name() -> str:
    """The name of the worker that runs it."""
    return str(distributed.get_worker().name)


def divided(x: float) -> float:
    """Return 1 / *x*."""
    return 1 / x


def type_of(value: object, number: int) -> str:  # noqa: ARG001  # makes another task
    """The name of the class of *value*."""
    return type(value).__name__


def squared(number: int) -> int:
    """Return the square of *number*, after a moment."""
    time.sleep(0.01)
    return number * number


def slowly(text: str) -> str:
    """Return *text*, after a while."""
    time.sleep(2)
    return text


def block(size: int) -> bytes:
    """Random bytes, which cannot be compressed on disk."""
    return os.urandom(size)


def total(blocks: list[bytes]) -> int:
    """The total size of *blocks*."""
    return sum(map(len, blocks))


def wait_for(path: str) -> int:
    """Return as soon as there is a file at *path*."""
    while not Path(path).exists():
        time.sleep(0.02)
    return 1


def wait_and_say(path: str) -> int:
    """Like `wait_for`, after creating a file that marks the start."""
    Path(f"{path}-runs").touch()
    return wait_for(path)


def wait_for_event(name: str) -> None:
    """Return as soon as the event *name* is set."""
    distributed.Event(name).wait()


def region() -> str:
    """The value of an environment variable."""
    return os.environ[REGION]


def region_of_mapping() -> str:
    """Raise a KeyError of that name which has nothing to do with the environment."""
    return dict[str, str]()[REGION]


def secret() -> str:
    """A secret of the task that flytekit runs, which the tests do not set."""
    from flytekit import current_context

    return str(current_context().secrets.get("acme", "password"))


def shut_down() -> None:
    """Shut the cluster down, from a worker."""
    distributed.get_client().shutdown()


def die(how: str) -> int:
    """End the worker's process."""
    if how == "memory":
        hold = [bytearray(30_000_000)]
        while True:  # until the nanny notices
            hold.append(bytearray(30_000_000))
            time.sleep(0.05)
    if how == "whole pod":
        os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    if how.isdigit():
        os._exit(int(how))
    os.kill(os.getpid(), signal.Signals[how])
    return 0


def die_once(number: int, marks: str) -> int:
    """Kill the worker, but only for one *number* and only once."""
    mark = Path(f"{marks}-{number}")
    if number == 3 and not mark.exists():
        mark.touch()
        die("SIGKILL")
    return number


def hold_the_gil(seconds: int) -> int:
    """Block all threads, as native code can."""
    ctypes.PyDLL(None).usleep(seconds * 1_000_000)
    return 1


_filling: list[bytearray] = []


def fill(dask_worker: Any) -> None:
    """Fill the memory until the worker pauses, but not until its nanny terminates it."""
    limit = dask_worker.memory_manager.memory_limit or 0
    while dask_worker.monitor.get_process_memory() < 0.85 * limit:
        _filling.append(bytearray(os.urandom(1_000_000)))


def use_full_disk(keys: list[str], dask_worker: Any) -> str:
    """Make writing *keys* to the worker's disk fail as on a full one; the folder of the worker."""
    storage = Path(dask_worker.local_directory, "storage")
    for key in keys:
        for number in range(100):  # of files that were written before it
            (storage / f"{key}#{number}").symlink_to("/dev/full")
    return str(dask_worker.local_directory)


def set_status(name: str, dask_worker: Any) -> None:
    """Pause a worker, or let it run again."""
    dask_worker.status = Status[name]


def write_to_full_disk() -> None:
    """Write a file to a full disk."""
    Path("/dev/full").write_bytes(b"x" * 100_000)


def all_paused(dask_scheduler: Any) -> bool:
    """Whether all workers have reported that they are paused."""
    return all(each.status.name == "paused" for each in dask_scheduler.workers.values())


def plugins_and_handlers(dask_scheduler: Any) -> list[str]:
    """The names of all plugins and handlers on the scheduler."""
    here = dask_scheduler
    return [*here.plugins, *here.handlers, *here.worker_plugins, *here.nanny_plugins]


def names_in_worker(dask_worker: Any) -> list[str]:
    """The names of all handlers, plugins and metrics on a worker."""
    return [*dask_worker.handlers, *dask_worker.plugins, *dask_worker.metrics]


def tasks_of(dask_scheduler: Any) -> list[Any]:
    """Prefix, state and bytes of each task."""
    tasks = dask_scheduler.tasks.values()
    return [[each.prefix.name, each.state, max(each.nbytes, 0)] for each in tasks]


def stream(dask_scheduler: Any) -> list[dict[str, Any]]:
    """The tasks that distributed's own plugin has recorded."""
    return list(dask_scheduler.plugins["task-stream"].buffer)


async def reports(text: str, dask_scheduler: Any) -> bool:
    """Whether Dask's own report contains *text*."""
    return text in await dask_scheduler.performance_report(0, 0)


def on_disk(dask_worker: Any) -> int:
    """The bytes that a worker has spilled to disk."""
    return int(dask_worker.data.spilled_total.disk)


def received(dask_worker: Any) -> int:
    """The bytes of all transfers in a worker's log."""
    return sum(each["total"] for each in dask_worker.transfer_incoming_log)


def handed_over(dask_scheduler: Any) -> int:
    """The bytes that shuffles have reported."""
    metrics = dask_scheduler.cumulative_worker_metrics
    return int(metrics["p2p", "background-comms", "process", "bytes"])


def has_flytekit() -> bool:
    """Whether flytekit is loaded in this process."""
    return "flytekit" in sys.modules


def fsspec_configuration() -> dict[str, Any]:
    """What is configured in fsspec itself."""
    from fsspec.config import conf

    return dict(conf)


def fail(error: Exception) -> None:
    """Raise *error*."""
    raise error
