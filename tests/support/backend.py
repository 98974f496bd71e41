"""What Flyte's backend starts for a Dask task: scheduler, workers, and the task's own container.

As a program it does so with the backend's exact argument lines, for which it needs a network of its
own, since they listen on all addresses: ``unshare --net python -m tests.support.backend v1``.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
from flyteidl.core.tasks_pb2 import TaskTemplate

from tests.support.paths import PROJECT
from tests.support.processes import BIN, Running, running

# The arguments of the two roles, by generation of Flyte.
SCHEDULER = {"v1": ["dask-scheduler"], "v2": ["dask", "scheduler"]}
WORKER = {"v1": ["dask-worker"], "v2": ["dask", "worker"]}

# Arguments that tests add, since they don't have a network of their own.
WORKER_HERE = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
SCHEDULER_HERE = [*WORKER_HERE, "--port", "0"]

ADDRESS = "DASK_SCHEDULER_ADDRESS"


@attrs.frozen
class Cluster:
    """A running scheduler and its running workers."""

    address: str
    scheduler: Running
    workers: list[Running]

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that the operator sets for the runner."""
        return {ADDRESS: self.address}


@contextmanager
def cluster(  # noqa: PLR0913  # what the backend decides, and where
    workers: int,
    generation: str = "v2",
    *,
    nthreads: int = 1,
    memory_limit: str = "1Gi",
    exact: bool = False,
    nannies: bool = True,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[Cluster]:
    """Scheduler and workers as *generation* of Flyte starts them; unless *exact*, on loopback.

    *cwd* is the working directory of their image. Without *nannies* each worker is one process
    only, for tests that have no use for a second.
    """
    with ExitStack() as stack:
        line = [*_script(SCHEDULER[generation]), *([] if exact else SCHEDULER_HERE)]
        started = scheduler(stack, line, env, cwd)

        def add(number: int) -> Running:
            line = _script(WORKER[generation])
            sizes = ["--nthreads", str(nthreads), "--memory-limit", memory_limit]
            here = [] if exact else WORKER_HERE
            alone = [] if nannies else ["--no-nanny"]
            return worker(stack, started.address, number, [*line, *sizes, *here, *alone], env, cwd)

        started.workers.extend(add(number) for number in range(workers))
        yield started


def scheduler(
    stack: ExitStack,
    line: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Cluster:
    """A scheduler without workers, which ends with *stack*."""
    command = line or [*_script(SCHEDULER["v2"]), *SCHEDULER_HERE]
    started = stack.enter_context(running(command, r"Scheduler at:\s*(tcp://\S+)", env, cwd))
    assert started.match is not None
    return Cluster(started.match[1], started, [])


def worker(  # noqa: PLR0913, PLR0917  # as above
    stack: ExitStack,
    address: str,
    number: int = 0,
    line: Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Running:
    """A worker of the scheduler at *address*, which ends with *stack*."""
    name = f"default-worker-{number}"
    command = [*(line or [*_script(WORKER["v2"]), *WORKER_HERE]), "--name", name]
    given = {ADDRESS: address, "DASK_WORKER_NAME": name, **(env or {})}
    return stack.enter_context(running(command, r"Registered to:\s*tcp://", given, cwd))


def arguments(
    template: TaskTemplate, inputs: Path, outputs: Path, others: Mapping[str, str] | None = None
) -> list[str]:
    """The arguments of the task's container, with their placeholders filled in."""
    places = {
        "{{.input}}": str(inputs),
        "{{.outputPrefix}}": str(outputs),
        "{{.rawOutputDataPrefix}}": str(outputs.with_name("raw")),
        "{{.checkpointOutputPrefix}}": str(outputs.with_name("checkpoint")),
        "{{.prevCheckpointPrefix}}": '""',
        **(others or {}),
    }
    program, *rest = template.container.args
    return [str(BIN / program), *(places.get(argument, argument) for argument in rest)]


def _script(line: Sequence[str]) -> list[str]:
    return [str(BIN / line[0]), *line[1:]]


def loopback_up() -> None:
    """Switch on 127.0.0.1, which a new network has switched off."""
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        flags = struct.unpack(
            "16sh14x", fcntl.ioctl(any_socket, get_flags, struct.pack("16sh14x", b"lo", 0))
        )[1]
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh14x", b"lo", flags | up))


def main(generation: str) -> None:
    """Compute on two workers, end them as Kubernetes does, and print the observations."""
    from distributed import Client

    loopback_up()
    with cluster(2, generation, nthreads=2, memory_limit="512Mi", exact=True) as started:
        with Client(started.address) as client:
            result = client.submit(sum, [1, 2]).result()
            workers = client.scheduler_info()["workers"].values()
        seen = {
            "address": started.address,
            "result": result,
            "workers": sorted(
                [worker["name"], worker["nthreads"], worker["memory_limit"]] for worker in workers
            ),
            "exit": [process.stop() for process in (*started.workers, started.scheduler)],
        }
    print(json.dumps(seen))


if __name__ == "__main__":
    os.chdir(PROJECT)
    main(sys.argv[1])
