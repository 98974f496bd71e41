"""A module or version that scheduler or workers lack is an error, and not retried."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

import pytest
from flyteidl.core.errors_pb2 import ContainerError

from tests.session.test_versions import image_with, needs_metadata
from tests.support import faulty, using
from tests.support.backend import WORKER_HERE, Cluster, cluster, scheduler, worker
from tests.support.faults import (
    SHORT,
    finish,
    is_not_retried,
    run_and_act,
)
from tests.support.paths import PROJECT
from tests.support.processes import run
from tests.support.runner import CODE, Done, run_task

OLDEST = "2024.8.0"  # Dask that flyte-dask works with

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """A worker that has our code only."""
    with cluster(workers=1, nannies=False, env=CODE) as made:
        yield made


class TestAModule:
    """A module that is not installed everywhere."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        """The PYTHONPATH of an image with the module."""
        made = tmp_path / "image"
        made.mkdir()
        (made / "acme_steps.py").write_text("def step(number):\n    return number + 1\n")
        return f"{made}:{PROJECT}"

    def test_workers_without_a_module(self, folder: str, tmp_path: Path) -> None:
        with ExitStack() as stack:
            made = scheduler(stack, env={"PYTHONPATH": folder})
            worker(stack, made.address, env=CODE)
            done = run_task(
                faulty.uses_a_module, tmp_path, {**SHORT, **made.env, "PYTHONPATH": folder}
            )
        is_not_retried(
            done,
            "WrongEnvironment",
            "tests.support.faulty.uses_a_module: default-worker-0 (image acme/workers:1) cannot "
            "unpickle what the runner (image acme/task:1) sends: ModuleNotFoundError: No module "
            "named 'acme_steps'\nInstall it in that image.",
        )

    def test_a_scheduler_without_a_module(
        self, folder: str, started: Cluster, tmp_path: Path
    ) -> None:
        env = {**SHORT, **started.env, "PYTHONPATH": folder}
        done = run_task(faulty.uses_a_module, tmp_path, env)
        is_not_retried(
            done,
            "WrongEnvironment",
            "tests.support.faulty.uses_a_module: the scheduler (image acme/scheduler:1) cannot "
            "unpickle what the runner (image acme/task:1) sends: ModuleNotFoundError: No module "
            "named",
        )

    def test_work_without_a_module(self, folder: str, started: Cluster, tmp_path: Path) -> None:
        env = {**SHORT, **started.env, "PYTHONPATH": folder}
        done = run_task(faulty.imports_a_module, tmp_path, env)
        is_not_retried(
            done,
            "WrongEnvironment",
            "tests.support.faulty.imports_a_module: a worker (image acme/workers:1) lacks a "
            "module that the runner (image acme/task:1) has: ModuleNotFoundError: No module named "
            "'acme_steps'",
        )

    @needs_metadata
    def test_a_worker_that_joins_late(self, started: Cluster, tmp_path: Path) -> None:
        """It has another image than the first ones."""
        other = image_with(tmp_path / "image", "cloudpickle", "0.9")
        with ExitStack() as stack:
            done = run_and_act(
                faulty.waits,
                tmp_path,
                started.env,
                lambda _: worker(stack, started.address, 9, env=other),
            )
            finish(tmp_path)
        is_not_retried(
            done,
            "WrongEnvironment",
            "tests.support.faulty.waits: incompatible versions in its cluster:\n",
            "runner (acme/task:1)   scheduler (acme/scheduler:1)   workers (acme/workers:1)\n",
            f"cloudpickle   {version('cloudpickle')}",
            "0.9\n",
        )


HERE = platform.python_version().rpartition(".")[0]


def interpreters() -> Iterator[tuple[str, str]]:
    """Other minor versions that are installed here, each with its interpreter."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    for minor in ("3.10", "3.11", "3.12"):
        found = [*map(str, pyenv.glob(f"{minor}.*/bin/python")), shutil.which(f"python{minor}")]
        for each in filter(None, found):
            done = run(each, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
            if done.stdout.strip() == minor != HERE:
                yield minor, each
                break


def venv_with(interpreter: str, folder: Path, pins: str) -> Path:
    """The scripts of a new venv with the packages of a file of *pins*."""
    done = run(interpreter, "-m", "venv", "--without-pip", folder)
    assert done.returncode == 0, done.stderr
    requirements = PROJECT / "requirements" / f"{pins}.txt"
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin" / "python")
    done = run(*pip, "install", "-q", "--no-compile", "--no-deps", "-r", requirements)
    assert done.returncode == 0, done.stderr
    return folder / "bin"


def run_next_to(scripts: Path, folder: Path) -> Done:
    """Run a task whose worker is started by these *scripts*."""
    with ExitStack() as stack:
        made = scheduler(stack, env={"PYTHONPATH": str(PROJECT)})
        line = [str(scripts / "dask"), "worker", *WORKER_HERE]
        worker(stack, made.address, line=line)
        return run_task(using.anywhere, folder, made.env)


def test_a_worker_with_another_python(tmp_path: Path) -> None:
    minor, interpreter = next(interpreters(), ("", ""))
    if not interpreter:
        pytest.skip("there is no other Python here")
    done = run_next_to(venv_with(interpreter, tmp_path / "venv", "dask"), tmp_path)
    assert done.error.kind == ContainerError.NON_RECOVERABLE
    assert (
        "WrongEnvironment: tests.support.using.anywhere: incompatible versions in" in done.message
    )
    assert re.search(rf"\n  python +{HERE} +{HERE} +{minor}\n", done.message)


@pytest.mark.skipif(version("dask") == OLDEST, reason="it has the Dask that is here")
def test_a_worker_with_an_old_dask(tmp_path: Path) -> None:
    done = run_next_to(venv_with(sys.executable, tmp_path / "venv", "oldest"), tmp_path)
    assert done.error.kind == ContainerError.NON_RECOVERABLE
    assert (
        "WrongEnvironment: tests.support.using.anywhere: incompatible versions in" in done.message
    )
    for name in ("dask", "distributed"):
        assert f"  {name}" in done.message
    assert f"   {OLDEST}\n" in done.message
