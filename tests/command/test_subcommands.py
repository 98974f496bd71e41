"""The subcommands: their help, their completion, and what transcripts don't show."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from pkgutil import iter_modules

import pytest

from flyte_dask import team_files
from flyte_dask.rules import RULES
from flyte_dask_cli import subcommands
from flyte_dask_cli.main import cli
from tests.support.command import COMMAND, flyte_dask
from tests.support.processes import run

pytestmark = pytest.mark.once

NAMES = ("cpu", "mem", "gpu", "ephemeral_storage")
PODS = "4 pods, 5 CPUs, 56Gi memory, up to 8 CPUs, 56Gi memory"


SPECIFIED = """\
from flytekit import ImageSpec, task
from flytekitplugins.dask import presets

spec = ImageSpec(name="etl", registry="ghcr.io/acme", packages=["flyte-dask"])


@task(container_image=spec, task_config=presets.medium().with_image("ghcr.io/acme/etl:3"))
def other() -> int:
    return 1


@task(container_image=spec, task_config=presets.medium().with_image(spec))
def same() -> int:
    return 1
"""


def test_advice_repeats_no_reference_of_a_specified_image(tmp_path: Path) -> None:
    (tmp_path / "etl.py").write_text(SPECIFIED)
    done = flyte_dask(tmp_path, "check", "etl.py", "--format", "json")
    (found,) = json.loads(done.stdout)["findings"]
    assert (found["code"], found["task"]) == ("image-mismatch", "etl.other")
    assert found["remedy"] == (
        "omit the images of the roles, which then use the task's, or pass its ImageSpec: "
        "with_image(spec)"
    )


@pytest.mark.parametrize("command", [[COMMAND], [sys.executable, "-m", "flyte_dask_cli"]])
def test_an_error_of_a_team_file_names_no_line_of_the_command(
    tmp_path: Path, command: list[str]
) -> None:
    file = tmp_path / "flyte-dask.toml"
    file.write_text("[presets.acme]\nworkers = 0\n")
    done = run(*command, "presets", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == f"Error: 1 problem in {file}"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("flyte-dask ", {each.name for each in iter_modules(subcommands.__path__)}),
        ("flyte-dask presets me", {"medium", "memory_heavy"}),
        ("flyte-dask explain --field workers.l", {f"workers.limits.{name}" for name in NAMES}),
        ("flyte-dask check --fo", {"--format"}),
        ("flyte-dask render --as ", {"custom", "pods", "template"}),
    ],
)
def test_shells_complete(tmp_path: Path, line: str, expected: set[str]) -> None:
    count = line.count(" ")
    env = {"_FLYTE_DASK_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(count)}
    done = flyte_dask(tmp_path, **env)
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected


def test_the_shell_completes_paths(tmp_path: Path) -> None:
    env = {"COMP_WORDS": "flyte-dask explain pi", "COMP_CWORD": "2"}
    done = flyte_dask(tmp_path, _FLYTE_DASK_COMPLETE="bash_complete", **env)
    assert done.stdout == "file,pi\n"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_the_examples_of_each_help_are_valid(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each subcommand has examples, and its parser accepts them."""
    command = cli.commands[name]
    lines = re.findall(r"^  flyte-dask (.+)$", command.help or "", re.MULTILINE)
    assert lines
    (tmp_path / "conf").mkdir()
    for path in ("flyte-dask.toml", "conf/flyte-dask.toml"):
        (tmp_path / path).touch()
    monkeypatch.chdir(tmp_path)
    for line in lines:
        subcommand, *args = line.partition(" >")[0].split()
        cli.commands[subcommand].make_context(subcommand, args)


def test_rules_lists_all_rules(tmp_path: Path) -> None:
    """With a code there is the page, too, without what only its file needs."""
    listed = json.loads(flyte_dask(tmp_path, "rules", "--format", "json").stdout)
    assert {each["code"]: (each["severity"], each["title"]) for each in listed["rules"]} == RULES
    for code in RULES:
        done = flyte_dask(tmp_path, "rules", code)
        assert done.returncode == 0
        assert f"Rule `{code}`, severity" in done.stdout
        assert "tables:" not in done.stdout
        assert "](../" not in done.stdout


def test_the_schema_is_that_of_the_team_file(tmp_path: Path) -> None:
    assert json.loads(flyte_dask(tmp_path, "schema").stdout) == team_files.schema()


def test_presets_has_no_advice_that_the_preset_or_its_team_silences(tmp_path: Path) -> None:
    def codes(silence_of_preset: str, silence_of_team: str) -> list[str]:
        (tmp_path / "flyte-dask.toml").write_text(
            f"""
[presets.large_gpu]
extends = "gpu_heavy"
workers = {{ count = 2000 }}
silence = [{silence_of_preset}]

[advice]
silence = [{silence_of_team}]
""",
            encoding="utf-8",
        )
        done = flyte_dask(
            tmp_path, "presets", "large_gpu", "--file", "flyte-dask.toml", "--format", "json"
        )
        (preset,) = json.loads(done.stdout)["presets"]
        return [finding["code"] for finding in preset["findings"]]

    assert codes("", "") == ["undersized-scheduler", "worker-only-gpu", "too-many-workers"]
    assert codes('"worker-only-gpu"', '"too-many-workers"') == ["undersized-scheduler"]


def test_a_broken_preset_package_hides_no_others(tmp_path: Path) -> None:
    """Its error is printed to standard error, and is in the JSON."""
    info = tmp_path / "acme_presets-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-presets\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[flyte_dask.presets]\nbroken = acme_broken\nfine = acme_fine\n"
    )
    (tmp_path / "acme_broken.py").write_text("import no_such_package")
    (tmp_path / "acme_fine.py").write_text(
        "from flyte_dask import presets\n"
        "etl = presets.define('acme.etl', presets.large(3).with_workers(cpu=(1, 2)))\n"
    )
    path = {"PYTHONPATH": str(tmp_path)}
    error = "acme-presets 1.2: acme_broken: ModuleNotFoundError: No module named 'no_such_package'"
    shown = flyte_dask(tmp_path, "presets", **path)
    row = re.split(r"\s{2,}", shown.stdout.splitlines()[-1])
    size = "1 CPU (to 2), 16Gi"
    assert row == ["acme.etl", "3", size, "2 CPUs, 8Gi", PODS, "acme-presets 1.2"]
    assert shown.stderr == f"flyte-dask: cannot load the presets of {error}\n"
    parsed = json.loads(
        flyte_dask(tmp_path, "presets", "acme.etl", "--format", "json", **path).stdout
    )
    assert [each["source"]["text"] for each in parsed["presets"]] == ["acme-presets 1.2"]
    assert parsed["errors"] == [error]
