"""The report of a task under an SDK that is not flytekit: complete, wherever that SDK keeps it."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.backend import Cluster, cluster
from tests.support.other_runner import CODE, ON_FLYTE, Outcome, run_other, run_other_and_act

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, nannies=False, env=CODE) as made:
        yield made


def finished(done: Outcome) -> int:
    """The number of Dask tasks that its report counts as finished."""
    (found,) = re.findall(r"<dt>tasks finished</dt><dd>(\d+)</dd>", done.report)
    return int(found)


def test_of_what_succeeds(started: Cluster, tmp_path: Path) -> None:
    done = run_other("works", tmp_path, {**ON_FLYTE, **started.env})
    assert done.result == sum(number**2 for number in range(39))
    assert done.report.count('<section class="flyte-dask">') == 1
    assert started.address in done.report
    assert finished(done) == 40


def test_of_a_function_that_fails(started: Cluster, tmp_path: Path) -> None:
    """It has the function's own error, without the SDK's wrapper."""
    done = run_other("fails", tmp_path, {**ON_FLYTE, **started.env})
    assert "FunctionError" not in done.report
    assert re.search(r"failed: ZeroDivisionError</h2><pre>division by zero</pre>", done.report)
    assert finished(done) == 40


def test_a_report_that_fails_to_render_does_not_fail_its_task(tmp_path: Path) -> None:
    """The reason is logged."""
    done = run_other("breaks_its_report", tmp_path, {})
    assert done.result == 1
    assert "The report could not be rendered" in done.report
    assert "ValueError: no page today" in done.log


def test_there_is_no_report_if_disabled(started: Cluster, tmp_path: Path) -> None:
    assert run_other("idles", tmp_path, {**ON_FLYTE, **started.env}).values["reports"] == {}


@pytest.mark.fault
def test_of_a_lost_scheduler(tmp_path: Path) -> None:
    with cluster(workers=1, nannies=False, env=CODE) as lost:
        done = run_other_and_act(
            "waits_with_a_report", tmp_path, lost.env, lambda: lost.scheduler.stop(signal.SIGKILL)
        )
    done.failed("flyte_dask_engine.errors.SchedulerLost", is_retried=True)
    assert re.search(r"failed: SchedulerLost</h2>", done.report)
