"""The time from a fault to a clear error, with real clusters and real task containers.

All cases run at once, each with its own cluster, since they wait for timeouts and not for work.
"""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import attrs
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.literals_pb2 import LiteralMap

from bench.results import Section
from bench.venvs import Side, Sides, make_venv
from tests.support.backend import SCHEDULER_HERE, WORKER_HERE, Cluster, scheduler, worker
from tests.support.faults import freeze, kill_workers
from tests.support.processes import Running, running

CAP = 420.0
"""Seconds after which a case is aborted: above our defaults, except *worker_timeout*."""
SHORT = {
    "FLYTE_DASK_STALL_TIMEOUT": "5",
    "FLYTE_DASK_SCHEDULER_TIMEOUT": "5",
    "FLYTE_DASK_WORKER_TIMEOUT": "5",
}
_AT_ONCE = 4

_TASKS = """
import importlib, os, signal, sys, time
from pathlib import Path
from flytekit import task
import distributed
{config}
def hold(path):
    Path(path).touch()
    time.sleep(3600)

def die(_):
    os.kill(os.getpid(), signal.SIGKILL)

@task(task_config=CONFIG, retries=2)
def waits() -> str:
    client = {client}
    path = os.environ["ACME_FILE"]
    future = client.submit(hold, path)
    while not Path(path).exists():
        time.sleep(0.02)
    print("it works", flush=True)
    return str(future.result())

@task(task_config=CONFIG, retries=2)
def kills() -> str:
    client = {client}
    client.wait_for_workers(2)
    print("it works", flush=True)
    return str(client.submit(die, 1).result())

@task(task_config=CONFIG, retries=2)
def computes() -> str:
    client = {client}
    return str(client.submit(sum, [1, 2]).result())

def recurse(number):
    return recurse(number + 1)

def submits(*work, **restrictions):
    client = {client}
    client.wait_for_workers(2)
    print("it works", flush=True)
    return str(client.submit(*work, **restrictions).result())

@task(task_config=CONFIG, retries=2)
def recurses() -> str:
    return submits(recurse, 1)

@task(task_config=CONFIG, retries=2)
def exits() -> str:
    return submits(sys.exit, 3)

@task(task_config=CONFIG, retries=2)
def needs_a_gpu() -> str:
    return submits(sum, [1, 2], resources={{"GPU": 1}})

@task(task_config=CONFIG, retries=2)
def uses_a_module() -> str:
    client = {client}
    step = importlib.import_module("acme_steps").step
    return str(client.submit(step, 1).result())
"""
_OURS = """
from flytekitplugins.dask import Dask
CONFIG = Dask(workers=2)
"""
_THEIRS = """
from flytekitplugins.dask import Dask, WorkerGroup
CONFIG = Dask(workers=WorkerGroup(2))
"""

Act = Callable[[Cluster], object]


def _nothing(_: Cluster) -> None:
    pass


def _kill_scheduler(made: Cluster) -> None:
    made.scheduler.stop(signal.SIGKILL)


@attrs.frozen
class Case:
    """A fault: the task, its cluster, and what is done once the task works."""

    what: str
    task: str = "waits"
    workers: int = 2
    act: Act = _nothing
    is_from_start: bool = False
    """Whether the fault exists from the start, so that time counts from that of the container."""
    needs_module: bool = False
    """Whether the task needs a module that only its own image and the scheduler's have."""
    has_old_workers: bool = False


@attrs.frozen
class Sdk:
    """How tasks are written for an SDK, started by it, and what they end in."""

    source: Callable[[Side], str]
    """The module of the tasks, for either plugin."""
    command: Callable[[Path, str, Side], list[str]]
    """The command of a task's container, in a folder."""
    env: Mapping[str, str]
    """The environment of a pod."""
    summary: Callable[[bytes], str]
    """The name of an error, and whether it is retried, from the file of errors."""


CASES = [
    Case("all workers are killed", act=kill_workers),
    Case("a task kills each worker", "kills"),
    Case("the scheduler is killed", act=_kill_scheduler),
    Case("the scheduler freezes", act=lambda made: freeze(made)(made.scheduler)),
    Case("a task recurses without end", "recurses"),
    Case("a task calls sys.exit", "exits"),
    Case("no worker has the resource that a task needs", "needs_a_gpu"),
    Case("no worker ever joins", "computes", workers=0, is_from_start=True),
    Case("workers without a module", "uses_a_module", needs_module=True, is_from_start=True),
    Case("workers have Dask 2024.8", "computes", has_old_workers=True, is_from_start=True),
]


@attrs.frozen
class End:
    """How a task ended."""

    seconds: float
    error: str
    """The name of the error, or how else the task ended."""
    is_clear: bool
    """Whether the task's own process reported an error in time."""

    def __str__(self) -> str:
        """The cell of the table."""
        return f"{self.seconds:.1f} s: {self.error}" if self.is_clear else self.error


def report(sides: Sides) -> Section:
    """The section, in Markdown."""
    lines = table(sides, FLYTEKIT)
    return Section(f"""## Faults

The time from the fault until the task's container ends with an error, and the error that the
backend gets; for faults that exist from the start, the time from the start of the container. Both
sides run the same functions with `pyflyte-execute`, a real scheduler and real workers; those of the
official plugin create their own `distributed.Client()`. Each case runs once, since timeouts
dominate. `5 s` is `stall_timeout=5, scheduler_timeout=5, worker_timeout=5`. Cases are aborted after
{CAP:.0f} s; the default of *worker_timeout*, 900 s, is longer.

| fault | flyte-dask, 5 s | flyte-dask, defaults | official plugin |
|---|---|---|---|
{chr(10).join(lines)}
""")


