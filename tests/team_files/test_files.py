"""Team files: their contents, their errors, and how they are found."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from flyte_dask import (
    CallSite,
    Dask,
    InvalidConfig,
    MissingExtra,
    Quantity,
    Resources,
    Runtime,
    ShadowedPreset,
    UnknownPreset,
    presets,
)
from flyte_dask.advice import RULES
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.team_files import TeamFile, find_for_module, parse, read, schema, write
from flyte_dask.team_files import tables as t
from flyte_dask.team_files.parsers import FORMATS, Format, loaded
from flyte_dask.team_files.tracking import TrackedFile, tracked
from tests.support.configs import SETTINGS_GIVEN
from tests.support.paths import RECORDED

FILES = RECORDED / "team_files"

TOML = """\
# what the data team runs on
[presets.nightly]
extends = "large"
doc = "The nightly run."
workers = { count = 20, mem = "32Gi" }

[presets."acme.big"]
extends = "nightly"
image = "ghcr.io/acme/etl:3"
scheduler = { mem = { request = "8Gi", limit = "16Gi" }, image = "ghcr.io/acme/dask:1" }
runtime = { worker_timeout = "never", min_workers = 4 }
inherit = "pin"
silence = [
    "worker-only-gpu",
]

[platform]
backend = "v2"
defaults.mem = "4Gi"
limits = { cpu = 64, mem = "256Gi", gpu = 8 }

[policy]
max_workers = 30
registries = ["ghcr.io/acme"]
per_worker = { mem = "64Gi" }

[policy.total]
cpu = 1000

[advice]
silence = ["poor-bin-packing"]
fatal = ["missing-worker-memory"]
"""
YAML = """\
presets:
  nightly:
    extends: large
    doc: The nightly run.
    workers: {count: 20, mem: 32Gi}
  acme.big:
    extends: nightly
    image: ghcr.io/acme/etl:3
    scheduler:
      mem: {request: 8Gi, limit: 16Gi}
      image: ghcr.io/acme/dask:1
    runtime: {worker_timeout: never, min_workers: 4}
    inherit: pin
    silence: [worker-only-gpu]
platform:
  backend: v2
  defaults: {mem: 4Gi}
  limits: {cpu: 64, mem: 256Gi, gpu: 8}
policy:
  max_workers: 30
  registries: [ghcr.io/acme]
  per_worker: {mem: 64Gi}
  total: {cpu: 1000}
advice: {silence: [poor-bin-packing], fatal: [missing-worker-memory]}
"""


LINES = r'''a = "["  # ]{
"b]" = [ # [
  "]", 'x"', """
 ]
 \""" """,
  {c = 1, d = "}"},
]
[x."y.[z"]
c = """"""
d = """["""""
e = {p = 1, q = {r = ["\"]"]}}
f = """\\
["""
[[z]]

