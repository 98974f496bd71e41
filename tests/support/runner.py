"""A task's own container, as the backend starts it next to a cluster."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from flyteidl.admin.task_pb2 import TaskSpec
from flyteidl.core.errors_pb2 import ContainerError, ErrorDocument
from flyteidl.core.literals_pb2 import LiteralMap
from flyteidl.core.tasks_pb2 import TaskTemplate
from flytekit.bin.entrypoint import execute_task_cmd
from flytekit.tools.translator import get_serializable

from tests.flytekit.test_task import SETTINGS
from tests.support.backend import arguments
from tests.support.paths import PROJECT
from tests.support.processes import BIN, Running, run, running, unpack

CODE = {"PYTHONPATH": str(PROJECT)}
"""The environment of an image that holds it."""


@attrs.frozen
class Done:
    """The log and the outputs of a task that ended."""

    log: str
    """Standard output and standard error."""
    outputs: Path

    @property
    def result(self) -> Any:
        """What the task returned: a number, or the value of a string in JSON."""
        value = self.literals.literals["o0"].scalar.primitive
        return json.loads(value.string_value) if value.string_value else value.integer

    @property
    def literals(self) -> LiteralMap:
        """What it returned, as the next task gets it."""
        assert not (self.outputs / "error.pb").exists(), self.log
        return LiteralMap.FromString((self.outputs / "outputs.pb").read_bytes())

    @property
    def error(self) -> ContainerError:
        """What the task failed with."""
        document = ErrorDocument.FromString((self.outputs / "error.pb").read_bytes())
        return document.error

    @property
    def message(self) -> str:
        """The error's message, without flytekit's indentation."""
        return self.error.message.replace("\n    ", "\n")

    def logged(self, by: str = "flytekit.dask.runtime") -> list[tuple[str, str]]:
        """Level and message of each log line of our runtime, without those about waiting."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]
        found = [(line["levelname"], line["message"]) for line in lines if line["name"] == by]
        return [(level, message) for level, message in found if ": waiting for " not in message]


def template_of(task: Any) -> TaskTemplate:
    """*task*'s template, as it is registered."""
    spec: Any = get_serializable(OrderedDict(), SETTINGS, task)
    template = spec.to_flyte_idl().template
    assert isinstance(template, TaskTemplate)
    return template


def run_task(
    task: Any,
    folder: Path,
    env: Mapping[str, str],
    inputs: LiteralMap | None = None,
    raw: str | None = None,
) -> Done:
    """Run *task* to its end, with its outputs in *folder*, and their data at the prefix *raw*."""
    folder.mkdir(exist_ok=True)
    command, outputs = task_command(task, folder, inputs, raw)
    done = run(*command, cwd=PROJECT, env={**_ENV, **env})
    return Done(done.stdout + done.stderr, outputs)


def run_task_here(task: Any, folder: Path) -> Done:
    """Run *task* to its end by the same command in this process, which has the environment."""
    folder.mkdir(exist_ok=True)
    (_, *rest), outputs = task_command(task, folder)
    execute_task_cmd.main(rest, standalone_mode=False)
    return Done("", outputs)


@contextmanager
def running_task(task: Any, folder: Path, env: Mapping[str, str], until: str) -> Iterator[Running]:
    """*task*, running, once it has printed *until*."""
    command, _ = task_command(task, folder)
    with running(command, until, {**_ENV, **env}) as process:
        yield process


_ON_FLYTE = {
    # from these flytekit detects Flyte, and logs JSON
    "FLYTE_INTERNAL_EXECUTION_ID": "e1",
    "FLYTE_INTERNAL_IMAGE": "acme/task:1",
}
_ENV = {**CODE, **_ON_FLYTE}


def task_command(
    task: Any, folder: Path, inputs: LiteralMap | None = None, raw: str | None = None
) -> tuple[list[str], Path]:
    """The command of *task*'s container, and the folder of its outputs, below *folder*."""
    path, outputs = folder / "inputs.pb", folder / "outputs"
    path.write_bytes((inputs or LiteralMap()).SerializeToString())
    others = {"{{.rawOutputDataPrefix}}": raw} if raw else None
    return arguments(template_of(task), path, outputs, others), outputs


# As sitecustomize, so that it blocks from the start.
_BLOCK = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {
            "flyte", "flyte_dask_engine", "flytekit", "flytekitplugins", "flyteplugins",
        }:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
"""


def without_flytekit(folder: Path) -> dict[str, str]:
    """The environment of an image without flytekit and flyte-dask, which needs *folder*."""
    (folder / "sitecustomize.py").write_text(_BLOCK)
    return {"PYTHONPATH": f"{folder}:{PROJECT}"}


def package(source: str, folder: Path, copy: str, others: Mapping[str, str] | None = None) -> Path:
    """*folder*, with the ``pyflyte package`` of a project whose module ``pipeline`` is *source*.

    Args:
        source: the module's source.
        folder: an empty one.
        copy: ``none`` for code in the image, ``all`` for a fast registration.
        others: other files of the project, by path.
    """
    for name, text in {"pipeline.py": source, **(others or {})}.items():
        path = folder / "source" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    done = run(
        *(BIN / "pyflyte", "--pkgs", "pipeline", "package", "--image", "acme/etl:3"),
        *("--copy", copy, "--output", folder / "package.tgz"),
        *("--in-container-source-path", folder / "pod"),
        cwd=folder / "source",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    unpack(folder / "package.tgz", folder)
    return folder


def packaged(folder: Path) -> Iterator[TaskTemplate]:
    """The templates of a package's Dask tasks."""
    for path in sorted(folder.glob("*_1.pb")):
        template = TaskSpec.FromString(path.read_bytes()).template
        if template.type == "dask":
            yield template


def command_of(folder: Path, template: TaskTemplate, outputs: Path, **inputs: int) -> list[str]:
    """The arguments with which the backend starts *template* of a `package`."""
    literals = LiteralMap()
    for name, value in inputs.items():
        literals.literals[name].scalar.primitive.integer = value
    path = outputs.with_name("inputs.pb")
    path.write_bytes(literals.SerializeToString())
    code = next(folder.glob("fast*.tar.gz"), None)
    return arguments(template, path, outputs, {"{{ .remote_package_path }}": str(code)})


def pod_of(folder: Path, template: TaskTemplate) -> tuple[Path, dict[str, str]]:
    """The working directory and the environment of *template*'s container."""
    is_fast = any(folder.glob("fast*.tar.gz"))
    pod = folder / ("pod" if is_fast else "source")
    pod.mkdir(exist_ok=True)
    return pod, {
        **{each.key: each.value for each in template.container.env},
        **_ON_FLYTE,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(pod),
    }


def run_packaged(
    folder: Path, template: TaskTemplate, outputs: Path, env: Mapping[str, str], **inputs: int
) -> Done:
    """Run *template* to its end."""
    pod, given = pod_of(folder, template)
    done = run(*command_of(folder, template, outputs, **inputs), cwd=pod, env={**given, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return Done(done.stdout + done.stderr, outputs)
