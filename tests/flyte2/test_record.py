"""The record of a Flyte 2 task: in its report, which the SDK writes, and in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from flyte_dask_records import loads, records_in
from flyte_dask_records.collection import collect
from tests.support import flyte2_tasks as tasks
from tests.support.backend import Cluster
from tests.support.flyte2_runner import run_task

pytestmark = pytest.mark.once


def test_of_a_task_with_a_report(two: Cluster, tmp_path: Path) -> None:
    """The SDK's page keeps it as it is, and the file has the same."""
    place = {"FLYTE_DASK_RECORD": str(tmp_path / "runs")}
    done = run_task(tasks.reports, tmp_path, {**two.env, **place})
    (text,) = records_in(done.report)
    in_report = loads(text)
    (run,) = collect([str(tmp_path / "runs")]).runs
    found = run.record
    assert (found.task, found.sdk, found.where) == ("etl.reports", "flyte", "cluster")
    assert found.attempt == 1
    assert found.execution
    assert (found.run, found.workers, found.wall) == (
        in_report.run,
        in_report.workers,
        in_report.wall,
    )
    assert sum(each.finished for each in found.prefixes) == 40
    assert found.scheduler is not None


def test_of_a_task_without_a_report(two: Cluster, tmp_path: Path) -> None:
    """It has the sizes of its inputs, by name."""
    place = {"FLYTE_DASK_RECORD": str(tmp_path / "runs")}
    run_task(tasks.sees, tmp_path, {**two.env, **place}, 3)
    (run,) = collect([str(tmp_path / "runs")]).runs
    assert [(each.name, each.value) for each in run.record.inputs] == [("number", 3)]
    assert not (tmp_path / "report.html").exists()


def test_of_a_task_that_fails(two: Cluster, tmp_path: Path) -> None:
    place = {"FLYTE_DASK_RECORD": str(tmp_path / "runs")}
    run_task(tasks.divides_by_zero, tmp_path, {**two.env, **place})
    (run,) = collect([str(tmp_path / "runs")]).runs
    assert (run.record.failure, run.record.reason) == ("ZeroDivisionError", "user")
