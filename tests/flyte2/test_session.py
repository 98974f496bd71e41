"""The session of a Flyte 2 task, run by its container's own entrypoint next to a real cluster."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.support import flyte2_tasks as tasks
from tests.support.backend import Cluster
from tests.support.flyte2_runner import PREFIX, run_task, started

pytestmark = pytest.mark.once

WORKERS = ["default-worker-0", "default-worker-1"]


def test_a_bare_compute_uses_the_cluster(two: Cluster, tmp_path: Path) -> None:
    done = run_task(tasks.sees, tmp_path, two.env, 3)
    assert done.result == {
        "number": 3,
        "bare compute": WORKERS,
        "own client joined": True,
        "in this process": False,
    }
    (_, begin), (_, end) = done.logged()
    assert begin.startswith(f"etl.sees: cluster at {two.address}; config ")
    assert "workers 2/2, threads 2" in begin
    url = begin.rpartition("dashboard ")[2]
    assert PREFIX in url
    with urlopen(url) as page:  # noqa: S310  # on loopback
        assert page.status == 200
    assert end.startswith("etl.sees: finished: 9 tasks (default-worker-0: ")


def test_a_coroutine_function_runs_on_the_loop_of_the_sdk(two: Cluster, tmp_path: Path) -> None:
    """Its own blocking calls block that; the session does not."""
    assert run_task(tasks.awaits, tmp_path, two.env).result == {
        "bare compute": WORKERS,
        "in a thread": WORKERS,
        "loop was free": True,
        "main thread": True,
    }


def test_an_error_of_the_function_is_its_own(two: Cluster, tmp_path: Path) -> None:
    """The SDK retries it, as any that is not declared to be final."""
    done = run_task(tasks.divides_by_zero, tmp_path, two.env)
    done.failed("ZeroDivisionError", "division by zero", is_retried=True)


def test_a_hint_is_logged_in_words_of_the_sdk(two: Cluster, tmp_path: Path) -> None:
    """The SDK keeps the text of an error only, and no notes."""
    done = run_task(tasks.asks_for_another_cluster, tmp_path, two.env)
    done.failed("ValueError", "Unexpected keyword arguments", is_retried=True)
    [hint] = [text for level, text in done.logged() if level == "WARNING" and "ValueError" in text]
    assert hint == (
        "etl.asks_for_another_cluster: ValueError: The task has its cluster already, of the size "
        "that its config sets: flyte.TaskEnvironment(plugin_config=Dask(workers=...)). Client() "
        "without arguments connects to it, and a bare .compute() uses it without a client."
    )


def test_the_report_of_a_task_is_a_tab(two: Cluster, tmp_path: Path) -> None:
    done = run_task(tasks.reports, tmp_path, two.env)
    assert done.result == sum(each * each for each in range(39))
    assert '<li onclick="handleLinkClick(this)">Dask</li>' in done.report
    assert "40 tasks finished or failed." in done.report


def test_a_report_leaves_the_tabs_of_the_function(two: Cluster, tmp_path: Path) -> None:
    done = run_task(tasks.has_its_own_tab, tmp_path, two.env)
    tabs = re.findall(r"<li onclick[^>]*>(.*?)</li>", done.report)
    assert tabs == ["Dask", "Dask (cluster)"]
    assert "the function's own" in done.report
    assert "<h1>2 workers" in done.report


def test_a_task_that_fails_has_a_report_too(two: Cluster, tmp_path: Path) -> None:
    """The SDK writes none."""
    done = run_task(tasks.reports_a_failure, tmp_path, two.env)
    done.failed("ZeroDivisionError", is_retried=True)
    assert "The task failed: ZeroDivisionError" in done.report
    assert "40 tasks finished or failed." in done.report


def test_there_is_no_report_without_report(two: Cluster, tmp_path: Path) -> None:
    run_task(tasks.sees, tmp_path, two.env, 1)
    assert not (tmp_path / "report.html").exists()


def test_an_override_reaches_the_pod(tmp_path: Path) -> None:
    """The module, which is imported there, has another config."""
    config = tasks.BOTH.with_workers(1).with_runtime(min_workers=1, report=True)
    changed = tasks.sees.override(plugin_config=config)
    with started(1) as one:
        done = run_task(changed, tmp_path, one.env, 3)
    assert done.result["bare compute"] == WORKERS[:1]
    assert "workers 1/1" in done.logged()[0][1]
    assert "Dask" in done.report


def test_a_plain_task_can_be_overridden_with_a_config(two: Cluster, tmp_path: Path) -> None:
    done = run_task(tasks.plain.override(plugin_config=tasks.BOTH), tmp_path, two.env)
    assert done.result == WORKERS


def test_without_a_cluster_on_flyte_it_fails_for_good(tmp_path: Path) -> None:
    done = run_task(tasks.computes, tmp_path, {})
    done.failed(
        "NoCluster",
        "alone.computes runs on Flyte, but DASK_SCHEDULER_ADDRESS is not set",
        "or use a plain @env.task",
        is_retried=False,
    )


@pytest.mark.parametrize(
    ("variable", "value", "text"),
    [
        ("FLYTE_DASK_STALL_TIMEOUT", "soon", "FLYTE_DASK_STALL_TIMEOUT"),
        ("DASK_SCHEDULER_ADDRESS", "nowhere", "DASK_SCHEDULER_ADDRESS"),
    ],
)
def test_an_invalid_environment_fails_for_good(
    variable: str, value: str, text: str, two: Cluster, tmp_path: Path
) -> None:
    done = run_task(tasks.computes, tmp_path, {**two.env, variable: value})
    done.failed("InvalidConfig", text, is_retried=False)


def test_an_idle_cluster_is_a_warning(two: Cluster, tmp_path: Path) -> None:
    done = run_task(tasks.idles, tmp_path, two.env)
    assert done.result == 1
    level, text = done.logged()[-1]
    assert level == "WARNING"
    assert text == (
        "etl.idles: the workers ran no tasks. Use .compute(), dask.compute() or the client's "
        "submit(), or use a plain @env.task, which does not pay for a cluster"
    )


def test_the_attempt_and_the_image_are_the_pods(two: Cluster, tmp_path: Path) -> None:
    env = {**two.env, "FLYTE_ATTEMPT_NUMBER": "2"}
    done = run_task(tasks.sees_its_host, tmp_path, env)
    assert done.result == {"attempt": 3, "image": None, "is on Flyte": True, "paths": ["."]}
