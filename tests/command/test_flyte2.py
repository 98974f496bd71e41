"""The command with tasks of Flyte 2, and with both SDKs side by side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.command import flyte_dask

pytestmark = pytest.mark.once

MODULE = """
import flyte
import flytekit

from flyte_dask import presets

CLUSTER = presets.small(workers=3).with_workers(mem="8Gi")

@flytekit.task(
    task_config=CLUSTER,
    requests=flytekit.Resources(cpu="1", mem="2Gi"),
    limits=flytekit.Resources(cpu="2", mem="4Gi"),
)
def monthly() -> int:
    return 1

env = flyte.TaskEnvironment(
    name="etl",
    plugin_config=CLUSTER,
    resources=flyte.Resources(cpu=(1, 2), memory=("2Gi", "4Gi")),
    env_vars={"DASK_WORKER_NAME": "secret"},
)

@env.task
def monthly_2() -> int:
    return 1

big = env.clone_with("big", resources=flyte.Resources(cpu=4, memory="8Gi"))

@big.task(retries=2)
async def yearly() -> int:
    return 1

@flyte.TaskEnvironment(name="plain").task
def plain() -> int:
    return 1
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tasks of both SDKs."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "both.py").write_text(MODULE)
    return folder


def test_it_explains_the_tasks_of_both(project: Path) -> None:
    """Each for its own backend, with the lines and the words of its SDK."""
    done = flyte_dask(project, "explain", "both.py", "--json")
    found = {each["name"]: each for each in json.loads(done.stdout)["tasks"]}
    assert [*found] == ["both.monthly", "etl.monthly_2", "big.yearly"]
    assert [each["platform"]["backend"] for each in found.values()] == ["v1", "v2", "v2"]
    assert [each["line"] for each in found.values()] == [9, 24, 30]
    runner = found["etl.monthly_2"]["values"]["runner.limits.cpu"]
    assert (runner["value"], runner["origin"]["set_by"]) == ("2", "@env.task")


def test_it_checks_by_the_rules_of_the_backend(project: Path) -> None:
    done = flyte_dask(project, "check", "both.py", "--format", "json")
    found = json.loads(done.stdout)["findings"]
    variables = [each for each in found if each["code"] == "reserved-env-var"]
    assert [each["task"] for each in variables] == ["etl.monthly_2", "big.yearly"]
    assert {each["remedy"] for each in variables} == {
        "remove DASK_WORKER_NAME from TaskEnvironment(env_vars=...)"
    }


def test_it_renders_templates_without_values_of_variables(project: Path) -> None:
    done = flyte_dask(
        project, "render", "both.py:monthly_2", "--as", "template", "--image", "etl=acme/etl:3"
    )
    template = json.loads(done.stdout)
    assert (template["type"], template["container"]["image"]) == ("dask", "acme/etl:3")
    assert template["custom"]["workers"]["numberOfWorkers"] == 3
    assert template["container"]["env"] == [{"key": "DASK_WORKER_NAME", "value": "(not shown)"}]
    assert "secret" not in done.stdout


def test_it_compares_a_task_across_both(project: Path) -> None:
    """The same config and resources give the same cluster."""
    done = flyte_dask(project, "diff", "both.py:monthly", "both.py:monthly_2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "no changes\n", "")
    done = flyte_dask(project, "diff", "both.py:monthly", "both.py:yearly")
    assert done.returncode == 2
    assert "~ runner.requests.cpu 1 -> 4 (+3 CPU)" in done.stdout


def test_the_backend_of_flyte_1_is_an_error_for_them(project: Path) -> None:
    done = flyte_dask(project, "explain", "both.py:yearly", "--backend", "v1")
    assert done.returncode == 1
    assert (
        "backend: 'v1' is that of Flyte 1, where tasks of the flyte SDK do not run: use --backend "
        "v2, or omit it"
    ) in done.stderr


def test_a_task_that_is_not_there(project: Path) -> None:
    done = flyte_dask(project, "explain", "both.py:yearli")
    assert "did you mean 'yearly'?" in done.stderr
