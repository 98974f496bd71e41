"""A task of an SDK that is not flytekit has a local cluster on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from dask.system import CPU_COUNT

from tests.support.other_runner import run_other
from tests.support.paths import PROJECT

pytestmark = pytest.mark.once


@pytest.mark.parametrize("local", ["threads", "processes"])
def test_a_bare_compute_uses_it(local: str, tmp_path: Path) -> None:
    workers = min(2, CPU_COUNT)
    env = {"FLYTE_DASK_LOCAL": local, "FLYTE_DASK_MIN_WORKERS": str(workers)}
    assert run_other("sees", tmp_path, env).result == {
        "bare compute": ["0", "1"][:workers],
        "own client joined": True,
        "in this process": local == "threads",
        "SDKs in the cluster": [[] for _ in range(workers + 1)],
    }


def test_its_report_has_the_functions_own_error(tmp_path: Path) -> None:
    done = run_other("fails", tmp_path, {})
    error = "tests.support.other_sdk.FunctionError"
    done.failed(error, "ZeroDivisionError", is_retried=True, is_own_class=False)
    assert "failed: ZeroDivisionError</h2>" in done.report


def test_a_dashboard_without_bokeh_is_not_retried(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['bokeh'] = None\n")
    done = run_other("has_a_dashboard", tmp_path, {"PYTHONPATH": f"{tmp_path}:{PROJECT}"})
    error = "tests.support.other_sdk.MissingBokeh"
    done.failed(error, "pip install bokeh", is_retried=False)
