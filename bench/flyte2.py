"""Flyte 2: the adapter's import, the cost of a session, and the time from a fault to an error.

All runs in the development venv, where both plugins for Flyte 2 are installed.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from distributed import Client
from flyte._context import internal_ctx
from flyte.models import ActionID, RawDataPath, TaskContext
from flyte.report import Report
from flyteidl2.core.execution_pb2 import ContainerError, ErrorDocument
from flyteidl2.task.common_pb2 import Inputs

from bench import faults
from bench.alternating import alternate, row
from bench.results import Section, at_most
from bench.runtime import bare, more, seconds_of
from bench.venvs import Side, Sides
from flyte_dask import Dask
from flyte_dask_engine.session.session import session
from flyteplugins.flyte_dask.host import Flyte
from tests.support.backend import ADDRESS, cluster
from tests.support.flyte2_runner import POD

TURNS = 15

_IMPORT = """
import flyte, time
start = time.process_time()
import {module}
print(1000 * (time.process_time() - start))
"""
_OURS = """
import flyte
from flyteplugins.flyte_dask import Dask
env = flyte.TaskEnvironment(name="etl", plugin_config=Dask(workers=2))
"""
_THEIRS = """
import flyte
from flyteplugins.dask import Dask, WorkerGroup
env = flyte.TaskEnvironment(name="etl", plugin_config=Dask(workers=WorkerGroup(2)))
"""


def report(_: Sides) -> Section:
    """The section, in Markdown."""
    here = Path(sys.executable)
    ours, official = Side("flyte-dask", here), Side("official", here)
    modules = "flyteplugins.flyte_dask", "flyteplugins.dask"
    imports = alternate(TURNS, *(partial(_import, ours, module) for module in modules))
    opened, plain = _openings()
    more_ms = 1000 * (statistics.median(opened) - statistics.median(plain))
    lines = faults.table(Sides(ours, official), FLYTE)
    adapter = statistics.median(imports[0])
    return Section(
        f"""## Flyte 2

In the development venv, where both plugins are installed, {TURNS} turns. Times of imports are CPU
times.

| operation | flyte-dask | official plugin, or distributed | ratio or difference |
|---|---|---|---|
{row("the plugin, after `import flyte`", *imports, unit="ms")}
{more("opening a session, against `Client()`", opened, plain)}

The faults of the table above, with the same functions as tasks of Flyte 2, run with `a0`. Flyte 2
retries every error that is not declared final.

| fault | flyte-dask, 5 s | flyte-dask, defaults | official plugin |
|---|---|---|---|
{chr(10).join(lines)}
""",
        [
            at_most("Flyte 2: the adapter's import after `import flyte`", 20, adapter, " ms"),
            at_most("Flyte 2: a session over a bare `Client()`", 15, more_ms, " ms"),
        ],
    )


def _import(side: Side, module: str) -> float:
    return float(side.output("-c", _IMPORT.format(module=module)))


def _openings() -> tuple[list[float], list[float]]:
    """Seconds of opening a session, as in a pod, and of a client."""
    logging.getLogger("flyte.user.dask.runtime").setLevel(logging.ERROR)  # without tasks
    with cluster(2) as started, tempfile.TemporaryDirectory() as folder, _pod(folder):
        os.environ[ADDRESS] = started.address
        try:
            opened, plain = seconds_of(TURNS, _session, partial(bare, started.address))
        finally:
            del os.environ[ADDRESS]
    return opened, plain


@contextmanager
def _session() -> Iterator[Client]:
    with session(Dask(workers=2), "bench", host=Flyte("etl")) as opened:
        yield opened.client


@contextmanager
def _pod(folder: str) -> Iterator[None]:
    """The context of a task that runs in a pod, whose code is in the image."""
    context = TaskContext(
        action=ActionID(name="a0"),
        version="v1",
        raw_data_path=RawDataPath(path=folder),
        output_path=folder,
        run_base_dir=folder,
        report=Report("bench"),
    )
    with internal_ctx().replace_task_context(context):
        yield


def _source(side: Side) -> str:
    config = _OURS if side.name == "flyte-dask" else _THEIRS
    of_flytekit = faults.tasks(config, side)
    return of_flytekit.replace("from flytekit import task\n", "").replace(
        "@task(task_config=CONFIG, retries=2)", "@env.task(retries=2)"
    )


def _command(folder: Path, task: str, side: Side) -> list[str]:
    inputs, outputs = folder / "inputs.pb", folder / "outputs"
    outputs.mkdir()
    inputs.write_bytes(Inputs().SerializeToString())
    return [
        *(str(side.bin / "a0"), "--inputs", str(inputs), "--outputs-path", str(outputs)),
        *("--version", "v1", "--run-base-dir", str(folder), "--raw-data-path", str(folder / "raw")),
        *("--run-name", "r1", "--name", "a0"),
        *("--resolver", "flyte._internal.resolvers.default.DefaultTaskResolver"),
        *("mod", "acme_tasks", "instance", task),
    ]


def _summary(document: bytes) -> str:
    error = ErrorDocument.FromString(document).error
    retried = "retried" if error.kind == ContainerError.RECOVERABLE else "not retried"
    return f"`{error.code}`, {retried}"


FLYTE = faults.Sdk(_source, _command, POD, _summary)
