"""`Runtime`: how a task uses its cluster, as set by its config and by environment variables."""

from __future__ import annotations

import pickle
import re
from typing import Any

import attrs
import pytest
from hypothesis import given

from flyte_dask import Dask, InvalidConfig, Runtime, presets
from flyte_dask.config.runtime import SETTINGS, with_environment
from flyte_dask.roles.base import set_fields
from tests.support.configs import RUNTIMES, SETTINGS_GIVEN


def settings(runtime: Runtime) -> dict[str, Any]:
    """The value of each setting, set or not."""
    return {name: getattr(runtime, name) for name in SETTINGS}


def test_the_defaults() -> None:
    assert settings(Runtime()) == settings(Dask().runtime) == SETTINGS


class TestSetAndUnset:
    """A setting that equals its default is set too; None means no timeout."""

    def test_unset_settings_do_not_override(self) -> None:
        slow = Dask(runtime=Runtime(worker_timeout=1800, local="processes"))
        assert (slow | Dask(runtime=Runtime(worker_timeout=900))).runtime == Runtime(
            worker_timeout=900, local="processes"
        )
        assert slow | Dask(runtime=Runtime()) == slow
        assert Runtime(worker_timeout=900) != Runtime() == Runtime()

    def test_none_means_no_timeout(self) -> None:
        config = Dask().with_runtime(worker_timeout=None)
        assert config.runtime.worker_timeout is None
        assert (Dask().with_runtime(worker_timeout=5) | config) == config

    @given(SETTINGS_GIVEN)
    def test_repr_pickle_and_evolve_keep_it(self, given_: dict[str, Any]) -> None:
        runtime = Runtime(**given_)
        assert set_fields(runtime) == given_
        for same in (eval(repr(runtime)), pickle.loads(pickle.dumps(runtime))):
            assert same == runtime
            assert set_fields(same) == given_
        assert set_fields(attrs.evolve(runtime)) == given_
        assert set_fields(attrs.evolve(runtime, min_workers=7)) == {**given_, "min_workers": 7}

    @given(RUNTIMES, RUNTIMES, RUNTIMES)
    def test_merging_has_laws(self, a: Runtime, b: Runtime, c: Runtime) -> None:
        assert (a | b) | c == a | (b | c)
        assert ((a | b) | c).origins == (a | (b | c)).origins
        assert Runtime() | a == a == a | Runtime() == a | a
        assert set_fields(a | b) == {**set_fields(a), **set_fields(b)}


class TestWithRuntime:
    """``with_runtime(...)``, and the origins of settings."""

    def test_it_is_a_merge(self) -> None:
        base = presets.medium(5).with_runtime(min_workers=5)
        given_: dict[str, Any] = {**SETTINGS, "min_workers": 3}
        assert base.with_runtime(**given_) == base | Dask(runtime=Runtime(**given_))
        assert base.with_runtime() == base

    def test_origins(self) -> None:
        config = presets.define("acme.etl", Dask(runtime=Runtime(min_workers=2)))(5)
        origin = config.with_runtime(min_workers=5).origins["runtime.min_workers"]
        assert (origin.by, origin.value, origin.preset) == ("with_runtime(...)", 5, None)
        assert origin.call_site is not None
        assert origin.call_site.file == __file__
        assert origin.overrides is not None
        assert (origin.overrides.value, origin.overrides.preset) == (2, "acme.etl")

    def test_it_changes_the_fingerprint_but_not_the_wire(self) -> None:
        config = Dask(workers=2)
        changed = config.with_runtime(min_workers=2)
        assert re.fullmatch("[0-9a-f]{8}", config.fingerprint)
        assert config.fingerprint == Dask(workers=2).fingerprint != changed.fingerprint
        assert config.resolve() == changed.resolve()


