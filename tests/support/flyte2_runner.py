"""Tasks of Flyte 2, registered offline, and run by the entrypoint of their own container."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import attrs
import flyte
from flyte.models import SerializationContext
from flyteidl2.core.execution_pb2 import ContainerError, ErrorDocument
from flyteidl2.core.literals_pb2 import Literal
from flyteidl2.core.tasks_pb2 import TaskTemplate
from flyteidl2.task.common_pb2 import Inputs, NamedLiteral, Outputs
from google.protobuf.json_format import MessageToDict

from flyteplugins.flyte_dask.flyte_internals import template_of
from tests.support.backend import WORKER_HERE, Cluster, scheduler, worker
from tests.support.paths import PROJECT
from tests.support.processes import BIN, PATIENCE, Running, run, running

CODE = {"PYTHONPATH": str(PROJECT)}
"""The environment of an image that holds the tests, as that of schedulers and workers."""

SHORT = {"FLYTE_DASK_STALL_TIMEOUT": "2", "FLYTE_DASK_SCHEDULER_TIMEOUT": "4"}

PREFIX = "/dashboard/a1"
"""The start of the paths of the dashboard, which the backend sets where there is a link to it."""

POD = {
    "_U_EP_OVERRIDE": "localhost:1",  # where no backend answers
    "_U_ORG_NAME": "acme",
    "FLYTE_INTERNAL_EXECUTION_PROJECT": "etl",
    "FLYTE_INTERNAL_EXECUTION_DOMAIN": "development",
    "FLYTE_ATTEMPT_NUMBER": "0",
    "LOG_FORMAT": "json",
    **CODE,
}
"""The environment of a pod of the backend."""


@attrs.frozen
class Done:
    """A task that ended."""

    log: str
    """Standard output and standard error."""
    folder: Path
    """Where its outputs are."""

    @property
    def result(self) -> Any:
        """What the task returned: a number, or the value of a string in JSON."""
        value = self.output.scalar.primitive
        return json.loads(value.string_value) if value.string_value else value.integer

    @property
    def output(self) -> Literal:
        """The literal of its only output."""
        assert not (self.folder / "error.pb").exists(), self.log
        outputs = Outputs.FromString((self.folder / "outputs.pb").read_bytes())
        return outputs.literals[0].value

    @property
    def error(self) -> ContainerError:
        """What the task failed with."""
        path = self.folder / "error.pb"
        assert path.exists(), self.log
        return ErrorDocument.FromString(path.read_bytes()).error

    @property
    def report(self) -> str:
        """Its report."""
        return (self.folder / "report.html").read_text(encoding="utf-8")

    def logged(self, by: str = "runtime") -> list[tuple[str, str]]:
        """Level and message of each log line of ours, without those about waiting."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        found = [
            (line["level"], line["message"])
            for line in lines
            if line["logger"].endswith(f".dask.{by}")
        ]
        return [(level, message) for level, message in found if ": waiting for " not in message]

    def failed(self, error: str, *texts: str, is_retried: bool) -> None:
        """Assert that it ended in the *error* with these *texts*."""
        kind = ContainerError.RECOVERABLE if is_retried else ContainerError.NON_RECOVERABLE
        assert (self.error.code, self.error.kind) == (error, kind), self.error
        assert [each for each in texts if each not in self.error.message] == [], self.error.message


@attrs.frozen
class Registered:
    """A task as it is registered, with the inputs of one run."""

    template: TaskTemplate
    inputs: Inputs

    @property
    def custom(self) -> dict[str, Any]:
        """The description of its cluster."""
        return MessageToDict(self.template.custom)


def register(task: Any, *arguments: Any, root: Path = PROJECT) -> Registered:
    """The template of *task* whose code is in the image, at *root*.

    Its arguments are values, or literals of other tasks' outputs.
    """
    flyte.init(root_dir=root, org="acme", project="etl", domain="development")
    if any(isinstance(each, Literal) for each in arguments):  # which the SDK can't upload here
        names = [*task.interface.inputs]
        pairs = zip(names, arguments, strict=True)
        inputs = Inputs(literals=[NamedLiteral(name=name, value=each) for name, each in pairs])
        return Registered(template_of(task, SerializationContext("v1", root_dir=root)), inputs)
    context: Any = flyte.with_runcontext(
        mode="remote", dry_run=True, copy_style="none", version="v1"
    )
    made = context.run(task, *arguments)
    return Registered(made.task_spec.task_template, made.inputs.proto_inputs)


def command(registered: Registered, folder: Path, raw: str | None = None) -> list[str]:
    """The arguments of its container, with their placeholders filled in."""
    folder.mkdir(exist_ok=True)
    (folder / "inputs.pb").write_bytes(registered.inputs.SerializeToString())
    places = {
        "{{.input}}": str(folder / "inputs.pb"),
        "{{.outputPrefix}}": str(folder),
        "{{.rawOutputDataPrefix}}": raw or str(folder / "raw"),
        "{{.checkpointOutputPrefix}}": str(folder / "checkpoint"),
        "{{.prevCheckpointPrefix}}": "",
        "{{.runName}}": "r1",
        "{{.actionName}}": "a0",
        "{{.runStartTime}}": "2026-11-30T00:00:00Z",
    }
    script, *rest = registered.template.container.args
    filled = [places.get(each, each) for each in rest]
    at = filled.index("--raw-data-path")
    return [str(BIN / script), *filled[:at], "--run-base-dir", str(folder), *filled[at:]]


def run_task(
    task: Any, folder: Path, env: Mapping[str, str], *arguments: Any, raw: str | None = None
) -> Done:
    """Run *task* to its end, with its outputs in *folder*, and their data at the prefix *raw*."""
    made = register(task, *arguments)
    done = run(*command(made, folder, raw), cwd=PROJECT, env={**POD, **env})
    return Done(done.stdout + done.stderr, folder)


@contextmanager
def running_task(task: Any, folder: Path, env: Mapping[str, str], until: str) -> Iterator[Running]:
    """*task*, running, once it has printed *until*."""
    given = {**POD, **SHORT, "ACME_FILE": str(folder / "file"), **env}
    with running(command(register(task), folder), until, given, PROJECT) as process:
        yield process


def run_and_act(task: Any, folder: Path, env: Mapping[str, str], act: Callable[[], object]) -> Done:
    """Run *task* to its end, and call *act* once its work runs."""
    with running_task(task, folder, env, "it works") as runner:
        act()
        assert runner.popen.wait(PATIENCE) == 0, runner.output
        return Done(runner.output, folder)


@contextmanager
def started(workers: int = 2) -> Iterator[Cluster]:
    """Scheduler and workers as the backend starts them, with a link to the dashboard."""
    with ExitStack() as stack:
        here = ["--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"]
        dask = str(BIN / "dask")
        line = [dask, "scheduler", "--dashboard-prefix", PREFIX, *here]
        made = scheduler(stack, line, CODE)
        sizes = ["--nthreads", "1", "--memory-limit", "1Gi", "--no-nanny"]
        line = [dask, "worker", *sizes, *WORKER_HERE]
        made.workers.extend(
            worker(stack, made.address, number, line, CODE) for number in range(workers)
        )
        yield made
