"""The JSON Schema of team files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from flyte_dask import (
    Dask,
    Runtime,
    presets,
)
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.team_files import read, schema, write
from flyte_dask.team_files import tables as t
from flyte_dask.team_files.parsers import Format
from tests.support.team_files import FILES, a_file, problems
from tests.team_files.test_round_trip import TABLES


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
        """Rejected are only numbers out of range, and invalid names."""
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
