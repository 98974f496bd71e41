"""What ``flyte-dask migrate`` shows of a project of the official plugin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import flyte_dask

pytestmark = pytest.mark.once

ETL = """
from flytekit import ImageSpec, Resources, task
from flytekitplugins.dask import Dask, Scheduler, WorkerGroup

image = ImageSpec(name="etl", packages=["flytekitplugins-dask", "pandas"])
both = {"requests": Resources(cpu="6", mem="4Gi"), "limits": Resources(cpu="6", mem="4Gi")}


@task(task_config=Dask(), **both)
def same() -> int:
    return 1


@task(task_config=Dask(workers=WorkerGroup(4, requests=Resources(mem="8Gi"))), **both)
def inherits() -> int:
    return 1


@task(task_config=Dask(workers=WorkerGroup(4, limits=Resources(cpu="2", mem="16GB"))))
def misspelt() -> int:
    return 1


@task(task_config={"workers": 3})
def plain() -> int:
    return 1
"""
FILES = {
    "pipelines/etl.py": ETL,
    "requirements.txt": "dask\nflytekitplugins_dask==1.16.1\n",
    "Dockerfile": "FROM python\nRUN pip install flytekit FlyteKitPlugins-Dask\n",
    "pyproject.toml": '[project]\ndependencies = ["flytekitplugins-dask-extra"]\n',
    ".venv/requirements.txt": "flytekitplugins-dask\n",
    "env/pyvenv.cfg": "",
    "env/setup.py": "flytekitplugins-dask",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one valid task, one that changes, and mistakes."""
    (tmp_path / ".git").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_each_task_and_what_to_change(project: Path) -> None:
    done = flyte_dask(project, "migrate", "pipelines/etl.py")
    assert done.stdout.splitlines() == [
        "pipelines/etl.py:9: etl.same",
        "  its pods stay as they are",
        "pipelines/etl.py:14: etl.inherits",
        "  ~ workers.cpu 2 -> 6 (+16 CPU)",
        "",
        "to change:",
        (
            "pipelines/etl.py:19: limits.mem: '16GB' is not a Kubernetes quantity: did you mean "
            "'16Gi' (or '16G')?"
        ),
        (
            "pipelines/etl.py:24: etl.plain: task_config: it is a plain task without a cluster: "
            "flytekit has no plugin for a dict: use Dask(...) or a preset, such as presets.medium()"
        ),
        "Dockerfile:2: put flyte-dask in the place of flytekitplugins-dask",
        "pipelines/etl.py:5: put flyte-dask in the place of flytekitplugins-dask",
        "requirements.txt:2: write flyte-dask without ==1.16.1",
        "",
        "3 Dask tasks: 1 with other pods than before, 5 things to change",
    ]
    assert done.returncode == 1


def test_the_same_as_json(project: Path) -> None:
    done = flyte_dask(project, "migrate", "pipelines/etl.py", "--format", "json")
    found = json.loads(done.stdout)
    assert [each["name"] for each in found["tasks"]] == ["etl.same", "etl.inherits"]
    assert found["tasks"][1]["changes"][0] == {
        "path": "workers.cpu",
        "old": "2",
        "new": "6",
        "delta": {"pods": 0, "cpu": "16"},
    }
    assert [each["code"] for each in found["errors"]] == ["config", "config"]
    assert found["packages"][2] == {
        "file": "requirements.txt",
        "line": 2,
        "text": "flytekitplugins_dask==1.16.1",
        "remedy": "write flyte-dask without ==1.16.1",
    }


def test_nothing_to_change(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "etl.py").write_text(
        "from flytekit import task\nfrom flytekitplugins.dask import Dask\n\n\n"
        "@task(task_config=Dask())\ndef same() -> int:\n    return 1\n"
    )
    done = flyte_dask(tmp_path, "migrate", "etl.py")
    assert (done.returncode, done.stdout) == (
        0,
        (
            "etl.py:5: etl.same\n  its pods stay as they are\n\n"
            "1 Dask task: 0 with other pods than before, nothing to change\n"
        ),
    )


IMAGE = """
from flytekit import ImageSpec, task
from flytekitplugins.dask import Dask

image = ImageSpec(name="etl", packages=[PACKAGE])


@task(task_config=Dask(), container_image=image)
def first() -> int:
    return 1


@task(task_config=Dask(), container_image=image)
def second() -> int:
    return 1
"""


def test_an_image_with_the_official_plugin_counts_once(tmp_path: Path) -> None:
    """With the line that names it; if there is none, with the tasks that use it."""
    module = tmp_path / "etl.py"
    module.write_text(IMAGE.replace("PACKAGE", '"flytekitplugins-dask==1.16.31"'))
    done = flyte_dask(tmp_path, "migrate", "etl.py")
    assert done.stdout.partition("to change:\n")[2] == (
        "etl.py:5: write flyte-dask without ==1.16.31\n\n"
        "2 Dask tasks: 0 with other pods than before, 1 thing to change\n"
    )
    module.write_text(IMAGE.replace("PACKAGE", '"-".join(["flytekitplugins", "dask"])'))
    done = flyte_dask(tmp_path, "migrate", "etl.py")
    assert done.stdout.count("it installs flytekitplugins-dask") == 2
