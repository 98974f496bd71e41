"""The team file to start from: all comments, complete, and valid without them."""

from __future__ import annotations

import re
from pathlib import Path

import attrs
import pytest

from flyte_dask import team_files
from flyte_dask.team_files.tables import (
    AdviceTable,
    Amounts,
    Limits,
    PlatformTable,
    PolicyTable,
    PresetTable,
    SchedulerTable,
    WorkersTable,
)
from tests.support.command import flyte_dask

TABLES = {
    "presets.nightly": PresetTable,
    "presets.nightly.workers": WorkersTable,
    "presets.nightly.scheduler": SchedulerTable,
    "platform": PlatformTable,
    "platform.defaults": Amounts,
    "platform.limits": Limits,
    "policy": PolicyTable,
    "policy.per_worker": Amounts,
    "policy.total": Amounts,
    "advice": AdviceTable,
}


def test_it_sets_nothing() -> None:
    assert team_files.parse(team_files.starter(), "toml") == team_files.parse("", "toml")


def test_without_comment_signs_it_is_valid(tmp_path: Path) -> None:
    path = tmp_path / team_files.NAME
    path.write_text(re.sub(r"(?m)^# (?=\[|\w+ = )", "", team_files.starter()))
    team = team_files.read(path)
    assert [str(each.name) for each in team.presets] == ["nightly"]
    assert team.policy.max_workers == 100


def test_it_has_every_key() -> None:
    """As a line, or as the table that follows."""
    found: dict[str, set[str]] = {}
    for table, lines in re.findall(r"(?m)^# \[(.+)\]\n((?:# \w+ = .*\n)*)", team_files.starter()):
        found.setdefault(table, set()).update(re.findall(r"(?m)^# (\w+) = ", lines))
    for table in [*found]:
        above, _, name = table.rpartition(".")
        if above in found:
            found[above].add(name)
    assert found == {name: set(attrs.fields_dict(table)) for name, table in TABLES.items()}


@pytest.mark.once
class TestTheCommand:
    """``flyte-dask init``."""

    def test_it_writes_the_file_once(self, tmp_path: Path) -> None:
        done = flyte_dask(tmp_path, "init")
        assert done.stdout == (
            "flyte-dask.toml was written: remove the '# ' of each line that you need\n"
        )
        assert (tmp_path / team_files.NAME).read_text() == team_files.starter()
        (tmp_path / team_files.NAME).write_text("# mine\n")
        again = flyte_dask(tmp_path, "init", ".")
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr == "Error: flyte-dask.toml is a team file already\n"
        assert (tmp_path / team_files.NAME).read_text() == "# mine\n"

    def test_the_table_of_a_project_is_a_team_file_too(self, tmp_path: Path) -> None:
        (tmp_path / "pyproject.toml").write_text("[tool.flyte-dask.policy]\nmax_workers = 3\n")
        done = flyte_dask(tmp_path, "init")
        assert done.stderr == "Error: pyproject.toml is a team file already\n"
        assert [each.name for each in tmp_path.iterdir()] == ["pyproject.toml"]

    def test_it_names_the_file_that_it_replaces(self, tmp_path: Path) -> None:
        (tmp_path / team_files.NAME).touch()
        (tmp_path / "pipelines").mkdir()
        done = flyte_dask(tmp_path, "init", "pipelines")
        replaced = tmp_path / team_files.NAME
        assert done.stderr == (
            f"flyte-dask: it replaces {replaced} for the modules below pipelines\n"
        )
