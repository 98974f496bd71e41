"""Errors in a team file are reported with their lines."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from flyte_dask import (
    CallSite,
    Dask,
    InvalidConfig,
    MissingExtra,
)
from flyte_dask.team_files import read
from tests.support.team_files import FILES, a_file, preset_of, problems


class TestErrors:
    """Every problem of a file at once, each with its path and line."""

    @pytest.mark.parametrize("name", ["bad_keys", "bad_values"])
    def test_all_are_reported_at_once(self, name: str) -> None:
        """Unknown keys and wrong types, along with invalid configs."""
        expected = (FILES / f"{name}.txt").read_text(encoding="utf-8")
        assert problems(FILES / f"{name}.toml") == expected.splitlines()

    @pytest.mark.parametrize(
        ("name", "text", "problem"),
        [
            (
                "flyte-dask.toml",
                "[policy]\nmax_workers = 5\nmax_workers = 6",
                "file: 'flyte-dask.toml' is not valid TOML: cannot overwrite a value: fix it",
            ),
            (
                "flyte-dask.toml",
                "[policy]\nmax_workers =\n",
                "file (line 2): 'flyte-dask.toml' is not valid TOML: invalid value: fix it",
            ),
            (
                "team.yaml",
                "policy:\n  max_workers: 5\n  max_workers: 6\n",
                "policy.max_workers (line 3): 'max_workers' is a duplicate key: fix it",
            ),
            (
                "team.json",
                '{"policy": {"max_workers": 5, "max_workers": 6}}',
                "policy.max_workers (line 1): 'max_workers' is a duplicate key: fix it",
            ),
            (
                "team.yaml",
                "policy: {max_workers: 5\nx",
                "file (line 2): 'team.yaml' is not valid YAML: expected ',' or '}', but got ",
            ),
            (
                "team.json",
                '{"policy": \n5,}',
                "file (line 2): 'team.json' is not valid JSON: ",
            ),
            (
                "team.yaml",
                "presets: {}\nplatform: {}\nyes: {}\ntrue: {}\n",
                "True (line 4): 'True' is a duplicate key: fix it",
            ),
            ("team.json", "[" * 100_000, "file: 'team.json' is nested too deeply: fix it"),
            (
                "flyte-dask.toml",
                f"policy.max_workers = {'[' * 5000}",
                "file: 'flyte-dask.toml' is nested too deeply: fix it",
            ),
            (
                "flyte-dask.toml",
                f"policy.max_workers = {'9' * 5000}",
                "file: 'flyte-dask.toml' is not valid TOML: Exceeds the limit",
            ),
            (
                "team.yaml",
                "a: 2024-13-45",
                "file: 'team.yaml' is not valid YAML: month must be in 1..12",
            ),
            (
                "team.yaml",
                "presets: {a: {workers: {cpu: {}}}}",
                "presets.a.workers.cpu (line 1): {} is empty: set request, limit, or both",
            ),
            (
                "flyte-dask.toml",
                "[presets.d]\nextends = 'd'",
                "presets.d.extends (line 2): 'd' is this preset itself: known presets: small, ",
            ),
            (
                "flyte-dask.toml",
                "[platform]\nbackend = 'v2'\n[platform.limits]\ncpu = 4",
                "platform.limits.cpu (line 4): '4' has no effect: Flyte 2 has no limits",
            ),
            (
                "flyte-dask.toml",
                "# \u2028 and \x85 end no line\n\n[policy]\nmax_workers = 0",
                "policy.max_workers (line 4): 0 must be an integer from 1 to 4294967295",
            ),
            (
                "team.json",
                '{"presets":\n{"a": {"doc": "}\\" {:"}},\r\n"polic\\u0079":\n{"max_workers": 0}}',
                "policy.max_workers (line 4): 0 must be an integer from 1 to 4294967295",
            ),
            (
                "team.yaml",
                "presets:\n  a: &x {workers: {count: 2}}\n  b:\n    <<: *x\n    image: a b",
                "presets.b.image (line 5): 'a b' contains whitespace",
            ),
            (
                "team.yaml",
                "policy:\n  <<: {max_workers: 1}\n  <<: {max_workers: 2}",
                "policy.<< (line 3): '<<' is a duplicate key: fix it",
            ),
            (
                "flyte-dask.toml",
                "[presets.runtime.runtime]\nconnect_timeout = -1",
                (
                    "presets.runtime.runtime.connect_timeout (line 2): -1 must be a "
                    "number of seconds above 0 and at most a year: use seconds such as 60, or "
                    "'never' for no timeout"
                ),
            ),
            (
                "flyte-dask.toml",
                "[presets.a.workers.mem]\nrequest = [1]",
                "presets.a.workers.mem.request (line 2): [1] is not an amount: use one such as 2",
            ),
            ("team.yaml", "- 5", "file: [5] must be a table: use one with presets, "),
            ("team.json", "null", "file: None must be a table: use one with presets, "),
            (
                "team.yaml",
                "policy:\n  max_workers: null",
                "policy.max_workers (line 2): None must not be null: omit it",
            ),
            (
                "team.ini",
                "",
                "file: 'team.ini' must end in one of .toml, .yaml, .yml, .json: fix it",
            ),
            (
                "team.yaml",
                "5: {}",
                "5 (line 1): {} is under an unknown key: known keys: presets, ",
            ),
            (
                "pyproject.toml",
                "[tool]\nflyte-dask = 5",
                "file (line 2): 5 must be a table: use one with presets, ",
            ),
        ],
    )
    def test_an_invalid_file(self, name: str, text: str, problem: str, tmp_path: Path) -> None:
        (found,) = problems(a_file(tmp_path, text, name))
        assert found.startswith(problem)

    def test_aliases_of_yaml_are_walked_once(self, tmp_path: Path) -> None:
        """Each of nine levels has the one above ten times."""
        levels = [
            f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(10))}}}"
            for n in range(1, 9)
        ]
        text = "\n".join(["a0: &a0 {x: 1}", *levels])
        assert len(problems(a_file(tmp_path, text, "team.yaml"))) == 9

    def test_what_yaml_merges_has_the_line_of_its_table(self, tmp_path: Path) -> None:
        text = """\
        a: &a {count: 2, mem: 8Gi}
        b: &b {<<: *a, cpu: 2}
        presets:
          large:
            workers:
              <<: [*b, {mem: 9Gi}]
              count: 4
        """
        found = problems(a_file(tmp_path, text, "team.yaml"))
        assert [each.partition(":")[0] for each in found] == ["a (line 1)", "b (line 2)"]
        named = text.replace("a: &a", "platform: &a").replace("b: &b", "policy: &b")
        found = problems(a_file(tmp_path, named.replace("8Gi", "8GB"), "team.yaml"))
        assert "presets.large.workers.mem (line 5)" in [each.partition(":")[0] for each in found]

    def test_a_preset_of_yaml_may_be_merged_from_another(self, tmp_path: Path) -> None:
        text = """\
        presets:
          a: &a {workers: {count: 2, mem: 8Gi}}
          b:
            <<: *a
            scheduler: {mem: 4Gi}
        """
        team = read(a_file(tmp_path, text, "team.yaml"))
        assert preset_of(team, "b") == Dask(workers=2).with_workers(mem="8Gi").with_scheduler(
            mem="4Gi"
        )
        assert str(preset_of(team, "b").origins["workers.mem"]).endswith("team.yaml:3")

    def test_json_has_lines_without_a_parser_of_yaml(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        team = read(a_file(tmp_path, '{\n"policy": {\n\t"max_workers": 5}}', "team.json"))
        assert str(team.policy.origins["max_workers"]).endswith("team.json:3")

    def test_a_long_list_is_read_at_once(self, tmp_path: Path) -> None:
        """Its lines are found without parsing it again for each of them."""
        items = "\n".join(f"  'registry-{number}.example.com'," for number in range(20_000))
        text = f"[policy]\nregistries = [\n{items}\n]\nmax_workers = 0\n"
        (problem,) = problems(a_file(tmp_path, text))
        assert problem.startswith(
            "policy.max_workers (line 20004): 0 must be an integer from 1 to 4294967295"
        )

    def test_a_path_may_be_a_text_and_no_path_at_all(self, tmp_path: Path) -> None:
        assert read(str(a_file(tmp_path, "policy.max_workers = 3"))).policy.max_workers == 3
        with pytest.raises(InvalidConfig, match="cannot be read: embedded null"):
            read("flyte\0dask.toml")

    def test_each_file_is_read_as_it_is_now(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whatever is of the same size, age and relative path."""
        for number, name in enumerate(("one", "other"), start=1):
            path = a_file(tmp_path, f"[policy]\nmax_workers = {number}", f"{name}/team.toml")
            os.utime(path, (1, 1))
            monkeypatch.chdir(path.parent)
            team = read("team.toml")
            assert (team.path, team.policy.max_workers) == (path, number)
            assert team.policy.origins["max_workers"].call_site == CallSite(str(path), 2)
        path = tmp_path / "other" / "team.toml"
        path.write_text("[policy]\nmax_workers = 3")
        os.utime(path, (1, 1))
        assert read("team.toml").policy.max_workers == 3

    def test_too_long_a_chain_of_presets(self, tmp_path: Path) -> None:
        chain = [f"[presets.p{n}]\nextends = 'p{n + 1}'" for n in range(3000)]
        text = "\n".join([*chain, "[presets.p3000]"])
        found = problems(a_file(tmp_path, text))
        assert "is in a chain of over 100 presets" in found[0]

    def test_a_file_that_is_not_text(self, tmp_path: Path) -> None:
        path = tmp_path / "flyte-dask.toml"
        path.write_bytes(b"\xff\xfe[policy]")
        assert problems(path) == ["file: 'flyte-dask.toml' is not UTF-8 text: fix it"]

    def test_what_is_not_there(self, tmp_path: Path) -> None:
        """However long its path is."""
        path = tmp_path.joinpath("deep", *["down"] * 20, "nowhere.toml")
        with pytest.raises(InvalidConfig, match="cannot be read: No such file") as caught:
            read(path)
        assert f"file   '{path}' cannot be read" in str(caught.value)

    def test_a_byte_order_mark_is_accepted(self, tmp_path: Path) -> None:
        path = tmp_path / "flyte-dask.toml"
        path.write_text("policy.max_workers = 3", encoding="utf-8-sig")
        assert read(path).policy.max_workers == 3

    def test_a_package_that_is_not_installed_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(MissingExtra, match=r"PyYAML.*install .* its extra 'files'"):
            read(a_file(tmp_path, "policy: {}", "team.yaml"))
