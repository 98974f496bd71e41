"""Modules with invalid configs: all of these are found at once, and nothing is that was handled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import flyte_dask

pytestmark = pytest.mark.once

PROBLEM = "workers: 0 must be an integer from 1 to 4294967295: use 1 or more [config]"
HANDLED = """
from flytekit import task
from flytekitplugins.dask import Dask, presets

try:
    config = Dask(workers="many")
except TypeError:
    config = presets.small()


@task(task_config=config)
def total(day: str) -> str:
    return day
"""
FLYTE_2 = """
import flyte
from flyteplugins.flyte_dask import Dask, WorkerGroup, presets

amount = flyte.TaskEnvironment("amount", plugin_config=Dask(workers=2).with_workers(mem="16GB"))
role = flyte.TaskEnvironment(
    "role", resources=flyte.Resources(memory="4GB"), plugin_config=WorkerGroup(2)
)
fine = flyte.TaskEnvironment("fine", plugin_config=presets.medium(60))


@amount.task
def first(day: str) -> str:
    return day


@role.task
def second(day: str) -> str:
    return day


@fine.task
def third(day: str) -> str:
    return day
"""
MANY = """\
from flytekit import Resources, task
from flytekitplugins.dask import Dask, DaskCluster, JobPodSpec, presets

assigned = presets.medium()
assigned.workers.number_of_workers = 8
assigned.scheduler.limits = Resources(cpu="1", mem="2Gi")
empty = Dask()
empty.workers.requests = Resources(mem="4GB")


class Mine(Dask):
    pass


@task(task_config=Dask(job_pod_spec=JobPodSpec(x=1), workers=DaskCluster(4)))
def first() -> int:
    return 1


@task(task_config=JobPodSpec())
def second() -> int:
    return 1


@task(task_config=presets.get("medum"))
def third() -> int:
    return 1


@task(task_config=presets.get("large")().with_workers(0).with_runtime(min_workers=9))
def fourth() -> int:
    return 1


@task(task_config=Mine(workers=3))
def fifth() -> int:
    return 1


@task(task_config=assigned, requests=Resources(mem="4GB"))
def sixth() -> int:
    return 1


@task(task_config=Dask(workers=1))
def advised() -> int:
    return 1
"""
COUNTED = """
from flytekitplugins.dask import Dask

Dask(workers=0)
with open("imports.txt", "a") as file:
    file.write(f"{__name__}\\n")
import later
"""
SHARED = """
from flytekit import task
from flytekitplugins.dask import Dask, presets


@task(task_config=presets.small())
def shared(day: str) -> str:
    return day
"""


def test_an_error_that_a_module_handles_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "handled.py").write_text(HANDLED)
    done = flyte_dask(tmp_path, "check", "handled.py")
    assert (done.returncode, done.stdout) == (0, "1 Dask task in 1 module: no issues\n")


def test_all_of_a_module_of_flyte_2(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(FLYTE_2)
    (tmp_path / "flyte-dask.toml").write_text("[policy]\nmax_workers = 40\n")
    done = flyte_dask(tmp_path, "check", "etl.py", "--format", "json")
    found = json.loads(done.stdout)
    assert [(each["line"], each["code"], each["path"]) for each in found["findings"]] == [
        (5, "config", "workers.mem"),
        (17, "config", "plugin_config"),
        (17, "config", "requests.mem"),
        (22, "policy", "workers.number_of_workers"),
    ]
    assert found["summary"]["tasks"] == 3


def test_assignments_and_what_was_removed_do_not_hide_what_follows(tmp_path: Path) -> None:
    """Each is found once, and none is about what stands in for an invalid config."""
    (tmp_path / "etl.py").write_text(MANY)
    done = flyte_dask(tmp_path, "check", "etl.py", "--format", "json")
    found = json.loads(done.stdout)["findings"]
    assert [(each["line"], each["path"]) for each in found if each["severity"] == "error"] == [
        (2, "DaskCluster"),
        (2, "JobPodSpec"),
        (5, "number_of_workers"),
        (6, "limits"),
        (8, "requests"),
        (11, "bases"),
        (25, "name"),
        (30, "workers.number_of_workers"),
        (40, "requests.mem"),
    ]
    assert {each["task"] for each in found if each["severity"] != "error"} == {"etl.advised"}


def test_a_module_without_errors_is_imported_once(tmp_path: Path) -> None:
    """Only the one with an invalid config is imported again; the tasks of others stay known."""
    (tmp_path / "wrong.py").write_text(f"import shared\n{COUNTED}")
    (tmp_path / "later.py").write_text(COUNTED.replace("import later", ""))
    (tmp_path / "shared.py").write_text(
        COUNTED.replace("Dask(workers=0)", SHARED).replace("import later", "")
    )
    done = flyte_dask(tmp_path, "check", "wrong.py", "later.py", "shared.py")
    assert done.stdout.splitlines() == [
        f"later.py:4: error: {PROBLEM}",
        f"wrong.py:5: error: {PROBLEM}",
        "1 Dask task in 3 modules: 2 errors",
    ]
    assert (tmp_path / "imports.txt").read_text().split() == ["shared", "wrong", "later"]
