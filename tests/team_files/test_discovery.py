"""Which team file belongs to a module, and which files modules read."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from flyte_dask import (
    InvalidConfig,
    ShadowedPreset,
    UnknownPreset,
    presets,
)
from flyte_dask.team_files import find_for_module, read
from flyte_dask.team_files.tracking import TrackedFile, tracked
from tests.support.team_files import a_file, problems


class TestReading:
    """Files that a module reads at its import have to be uploaded with it."""

    READER = """
    from flyte_dask.team_files import read

    def later():
        return read({path!r})
    """

    def reader(self, folder: Path, *, name: str, code: str = "") -> Path:
        """The file of a module that is run under that name, and its function."""
        team = a_file(folder, "policy.max_workers = 3")
        text = textwrap.dedent(self.READER.format(path=str(team))) + code
        module = a_file(folder, text, "etl.py")
        runpy.run_path(str(module), run_name=name)["later"]()
        return module

    def test_is_noted(self, tmp_path: Path) -> None:
        module = self.reader(tmp_path, name="etl", code="later()")
        assert TrackedFile(tmp_path / "flyte-dask.toml", None, module) in tracked

    @pytest.mark.parametrize(("name", "code"), [("etl", ""), ("__main__", "later()")])
    def test_what_a_function_or_a_script_reads_is_not(
        self, name: str, code: str, tmp_path: Path
    ) -> None:
        module = self.reader(tmp_path, name=name, code=code)
        assert not [each for each in tracked if each.module == module]


MODULE = """
from flyte_dask import presets

config = presets.get({arguments})
"""


def run_module(
    folder: Path, arguments: str, *, module: str = "etl.py"
) -> subprocess.CompletedProcess[str]:
    """A module in *folder* that gets a preset, imported from somewhere else."""
    path = a_file(folder, MODULE.format(arguments=arguments), module)
    code = (
        f"import runpy; config = runpy.run_path({str(path)!r})['config']; "
        "print(config.config.workers.number_of_workers)"
    )
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    a_file(elsewhere, "[presets.nightly]\nworkers.count = 99")
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


class TestFinding:
    """It is found next to the module, or by its path, and never by the working directory."""

    NIGHTLY = "[presets.nightly]\nworkers.count = 7\n"

    def test_next_to_the_module(self, tmp_path: Path) -> None:
        a_file(tmp_path / "project", self.NIGHTLY)
        done = run_module(tmp_path / "project", "'nightly'")
        assert done.stdout == "7\n", done.stderr

    def test_above_the_module_up_to_the_root_of_the_repository(self, tmp_path: Path) -> None:
        a_file(
            tmp_path / "project",
            "[tool.flyte-dask.presets.nightly.workers]\ncount = 8",
            "pyproject.toml",
        )
        done = run_module(tmp_path / "project", "'nightly'", module="src/acme/etl.py")
        assert done.stdout == "8\n", done.stderr
        (tmp_path / "project" / "src" / ".git").mkdir()
        done = run_module(tmp_path / "project", "'nightly'", module="src/acme/etl.py")
        assert "is an unknown preset" in done.stderr

    def test_the_nearest_one_counts(self, tmp_path: Path) -> None:
        a_file(tmp_path, "[presets.nightly]\nworkers.count = 9")
        a_file(tmp_path / "src", self.NIGHTLY)
        assert find_for_module(tmp_path / "src" / "etl.py") == tmp_path / "src" / "flyte-dask.toml"

    def test_a_pyproject_without_the_table_is_none(self, tmp_path: Path) -> None:
        (tmp_path / ".git").mkdir()
        a_file(tmp_path, '[project]\nname = "flyte-dask"', "pyproject.toml")
        assert find_for_module(tmp_path / "etl.py") is None
        broken = '[project]\nname = x\ndependencies = ["flyte-dask"]'
        a_file(tmp_path, broken, "pyproject.toml")  # others report what is wrong
        assert find_for_module(tmp_path / "etl.py") is None

    @pytest.mark.parametrize(
        "tables",
        [
            "[tool.flyte-dask.policy]\nmax_workers = 5",
            '[ tool . "flyte-dask" ]\npolicy.max_workers = 5',
            "[tool]\nflyte-dask.policy.max_workers = 5",
            "[tool]\nflyte-dask = { policy = { max_workers = 5 } }",
        ],
    )
    def test_a_fault_elsewhere_in_pyproject_does_not_hide_the_table(
        self, tables: str, tmp_path: Path
    ) -> None:
        path = a_file(tmp_path, f"[project]\nname = x\n{tables}", "pyproject.toml")
        assert find_for_module(tmp_path / "src" / "etl.py") == path
        assert problems(path) == [
            "file (line 2): 'pyproject.toml' is not valid TOML: invalid value: fix it"
        ]

    def test_a_byte_order_mark_does_not_hide_it_either(self, tmp_path: Path) -> None:
        path = tmp_path / "pyproject.toml"
        path.write_text("[tool.flyte-dask.policy]\nmax_workers = 5", encoding="utf-8-sig")
        assert find_for_module(tmp_path / "etl.py") == path
        assert read(path).policy.max_workers == 5

    def test_an_installed_module_has_none_of_the_project_around(self, tmp_path: Path) -> None:
        a_file(tmp_path, self.NIGHTLY)
        installed = tmp_path / ".venv" / "lib" / "site-packages" / "acme" / "__init__.py"
        assert find_for_module(installed) is None

    def test_what_cannot_be_read_is_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It may hold the policy."""

        def forbidden(*_: object, **__: object) -> str:
            raise PermissionError(13, "Permission denied")

        path = a_file(tmp_path, "[tool.flyte-dask]", "pyproject.toml")
        monkeypatch.setattr(Path, "read_text", forbidden)
        assert find_for_module(tmp_path / "etl.py") == path
        assert problems(path) == [
            "file: 'pyproject.toml' cannot be read: Permission denied: fix it"
        ]

    def test_two_in_one_folder_are_rejected(self, tmp_path: Path) -> None:
        a_file(tmp_path, self.NIGHTLY)
        a_file(tmp_path, "[tool.flyte-dask]", "pyproject.toml")
        with pytest.raises(InvalidConfig, match="keep one of them"):
            find_for_module(tmp_path / "etl.py")

    def test_by_its_path_from_the_module(self, tmp_path: Path) -> None:
        a_file(tmp_path / "project", self.NIGHTLY, "conf/team.toml")
        done = run_module(tmp_path / "project", "'nightly', file='conf/team.toml'")
        assert done.stdout == "7\n", done.stderr

    def test_a_relative_path_needs_a_module(self) -> None:
        with pytest.raises(InvalidConfig, match="use an absolute path"):
            exec("presets.get('nightly', file='team.toml')", {"presets": presets})

    def test_an_unknown_preset_is_reported_with_those_of_the_file(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, self.NIGHTLY)
        with pytest.raises(UnknownPreset, match="did you mean 'nightly'"):
            presets.get("nightlie", file=path)

    def test_a_name_that_a_package_has_too_needs_a_source(self, tmp_path: Path) -> None:
        a_file(tmp_path / "project", "[presets.medium]\nworkers.count = 7")
        done = run_module(tmp_path / "project", "'medium'")
        assert ShadowedPreset.__name__ in done.stderr
        assert "is a preset of flyte-dask (built in) and of flyte-dask.toml" in done.stderr
        done = run_module(tmp_path / "project", "'medium', source='flyte-dask.toml'")
        assert done.stdout == "7\n", done.stderr