class TestTheEnvironment:
    """Environment variables override the code for one run."""

    def test_it_overrides_the_config(self) -> None:
        environment = {
            "FLYTE_DASK_CLIENT": "No",
            "FLYTE_DASK_REQUIRE_CLUSTER": "0",
            "FLYTE_DASK_MIN_WORKERS": "4",
            "FLYTE_DASK_CONNECT_TIMEOUT": "2.5",
            "FLYTE_DASK_WORKER_TIMEOUT": "never",
            "FLYTE_DASK_STALL_TIMEOUT": "7",
            "FLYTE_DASK_SCHEDULER_TIMEOUT": "None",
            "FLYTE_DASK_SHIP_CODE": "off",
            "FLYTE_DASK_CHECK_VERSIONS": "false",
            "FLYTE_DASK_REPORT": "Full",
            "FLYTE_DASK_RECORD": "s3://Runs/etl",
            "FLYTE_DASK_LOCAL": "Processes",
            "FLYTE_DASK_DASHBOARD": "1",
            "FLYTE_DASK_PROGRESS": "",
        }
        found = with_environment(Runtime(min_workers=2, progress=False), environment)
        assert settings(found) == {
            **SETTINGS,
            "client": False,
            "require_cluster": False,
            "min_workers": 4,
            "connect_timeout": 2.5,
            "worker_timeout": None,
            "stall_timeout": 7,
            "scheduler_timeout": None,
            "ship_code": False,
            "check_versions": False,
            "report": "full",
            "record": "s3://Runs/etl",
            "local": "processes",
            "dashboard": True,
            "progress": False,
        }
        origin = found.origins["min_workers"]
        assert (str(origin), origin.value) == ("FLYTE_DASK_MIN_WORKERS", 4)
        assert origin.overrides is not None
        assert origin.overrides.value == 2

    @pytest.mark.parametrize("name", SETTINGS)
    def test_each_setting_has_its_variable(self, name: str) -> None:
        texts = {bool: "1", int: "4", str: "processes"}
        text = {"report": "full", "record": "/runs"}.get(name) or texts[type(SETTINGS[name])]
        found = with_environment(Runtime(), {f"FLYTE_DASK_{name.upper()}": text})
        assert set_fields(found) == {name: {"1": True, "4": 4}.get(text, text)}

    def test_every_bad_variable_is_named_but_not_its_value(self) -> None:
        environment = {
            "FLYTE_DASK_CLIENT": "hunter2",
            "FLYTE_DASK_MIN_WORKERS": "2.5",
            "FLYTE_DASK_CONNECT_TIMEOUT": "-1",
            "FLYTE_DASK_WORKER_TIMEOUT": "5m",
            "FLYTE_DASK_REPORT": "deck",
            "FLYTE_DASK_RECORD": "hunter2",
            "FLYTE_DASK_LOCAL": "hunter2",
        }
        with pytest.raises(InvalidConfig) as caught:
            with_environment(Runtime(), environment)
        seconds = (
            "its value must be a number of seconds above 0 and at most a year: "
            "use seconds such as 60, or never for no timeout"
        )
        lines = str(caught.value).splitlines()
        assert lines[0] == "7 problems in the environment"
        assert [line.split(maxsplit=1) for line in lines[1:]] == [
            ["FLYTE_DASK_CLIENT", "its value must be a bool: use 1 or 0"],
            [
                "FLYTE_DASK_MIN_WORKERS",
                "its value must be an integer from 0 to 4294967295: use 0 or more",
            ],
            ["FLYTE_DASK_CONNECT_TIMEOUT", seconds],
            ["FLYTE_DASK_WORKER_TIMEOUT", seconds],
            ["FLYTE_DASK_REPORT", "its value is an unknown kind of report: use 1, 0 or full"],
            [
                "FLYTE_DASK_RECORD",
                (
                    "its value is not the absolute path or the URL of a folder, without password, "
                    "query or whitespace: use an absolute path or a URL of a folder, such as "
                    "'/data/runs' or 's3://bucket/runs', or none for no record"
                ),
            ],
            [
                "FLYTE_DASK_LOCAL",
                "its value is an unknown kind of local cluster: use threads or processes",
            ],
        ]

    @pytest.mark.parametrize(
        ("variable", "text", "meant"),
        [
            ("FLYTE_DASK_LOCAL", "Proceses", "processes"),
            ("FLYTE_DASK_CLIENT", "flase", "false"),
            ("FLYTE_DASK_REPORT", "fulll", "full"),
            ("FLYTE_DASK_STALL_TIMEOUT", "nevr", "never"),
        ],
    )
    def test_a_misspelt_value_gets_a_suggestion(self, variable: str, text: str, meant: str) -> None:
        with pytest.raises(InvalidConfig) as caught:
            with_environment(Runtime(), {variable: text})
        (problem,) = caught.value.problems
        assert problem.path == variable
        assert repr(text) not in str(caught.value)
        assert problem.remedy == f"did you mean '{meant}'?"


class TestTheFolderOfRecords:
    """An absolute path, or a URL; a task's working directory is anywhere."""

    @pytest.mark.parametrize(
        "place",
        [
            *("/data/runs", "/", "/data/runs/", "file:///data/runs", "s3://bucket", "gs://b/runs"),
            *("abfs://container@account.dfs.core.windows.net/runs", "memory://runs", "/a@b/c:d"),
            None,
        ],
    )
    def test_valid_ones(self, place: str | None) -> None:
        assert Runtime(record=place).record == place
        assert Dask().with_runtime(record=place).runtime.record == place

    @pytest.mark.parametrize(
        "place",
        [
            *(
                "",
                "runs",
                "./runs",
                "~/runs",
                "s3:",
                "s3://",
                "S3://bucket",
                "C:\\runs",
                "/my runs",
            ),
            *("/runs/one.json", "s3://bucket/one.json", "https://host/runs?sig=abc", "/a\nb"),
            *("/" * 1001, 3, True, b"/runs", ["/runs"]),
        ],
    )
    def test_invalid_ones(self, place: Any) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Dask().with_runtime(record=place)
        (problem,) = caught.value.problems
        assert (problem.path, problem.value) == ("runtime.record", place)
        assert problem.remedy.endswith("or None for no record")

    def test_a_password_is_not_shown(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Runtime(record="ftp://ann:hunter2@host/runs")
        assert "record   its value is not the absolute path or the URL" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("text", ["none", "None", "off", "0"])
    def test_a_variable_can_turn_it_off(self, text: str) -> None:
        found = with_environment(Runtime(record="/runs"), {"FLYTE_DASK_RECORD": text})
        assert found.record is None
