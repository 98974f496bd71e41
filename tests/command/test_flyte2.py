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
    done = flyte_dask(project, "explain", "both.py", "--format", "json")
    found = {each["name"]: each for each in json.loads(done.stdout)["tasks"]}
    assert [*found] == ["both.monthly", "etl.monthly_2", "big.yearly"]
    assert [each["platform"]["backend"] for each in found.values()] == ["v1", "v2", "v2"]
    assert [each["line"] for each in found.values()] == [9, 24, 30]
    runner = found["etl.monthly_2"]["values"]["runner.limits.cpu"]
    assert (runner["value"], runner["origin"]["by"]) == ("2", "@env.task")


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


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--root-dir", "."], {"jobs", "deep.more"}),
        (["--root-dir", ".."], {"flat.jobs", "flat.deep.more"}),
    ],
)
def test_its_modules_are_those_of_the_sdk(
    arguments: list[str], names: set[str], tmp_path: Path
) -> None:
    """From the root that is said; `flyte deploy` has the working directory by default."""
    folder = tmp_path / "flat"
    (folder / "deep").mkdir(parents=True)
    neighbour = "helpers" if arguments[1] == "." else "flat.helpers"
    (folder / "helpers.py").write_text(
        "import flyte\nfrom flyte_dask import Dask\n"
        "env = flyte.TaskEnvironment(name='etl', plugin_config=Dask())\n"
    )
    text = f"from {neighbour} import env\n\n@env.task\ndef daily() -> int:\n    return 1\n"
    (folder / "jobs.py").write_text(text)
    (folder / "deep" / "more.py").write_text(text.replace("daily", "weekly"))
    done = flyte_dask(folder, "render", *arguments, ".", "--as", "template")
    made = [each["container"]["args"] for each in json.loads(done.stdout).values()]
    assert {each[each.index("mod") + 1] for each in made} == names


def test_what_is_outside_of_the_root_is_an_error(project: Path, tmp_path: Path) -> None:
    done = flyte_dask(project, "check", "--root-dir", str(tmp_path), "both.py")
    assert done.returncode == 1
    assert f"'both.py': not in {tmp_path}, the folder of imports (--root-dir)" in done.stderr


def test_it_reports_tasks_that_a_pod_does_not_find(tmp_path: Path) -> None:
    (tmp_path / "jobs.py").write_text(
        "import flyte\nfrom flyte_dask import Dask\n\n"
        "env = flyte.TaskEnvironment(name='etl', plugin_config=Dask())\n\n"
        "def monthly() -> int:\n    return 1\n\n"
        "after = env.task(monthly)\n"
    )
    done = flyte_dask(tmp_path, "check", "jobs.py", "--format", "json")
    (found,) = [each for each in json.loads(done.stdout)["findings"] if each["severity"] == "error"]
    assert done.returncode == 1
    assert (found["task"], found["line"], found["message"], found["remedy"]) == (
        "etl.monthly",
        6,
        (
            "a pod, which imports jobs and runs what it finds as monthly, finds a function "
            "instead of the task"
        ),
        "decorate the function with @env.task, under its own name",
    )


def test_it_reports_configs_of_the_official_plugin(tmp_path: Path) -> None:
    """Without adoption, which may also come too late."""
    (tmp_path / "jobs.py").write_text(
        "import flyte\nfrom flyteplugins.dask import Dask\n"
        "from flyteplugins.flyte_dask import adopt\n\n"
        "env = flyte.TaskEnvironment(name='etl', plugin_config=Dask())\n\n"
        "@env.task\ndef early() -> int:\n    return 1\n\n"
        "adopt()\n\n"
        "@env.task\ndef late() -> int:\n    return 1\n"
    )
    done = flyte_dask(tmp_path, "check", "jobs.py", "--format", "json")
    of_config = [each for each in json.loads(done.stdout)["findings"] if each["code"] == "config"]
    assert [(each["task"], each["line"], each["message"]) for each in of_config] == [
        ("etl.early", 7, "its config is the official plugin's, which runs it without a session")
    ]


def test_a_task_without_a_cluster(project: Path) -> None:
    done = flyte_dask(project, "explain", "both.py:plain")
    assert done.returncode == 1
    assert (
        "'plain' of both is not a Dask task: give its environment a config: "
        "flyte.TaskEnvironment(plugin_config=Dask(...))"
    ) in done.stderr