def table(sides: Sides, sdk: Sdk) -> list[str]:
    """The lines of the table: each case on both sides, which all run at once."""
    with (
        tempfile.TemporaryDirectory() as folder,
        ThreadPoolExecutor(len(CASES) * 3) as pool,
        ThreadPoolExecutor(_AT_ONCE) as few,
    ):
        old = make_venv(Path(folder), "oldest.txt")
        settings = [(sides.ours, SHORT), (sides.ours, {}), (sides.official, {})]
        ends = [
            [pool.submit(_run, few, Run(case, side, env, old, sdk)) for side, env in settings]
            for case in CASES
        ]
        return [
            f"| {case.what} | {' | '.join(str(end.result()) for end in of_case)} |"
            for case, of_case in zip(CASES, ends, strict=True)
        ]


@attrs.frozen
class Run:
    """A case on one side."""

    case: Case
    side: Side
    env: Mapping[str, str]
    old: Path
    """An interpreter with the Dask of 2024.8."""
    sdk: Sdk


def _run(few: ThreadPoolExecutor, run: Run) -> End:
    """Run a case with its cluster and its container; only a *few* start at once."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        container, start = few.submit(_start, stack, folder, run).result()
        try:
            container.popen.wait(CAP)
        except subprocess.TimeoutExpired:
            return End(CAP, f"still waiting after {CAP:.0f} s", is_clear=False)
        seconds = time.perf_counter() - start
        return _end(folder / "outputs", seconds, container.output, run.sdk)


def _start(stack: ExitStack, folder: Path, run: Run) -> tuple[Running, float]:
    """Start the container and its cluster; return it with the time of the fault."""
    case = run.case
    (folder / "acme_tasks.py").write_text(run.sdk.source(run.side), encoding="utf-8")
    if case.needs_module:
        (folder / "lib").mkdir()
        (folder / "lib" / "acme_steps.py").write_text("def step(number):\n    return number + 1\n")
    made = _cluster(stack, folder, run)
    given = {
        **run.env,
        **made.env,
        "ACME_FILE": str(folder / "runs"),
        **run.sdk.env,
        "PYTHONPATH": f"{folder}:{folder / 'lib'}",
    }
    command = run.sdk.command(folder, case.task, run.side)
    if case.is_from_start:
        start = time.perf_counter()
        command = ["sh", "-c", 'echo starts; exec "$@"', "sh", *command]
        return stack.enter_context(running(command, "starts", given, folder)), start
    container = stack.enter_context(running(command, "it works", given, folder))
    start = time.perf_counter()
    case.act(made)
    return container, start


def _cluster(stack: ExitStack, folder: Path, run: Run) -> Cluster:
    """The scheduler and the workers of the case."""
    dask = str(run.side.bin / "dask")
    paths = {"PYTHONPATH": f"{folder}:{folder / 'lib'}"}
    made = scheduler(stack, [dask, "scheduler", *SCHEDULER_HERE], paths)
    if run.case.has_old_workers:
        dask = str(run.old.parent / "dask")
    line = [dask, "worker", *WORKER_HERE, "--nthreads", "1", "--memory-limit", "512MiB"]
    paths = {"PYTHONPATH": str(folder)}
    made.workers.extend(
        worker(stack, made.address, number, line, paths) for number in range(run.case.workers)
    )
    return made


def tasks(config: str, side: Side) -> str:
    """The module of the tasks, with the code of a *config* for either plugin."""
    is_ours = side.name == "flyte-dask"
    client = "distributed.default_client()" if is_ours else "distributed.Client()"
    return _TASKS.format(config=config, client=client)


def _source(side: Side) -> str:
    return tasks(_OURS if side.name == "flyte-dask" else _THEIRS, side)


def _command(folder: Path, task: str, side: Side) -> list[str]:
    inputs = folder / "inputs.pb"
    inputs.write_bytes(LiteralMap().SerializeToString())
    return [
        *(str(side.bin / "pyflyte-execute"), "--inputs", str(inputs)),
        *(
            "--output-prefix",
            str(folder / "outputs"),
            "--raw-output-data-prefix",
            str(folder / "raw"),
        ),
        *("--resolver", "flytekit.core.python_auto_container.default_task_resolver", "--"),
        *("task-module", "acme_tasks", "task-name", task),
    ]


def _end(outputs: Path, seconds: float, log: str, sdk: Sdk) -> End:
    path = outputs / "error.pb"
    if not path.exists():
        if (outputs / "outputs.pb").exists():
            return End(seconds, f"succeeded after {seconds:.1f} s", is_clear=False)
        return End(seconds, f"ended after {seconds:.1f} s without an error: {log[-200:]}", False)
    return End(seconds, sdk.summary(path.read_bytes()), is_clear=True)


def _summary(document: bytes) -> str:
    error = ErrorDocument.FromString(document).error
    retried = "retried" if error.kind == ContainerError.RECOVERABLE else "not retried"
    summary = error.message.rpartition("Message:")[2]
    names = re.findall(r"^\s*(?:[\w.]+\.)?(\w+)(?::|$)", summary, re.MULTILINE)
    return f"`{names[0] if names else summary.strip()[:80]}`, {retried}"


FLYTEKIT = Sdk(
    _source,
    _command,
    {"FLYTE_INTERNAL_EXECUTION_ID": "e1", "FLYTE_INTERNAL_IMAGE": "acme/task:1"},
    _summary,
)
