"""Bad configurations, as tabled in ``bad_input.txt``, and how their errors read."""

from __future__ import annotations

import dataclasses
import pickle
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import flytekit
import numpy as np
import pytest

import flyte_dask
from flyte_dask import Dask, FlyteDaskError, InvalidConfig, Resources, WorkerGroup, presets
from flyte_dask.advice import advise
from flyte_dask.inheritance.parent import NodeOverrides, Sidecar
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.platform import Platform
from flytekitplugins.dask.task import DaskTask
from tests.support.lists import with_lists
from tests.support.paths import RECORDED
from tests.support.processes import run

TABLE = with_lists((RECORDED / "bad_input.txt").read_text(encoding="utf-8"))
ROWS = re.findall(r"^>>> (.+)\n((?:.+\n?)+)", TABLE, re.MULTILINE)
ERRORS = [row for row in ROWS if not row[1].startswith(("advice: ", "legal: "))]
LEGAL = [row for row in ROWS if row not in ERRORS]

NAMES: dict[str, Any] = {
    **{name: getattr(flyte_dask, name) for name in flyte_dask.__all__},
    "attrs": attrs,
    "dataclasses": dataclasses,
    "Decimal": Decimal,
    "Fraction": Fraction,
    "np": np,
    "NodeOverrides": NodeOverrides,
    "Sidecar": Sidecar,
    "Platform": Platform,
    "advise": advise,
    "predict": predict,
    "flytekit": flytekit,
}


def f() -> None:
    """The function that rows of the table decorate."""


def evaluate(code: str) -> object:
    """The value of a row, evaluated at line 1 of a user's file."""
    if code.startswith("@task"):
        code = f"flytekit.{code.removeprefix('@')}(f)"
    names = {**NAMES, "f": f, "__name__": "etl"}
    return eval(compile(code, "etl.py", "eval"), names)


def test_the_table_is_long_and_has_no_duplicates() -> None:
    assert len({code for code, _ in ROWS}) == len(ROWS) >= 150


@pytest.mark.parametrize(("code", "error"), ERRORS, ids=[code for code, _ in ERRORS])
def test_an_error_names_path_value_rule_and_remedy(code: str, error: str) -> None:
    with pytest.raises(FlyteDaskError) as caught:
        evaluate(code)
    text = f"{type(caught.value).__name__}: {caught.value}"
    assert text.replace(" at etl.py:1\n", "\n") == error.strip("\n")
    assert " at etl.py:1\n" in text


@pytest.mark.parametrize("code", [code for code, _ in LEGAL])
def test_valid_input_is_left_to_advice(code: str) -> None:
    value = evaluate(code)
    if code.startswith("@task"):
        assert not isinstance(value, DaskTask)
    else:
        assert repr(evaluate(repr(value))) == repr(value)


def test_reads_as_one_table_with_the_users_line() -> None:
    with pytest.raises(InvalidConfig) as caught:
        WorkerGroup(
            requests=flytekit.Resources(cpu="4", mem="16GB"), limits=flytekit.Resources(cpu="2")
        )
    site = caught.value.call_site
    assert site is not None
    assert Path(site.file) == Path(__file__)
    assert str(caught.value).splitlines() == [
        f"2 problems in WorkerGroup(...) at {site}",
        "  requests.mem   '16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?",
        "  limits.cpu     '2' is below the request '4': raise the limit or lower the request",
    ]


def test_the_users_file_is_shown_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "pipelines" / "etl.py"
    code = compile("\n\nDask(workers=0)", str(script), "exec")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidConfig, match=r"^1 problem in Dask\(\.\.\.\) at pipelines/etl.py:3"):
        exec(code, {"__name__": "etl", "Dask": Dask})


def merge_two() -> object:
    return flyte_dask.merge(Dask(workers=1), Dask(workers=2), strict=True)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda: WorkerGroup(0), ValueError),
        (lambda: WorkerGroup(0), TypeError),
        (lambda: setattr(Dask(), "workers", 5), AttributeError),
        (lambda: setattr(Dask(), "workers", 5), attrs.exceptions.FrozenInstanceError),
        (merge_two, ValueError),
        (lambda: presets.get("mediun"), LookupError),
        (lambda: flyte_dask.Quantity("1 Gi"), ValueError),
    ],
)
class TestEveryError:
    """Properties of all errors of the configuration."""

    def test_is_also_a_built_in_exception(
        self, call: Callable[[], object], kind: type[Exception]
    ) -> None:
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, flyte_dask.ConfigError)
        assert isinstance(caught.value, FlyteDaskError)

    def test_survives_a_pickle(self, call: Callable[[], object], kind: type[Exception]) -> None:
        with pytest.raises(kind) as caught:
            call()
        error: Any = caught.value
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), copy.problems) == (str(error), error.problems)


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(InvalidConfig) as caught:
        Resources(mem="9" * 5000)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("command", [["etl.py"], ["-m", "etl"]])
def test_a_script_of_the_users_is_the_call_site(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "etl.py").write_text("from flyte_dask import Dask\n\nDask(workers=0)\n")
    done = run(sys.executable, *command, cwd=tmp_path)
    assert "InvalidConfig: 1 problem in Dask(...) at etl.py:3\n" in done.stderr
