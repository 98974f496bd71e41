"""The official plugin's models and its own tests, and installing it next to ours."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
import venv
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from flyteidl.plugins import dask_pb2
from flytekit.models.task import Resources

from flyte_dask.startup import REINSTALL, REMEDY
from flytekitplugins.dask import models
from tests.support.paths import PROJECT
from tests.support.processes import build_wheel, run, unpack

pytestmark = pytest.mark.once

REQUIREMENTS = PROJECT / "requirements" / "official.txt"

CPU = Resources([Resources.ResourceEntry(Resources.ResourceName.CPU, "3")], [])


class TestModels:
    """The official plugin's model classes."""

    def test_a_job_becomes_the_official_message(self) -> None:
        job = models.DaskJob(
            models.Scheduler(image="img:1", resources=CPU),
            models.WorkerGroup(4, None, CPU),
        )
        message = job.to_flyte_idl()
        assert message == dask_pb2.DaskJob(
            scheduler=dask_pb2.DaskScheduler(image="img:1", resources=CPU.to_flyte_idl()),
            workers=dask_pb2.DaskWorkerGroup(number_of_workers=4, resources=CPU.to_flyte_idl()),
        )
        assert (job.scheduler.image, job.scheduler.resources) == ("img:1", CPU)
        assert (job.workers.number_of_workers, job.workers.image) == (4, None)
        assert job == models.DaskJob(scheduler=job.scheduler, workers=job.workers)
        assert job != models.DaskJob(scheduler=models.Scheduler(), workers=job.workers)

    def test_what_is_unset_stays_unset(self) -> None:
        assert models.Scheduler().to_flyte_idl() == dask_pb2.DaskScheduler()
        assert not models.Scheduler().to_flyte_idl().HasField("resources")

    @pytest.mark.parametrize("number", [0, -3])
    def test_a_group_without_workers_is_an_error(self, number: int) -> None:
        with pytest.raises(
            ValueError, match=f"^Each worker group needs to have at least one worker, .*{number}"
        ):
            models.WorkerGroup(number_of_workers=number)


def index(done: CompletedProcess[str]) -> None:
    """Skip where there is no package index, unless this is CI, which has one."""
    if done.returncode and not os.environ.get("CI"):
        pytest.skip(f"pip gets nothing from a package index here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The official plugin alone as pip's requirement, with its hashes."""
    (block,) = re.findall(
        r"^flytekitplugins-dask==(?:.*\\\n)*.*$", REQUIREMENTS.read_text(), re.MULTILINE
    )
    path = tmp_path_factory.mktemp("pinned") / "requirements.txt"
    path.write_text(block)
    return path


def test_the_official_plugins_own_tests_pass(pinned: Path, tmp_path: Path) -> None:
    """Unchanged, out of its sdist."""
    download = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", tmp_path)
    index(run(*download, "--no-binary", "flytekitplugins-dask", "--require-hashes", "-r", pinned))
    (sdist,) = tmp_path.glob("*.tar.gz")
    unpack(sdist, tmp_path)
    (tests,) = tmp_path.glob("*/tests")
    folder = tests.rename(tmp_path / "tests")  # away from the official plugin itself
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")
    done = run(*pytest_here, cwd=folder)
    assert done.returncode == 0, done.stdout
    assert re.search(r"^\d\d passed", done.stdout, re.MULTILINE), done.stdout


USES = """
import flytekit
from flyte_dask import presets
from flytekitplugins.dask import Dask

def function() -> int:
    return 1

print(flytekit.task(task_config=Dask())(function).task_type)
print(flytekit.task(task_config=presets.medium())(function).task_type)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours."""
    return build_wheel(tmp_path_factory.mktemp("dist"))


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The interpreter of an environment with our dependencies, but without flyte-dask."""
    venv.create(tmp_path)
    (site,) = tmp_path.glob("lib/*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    return tmp_path / "bin" / "python"


def pip(python: Path, *args: str | Path) -> CompletedProcess[str]:
    """Run pip in the environment of *python*."""
    return run(sys.executable, "-m", "pip", "--python", python, *args)


@pytest.mark.source
class TestSideBySide:
    """Both in one environment, by pip, in either order."""

    def install(self, python: Path, *what: str | Path) -> None:
        """By pip, without dependencies."""
        index(pip(python, "install", "-q", "--no-deps", "--force-reinstall", *what))

    def uses(self, python: Path) -> CompletedProcess[str]:
        """The output and the exit status of a user's script."""
        script = python.parent / "uses.py"
        script.write_text(USES)
        return run(python, script, cwd=script.parent)

    def test_the_official_plugin_came_last(self, python: Path, wheel: Path, pinned: Path) -> None:
        """Our configs are rejected until the remedy is applied."""
        self.install(python, wheel)
        self.install(python, "-r", pinned)
        self.assert_remedy(python, f"flytekitplugins.dask is not flyte-dask's: {REMEDY}")
        alone = run(python, "-c", "import flyte_dask", cwd=python.parent)
        assert " and flyte-dask are both installed, " in alone.stderr
        done = self.uses(python)
        assert done.stdout == "dask\n", done.stderr
        assert done.stderr.count(" and flyte-dask are both installed, ") == 1
        output = " ".join(done.stderr.split())
        assert "InvalidConfig: 1 problem in @task of function" in output
        reason = "has no plugin: flytekitplugins.dask is not flyte-dask's: "
        assert f"{reason}{REMEDY}" in output

        uninstall = pip(python, "uninstall", "-q", "-y", "flytekitplugins-dask")
        assert uninstall.returncode == 0, uninstall.stderr
        self.install(python, wheel)
        done = self.uses(python)
        assert (done.stdout, done.stderr) == ("dask\ndask\n", "")

    def test_we_came_last(self, python: Path, wheel: Path, pinned: Path) -> None:
        self.install(python, "-r", pinned)
        self.install(python, wheel)
        done = self.uses(python)
        assert done.stdout == "dask\ndask\n", done.stderr
        assert re.fullmatch(
            r"flytekitplugins-dask 1\.\d+\.\d+ and flyte-dask are both installed, and both own .*"
            + re.escape(f"{REMEDY}\n"),
            done.stderr,
        )

        uninstall = pip(python, "uninstall", "-q", "-y", "flytekitplugins-dask")
        assert uninstall.returncode == 0, uninstall.stderr
        alone = (
            "import flytekit; from flyte_dask import Dask; flytekit.task(task_config=Dask())(int)"
        )
        gone = run(python, "-c", alone, cwd=python.parent)
        output = " ".join((gone.stdout + gone.stderr).split())
        assert (
            "files of flyte-dask are missing, as after flytekitplugins-dask was uninstalled"
            in output
        )
        assert "has no plugin: flytekitplugins.dask is not flyte-dask's" in output
        missing = "files of flyte-dask are missing, as after flytekitplugins-dask was uninstalled"
        self.assert_remedy(python, f"{missing}. Remedy: {REINSTALL}")

    def assert_remedy(self, python: Path, problem: str) -> None:
        """The command has it in one line without a trace, and the error of a user's import."""
        (python.parent / "uses.py").write_text("from flytekitplugins.dask import presets\n")
        done = run(python.with_name("flyte-dask"), "check", "uses.py", cwd=python.parent)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.splitlines()[-1] == f"Error: {problem}"
        assert "Traceback" not in done.stderr
        imported = run(python, "-c", "import flytekit, uses", cwd=python.parent)
        shown = " ".join(imported.stderr.split())
        assert shown.endswith(f"ImportError: cannot import 'presets': {problem}")