g = 1
'''


def a_file(folder: Path, text: str, name: str = "flyte-dask.toml") -> Path:
    """A file of that name, with that text."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def preset_of(team: TeamFile, name: str) -> Dask:
    """The config of the preset *name*."""
    return next(each for each in team.presets if each.name == name)()


def problems(path: Path) -> list[str]:
    """The problems of the file at *path*, with their places."""
    with pytest.raises(InvalidConfig) as caught:
        read(path)
    assert caught.value.subject == str(path)
    assert caught.value.call_site is not None
    assert caught.value.call_site.file == __file__
    return [f"{problem.location}: {problem}" for problem in caught.value.problems]


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
        assert team.platform.backend == "v2"
        assert team.platform.given == {"cpu": Quantity("1"), "mem": Quantity("4Gi")}
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
                "[platform.limits]\ncpu = 4\ngpu = 0",
                "platform.limits.gpu (line 3): '0' is zero, which Flyte treats as no limit",
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

    def test_what_yaml_merges_has_the_line_that_merges_it(self, tmp_path: Path) -> None:
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
        assert "presets.large.workers.mem (line 6)" in [each.partition(":")[0] for each in found]

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
        assert str(preset_of(team, "b").origins["workers.mem"]).endswith("team.yaml:4")

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

    def test_a_byte_order_mark_is_no_problem(self, tmp_path: Path) -> None:
        path = tmp_path / "flyte-dask.toml"
        path.write_text("policy.max_workers = 3", encoding="utf-8-sig")
        assert read(path).policy.max_workers == 3

    def test_a_package_that_is_not_installed_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "yaml", None)
        with pytest.raises(MissingExtra, match=r"PyYAML.*pip install 'flyte-dask\[files\]'"):
            read(a_file(tmp_path, "policy: {}", "team.yaml"))


_NAMES = st.text(min_size=1, max_size=12)
_AMOUNTS = st.sampled_from(["16Gi", "500m", "1e3", "+1", "007", "null", "yes", "1.5"]) | (
    st.integers(-5, 2**40) | st.floats(allow_nan=False, allow_infinity=False, width=32)
)
_SIDES = st.builds(t.Sides, request=_AMOUNTS, limit=st.none() | _AMOUNTS) | st.builds(
    t.Sides, limit=_AMOUNTS
)
_CODES = st.none() | st.lists(st.sampled_from(list(RULES))).map(tuple)
_DIMENSIONS = {name: st.none() | _AMOUNTS for name in ("cpu", "mem", "gpu", "ephemeral_storage")}
_ROLE = {
    **{name: amounts | _SIDES for name, amounts in _DIMENSIONS.items()},
    "image": st.none() | _NAMES,
}


def _runtime_table(settings: dict[str, Any]) -> t.RuntimeTable:
    written = {
        name: "never" if value is None and SETTINGS[name] is not None else value
        for name, value in settings.items()
    }
    table: Any = t.RuntimeTable
    made: t.RuntimeTable = table(**written)
    return made


_RUNTIMES = SETTINGS_GIVEN.map(_runtime_table)
_PRESETS = st.builds(
    t.PresetTable,
    extends=st.none() | _NAMES,
    doc=st.none() | st.text(),
    image=st.none() | _NAMES,
    workers=st.none() | st.builds(t.WorkersTable, count=st.none() | st.integers(), **_ROLE),
    scheduler=st.none() | st.builds(t.SchedulerTable, **_ROLE),
    inherit=st.sampled_from([None, "fill", "pin", "off"]),
    runtime=st.none() | _RUNTIMES,
    silence=_CODES,
)
_AMOUNT_TABLES = st.builds(t.Amounts, **_DIMENSIONS)
TABLES = st.builds(
    t.Tables,
    presets=st.none() | st.dictionaries(_NAMES, _PRESETS, max_size=3),
    platform=st.none()
    | st.builds(
        t.PlatformTable,
        backend=st.sampled_from([None, "v1", "v2"]),
        defaults=st.none() | _AMOUNT_TABLES,
        limits=st.none() | _AMOUNT_TABLES,
    ),
    policy=st.none()
    | st.builds(
        t.PolicyTable,
        max_workers=st.none() | st.integers(1, 50),
        per_worker=st.none() | _AMOUNT_TABLES,
        total=st.none() | _AMOUNT_TABLES,
        registries=st.none() | st.lists(_NAMES).map(tuple),
    ),
    advice=st.none() | st.builds(t.AdviceTable, silence=_CODES, fatal=_CODES),
)


class TestRoundTrip:
    """Out and in again."""

    @given(TABLES, st.sampled_from(sorted(set(FORMATS.values()))))
    def test_is_the_identity(self, tables: t.Tables, fmt: Format) -> None:
        assert parse(write(tables, fmt), fmt) == tables

    def test_rare_line_breaks_survive_yaml(self) -> None:
        tables = t.Tables(presets={"a": t.PresetTable(doc="one\x85two\u2028three ü")})
        assert parse(write(tables, "yaml"), "yaml") == tables

    @pytest.mark.parametrize("fmt", sorted(set(FORMATS.values())))
    def test_the_text_reads_well(self, fmt: Format, tmp_path: Path) -> None:
        shown = write(read(a_file(tmp_path, TOML)).tables, fmt)
        assert shown == (FILES / f"team.{fmt}").read_text("utf-8")

    def test_invalid_text_is_rejected(self) -> None:
        with pytest.raises(InvalidConfig, match="is not valid TOML"):
            parse("[", "toml")
        with pytest.raises(InvalidConfig, match=r"polcy \(line 1\)"):
            parse("polcy = {}", "toml")

    def test_an_unknown_format_is_rejected(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            parse(5, "xml")  # type: ignore[arg-type]
        assert [f"{each.path}: {each}" for each in caught.value.problems] == [
            "text: 5 must be a str, not int: pass the contents of a team file",
            "fmt: 'xml' is an unknown format: use 'toml', 'yaml' or 'json'",
        ]
        with pytest.raises(InvalidConfig, match="'xml' is an unknown format"):
            write(t.Tables(), "xml")  # type: ignore[arg-type]


class TestSchema:
    """For editors."""

    def test_is_one(self) -> None:
        Draft202012Validator.check_schema(schema())

    @pytest.mark.parametrize("fmt", ["toml", "yaml", "json"])
    def test_accepts_what_can_be_read(self, fmt: Format) -> None:
        tables = read(FILES / f"team.{fmt}").tables
        Draft202012Validator(schema()).validate(json.loads(write(tables, "json")))

    @given(TABLES)
    def test_accepts_what_is_written_as_it_should_be(self, tables: t.Tables) -> None:
        """Whatever is not accepted is a number out of range, or a name that is none."""
        errors = Draft202012Validator(schema()).iter_errors(json.loads(write(tables, "json")))
        rules = {"minimum", "exclusiveMinimum", "maximum", "multipleOf", "pattern"}
        assert {each.validator for each in errors} <= rules

    @pytest.mark.parametrize("name", ["nightly", "acme.etl-2", "a_b.c", "nächtlich", "夜.x"])
    def test_accepts_each_name_of_a_preset(self, name: str) -> None:
        presets.define(name, Dask())
        Draft202012Validator(schema()).validate({"presets": {name: {"workers": {"gpu": 0}}}})

    def test_may_be_named_in_the_file(self, tmp_path: Path) -> None:
        data = {"$schema": "flyte-dask.schema.json", "policy": {"max_workers": 3}}
        Draft202012Validator(schema()).validate(data)
        team = read(a_file(tmp_path, json.dumps(data), "team.json"))
        assert team.policy.max_workers == 3
        assert problems(a_file(tmp_path, "policy: {$schema: x}", "team.yaml")) != []

    @pytest.mark.parametrize(
        "bad",
        [
            {"polcy": {}},
            {"presets": {"a": {"workers": 5}}},
            {"presets": {"a": {"workers": {"count": "5"}}}},
            {"presets": {"a": {"workers": {"mem": True}}}},
            {"presets": {"a": {"workers": {"mem": {"requests": "8Gi"}}}}},
            {"presets": {"a": {"inherit": "all"}}},
            {"presets": {"a": {"runtime": {"stall_timeout": "nevr"}}}},
            {"presets": {"a": {"silence": ["all"]}}},
            {"platform": {"backend": "v3"}},
            {"policy": {"registries": "ghcr.io"}},
            {"policy": {"max_workers": None}},
            {"policy": {"max_workers": 0}},
            {"policy": {"per_worker": {"mem": 1.5}}},
            {"policy": {"total": {"gpu": -1}}},
            {"policy": {"total": {"cpu": 0}}},
            {"presets": {"1bad": {}}},
            {"presets": {"a..b": {}}},
            {"presets": {"a": {"workers": {"count": 2**32}}}},
            {"presets": {"a": {"runtime": {"stall_timeout": 0}}}},
            {"$schema": 5},
            {"advice": {"fatal": "all"}},
        ],
    )
    def test_rejects_what_cannot_be_read(self, bad: Any) -> None:
        assert not Draft202012Validator(schema()).is_valid(bad)

    def test_knows_all_settings_of_the_runtime(self) -> None:
        properties = schema()["$defs"]["RuntimeTable"]["properties"]
        assert list(properties) == list(SETTINGS) == list(attrs.fields_dict(t.RuntimeTable))
        assert set(SETTINGS) == {f.name for f in attrs.fields(Runtime) if f.name[0] != "_"}

    def test_describes_everything(self) -> None:
        for table in (schema(), *schema()["$defs"].values()):
            assert table["description"]
            assert all(each["description"] for each in table["properties"].values())


class TestReading:
    """What a module reads while it is imported has to go wherever the module goes."""

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
    """Next to the module that asks or by its path, and never by the working directory."""

    NIGHTLY = "[presets.nightly]\nworkers.count = 7\n"

    def test_next_to_the_module(self, tmp_path: Path) -> None:
        a_file(tmp_path / "project", self.NIGHTLY)
        done = run_module(tmp_path / "project", "'nightly'")
        assert done.stdout == "7\n", done.stderr

    def test_above_the_module_as_far_as_the_repository_goes(self, tmp_path: Path) -> None:
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
