"""What a team file sets: presets, platform, policy, advice."""

from __future__ import annotations

import sys
from pathlib import Path

import attrs
import pytest

from flyte_dask import (
    Quantity,
    Resources,
    presets,
)
from flyte_dask.team_files import TeamFile, read, write
from flyte_dask.team_files.parsers import loaded
from tests.support.team_files import LINES, TOML, YAML, a_file, preset_of


class TestContents:
    """Presets, platform, policy and advice."""

    @pytest.fixture
    def team(self, tmp_path: Path) -> TeamFile:
        return read(a_file(tmp_path, TOML))

    def test_a_preset_extends_another(self, team: TeamFile) -> None:
        assert preset_of(team, "nightly") == presets.large(20).with_workers(mem="32Gi")
        assert team.presets[0].doc == "The nightly run."

    def test_a_preset_sets_all_that_a_config_can(self, team: TeamFile) -> None:
        config = presets.large(20).with_workers(mem="32Gi").with_image("ghcr.io/acme/etl:3")
        config = config.with_scheduler(mem=("8Gi", "16Gi"), image="ghcr.io/acme/dask:1")
        config = config.with_runtime(worker_timeout=None, min_workers=4).with_inherit("pin")
        assert preset_of(team, "acme.big") == config.without_advice("worker-only-gpu")

    def test_each_value_has_its_line_as_origin(self, team: TeamFile) -> None:
        origins = preset_of(team, "acme.big").origins
        lines = {
            name: (origin.preset, origin.call_site.line)
            for name, origin in origins.items()
            if origin.call_site is not None and origin.call_site.file == str(team.path)
        }
        assert lines == {
            "scheduler.mem": ("acme.big", 10),
            "scheduler.image": ("acme.big", 10),
            "workers.number_of_workers": ("nightly", 5),
            "workers.mem": ("nightly", 5),
            "workers.image": ("acme.big", 9),
            "runtime.worker_timeout": ("acme.big", 11),
            "runtime.min_workers": ("acme.big", 11),
            "inherit": ("acme.big", 12),
            "silence.worker-only-gpu": ("acme.big", 13),
        }
        replaced = origins["workers.mem"].overrides
        assert replaced is not None
        assert replaced.preset == "large"

    def test_the_platform(self, team: TeamFile) -> None:
        assert team.platform.backend == "v1"
        assert team.platform.given == {"cpu": Quantity("2"), "mem": Quantity("4Gi")}
        assert team.platform.limits == Resources(64, "256Gi", 8)
        assert str(team.platform.origins["limits.mem"]).endswith("flyte-dask.toml:20")
        assert str(team.platform.origins["defaults.mem"]).endswith("flyte-dask.toml:19")

    def test_the_policy(self, team: TeamFile) -> None:
        policy = team.policy
        assert (policy.max_workers, policy.registries) == (30, ("ghcr.io/acme",))
        assert (policy.per_worker, policy.total) == (Resources(mem="64Gi"), Resources(cpu=1000))
        lines = {name: str(origin).rpartition(":")[2] for name, origin in policy.origins.items()}
        assert lines == {
            "max_workers": "23",
            "registries": "24",
            "per_worker.mem": "25",
            "total.cpu": "28",
        }

    def test_advice(self, team: TeamFile) -> None:
        assert (team.silence, team.fatal) == (("poor-bin-packing",), ("missing-worker-memory",))

    def test_yaml_and_json_are_equal(self, tmp_path: Path) -> None:
        toml = read(a_file(tmp_path, TOML))
        data = write(toml.tables, "json")
        for name, text in (("team.yaml", YAML), ("team.json", data)):
            other = read(a_file(tmp_path, text, name))
            assert attrs.evolve(other, path=toml.path) == toml

    def test_brackets_in_strings_and_comments_of_toml_are_ignored(self) -> None:
        assert loaded(LINES, "toml").lines == {
            ("a",): 1,
            ("b]",): 2,
            ("x", "y.[z"): 8,
            ("x", "y.[z", "c"): 9,
            ("x", "y.[z", "d"): 10,
            ("x", "y.[z", "e"): 11,
            ("x", "y.[z", "e", "p"): 11,
            ("x", "y.[z", "e", "q"): 11,
            ("x", "y.[z", "e", "q", "r"): 11,
            ("x", "y.[z", "f"): 12,
            ("z",): 14,
            ("z", "g"): 16,
        }
        literal = "a = '''[\n''''\nb = '\"['\nc = '\\'\nd = 1"
        assert loaded(literal, "toml").lines == {("a",): 1, ("b",): 3, ("c",): 4, ("d",): 5}

    def test_a_long_list_of_toml_is_parsed_once_for_its_lines(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In another tool's table, such as that of who owns a file."""
        items = "".join(f"  {{ path = '{number}', owner = 'team' }},\n" for number in range(1000))
        text = f"[tool.owners]\nfiles = [\n{items}]\n[tool.flyte-dask.policy]\n"
        parser = sys.modules["tomllib" if sys.version_info >= (3, 11) else "tomli"]
        loads, parsed = parser.loads, list[str]()

        def counted(part: str) -> object:
            parsed.append(part)
            return loads(part)

        monkeypatch.setattr(parser, "loads", counted)
        assert loaded(text, "toml").line(("tool", "flyte-dask", "policy")) == 1004
        assert sum(map(len, parsed)) == 2 * len(text)

    def test_yaml_has_lines_too(self, tmp_path: Path) -> None:
        team = read(a_file(tmp_path, YAML, "team.yml"))
        assert str(preset_of(team, "nightly").origins["workers.mem"]).endswith("team.yml:5")

    def test_a_table_of_pyproject(self, tmp_path: Path) -> None:
        text = '[project]\nname = "acme"\n[tool.flyte-dask.policy]\nmax_workers = 30\n'
        team = read(a_file(tmp_path, text, "pyproject.toml"))
        assert str(team.policy.origins["max_workers"]).endswith("pyproject.toml:4")

    def test_an_empty_file_sets_nothing(self, tmp_path: Path) -> None:
        for name in ("flyte-dask.toml", "team.yaml", "pyproject.toml"):
            team = read(a_file(tmp_path, "", name))
            assert (team.presets, team.fatal) == ((), ())

    def test_a_changed_file_is_read_again(self, tmp_path: Path) -> None:
        path = a_file(tmp_path, "policy.max_workers = 3")
        assert read(path).policy.max_workers == 3
        a_file(tmp_path, "policy.max_workers = 30")
        assert read(path).policy.max_workers == 30

    def test_a_preset_may_extend_a_built_in_one_of_its_name(self, tmp_path: Path) -> None:
        team = read(a_file(tmp_path, '[presets.large]\nextends = "large"\nworkers.count = 3'))
        assert preset_of(team, "large") == presets.large(3)
