"""Findings on a cluster's size, from its metrics."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flyte_dask import Dask
from flyte_dask_engine.monitor.metrics import ClusterMetrics, WorkerMetrics
from flyte_dask_engine.monitor.unfinished import Unfinished
from flyte_dask_engine.report.findings import findings, sentence
from flyte_dask_engine.report.report import Failure
from tests.support.metrics import GIB, a_report, a_worker, metrics_of
from tests.support.paths import DOCS

FIVE = tuple(a_worker(str(number)) for number in range(5))
TWO = FIVE[:2]


def one_of(workers: int, **fields: Any) -> tuple[WorkerMetrics, ...]:
    """Some workers, of which the last has these *fields*."""
    *others, last = FIVE[:workers]
    return *others, a_worker(last.name, **fields)


CASES: list[tuple[ClusterMetrics, str]] = [
    (metrics_of(*FIVE), "5 workers, busy 83 % of 41 s; its size fits."),
    (metrics_of(a_worker(uptime=7.5), seconds=7.5), "1 worker, busy 83 % of 7.5 s."),
    (
        metrics_of(*one_of(4, peak=0.94 * 4 * GIB)),
        (
            "4 workers, busy 83 % of 41 s; worker 3 reached 94 % of its memory limit; "
            'consider with_workers(mem="6Gi").'
        ),
    ),
    (
        metrics_of(*one_of(2, peak=3.9 * GIB), event_counts={"killed": 1, "lost": 1}),
        (
            "2 workers, busy 83 % of 41 s; worker 1 reached 98 % of its memory limit, and a "
            'worker was killed for that once; consider with_workers(mem="8Gi").'
        ),
    ),
    (
        metrics_of(*TWO, event_counts={"lost": 4}),
        "2 workers, busy 83 % of 41 s; workers terminated unexpectedly 4 times.",
    ),
    (
        metrics_of(*one_of(3, utilization=0.1), event_counts={"lost": 1}),
        "3 workers, busy 59 % of 41 s; one worker terminated unexpectedly.",
    ),
    (
        metrics_of(*(a_worker(utilization=0, finished=0) for _ in TWO)),
        (
            "2 workers, busy 0 % of 41 s; they ran no tasks; consider running work on them "
            "with .compute() or client.submit(), or a plain task."
        ),
    ),
    (
        metrics_of(*TWO, event_counts={"paused": 3}),
        (
            "2 workers, busy 83 % of 41 s; workers paused 3 times for lack of memory; "
            'consider with_workers(mem="6Gi").'
        ),
    ),
    (
        metrics_of(*TWO, spilled=3e9),
        (
            "2 workers, busy 83 % of 41 s; 2.79Gi did not fit into memory, and was spilled to "
            'disk; consider with_workers(mem="6Gi").'
        ),
    ),
    (
        metrics_of(*one_of(2, peak=3 * GIB, spilled=4 * GIB), spilled=4 * GIB),
        (
            "2 workers, busy 83 % of 41 s; 4Gi did not fit into memory, and was spilled to "
            'disk; consider with_workers(mem="7Gi").'
        ),
    ),
    (
        metrics_of(a_worker(limit=0), spilled=3e9),
        (
            "1 worker, busy 83 % of 41 s; 2.79Gi did not fit into memory, and was spilled to disk; "
            "consider more memory for each worker, or smaller partitions."
        ),
    ),
    (metrics_of(*FIVE, spilled=262.0), "5 workers, busy 83 % of 41 s; its size fits."),
    (
        metrics_of(*(a_worker(finished=1, nthreads=4) for _ in TWO)),
        (
            "2 workers, busy 21 % of 41 s; there were only 2 tasks for 8 threads; consider more "
            "and smaller partitions, or fewer workers."
        ),
    ),
    (
        metrics_of(a_worker(finished=1, nthreads=2)),
        (
            "1 worker, busy 42 % of 41 s; there was only 1 task for 2 threads; consider more and "
            "smaller partitions."
        ),
    ),
    (
        metrics_of(*one_of(2, utilization=0.1)),
        (
            "2 workers, busy 46 % of 41 s; worker 0 was busy 83 % of the time, and the other "
            "10 %; consider more and smaller partitions."
        ),
    ),
    (
        metrics_of(a_worker("0"), a_worker("1", utilization=0.1), a_worker("2", utilization=0.2)),
        (
            "3 workers, busy 38 % of 41 s; worker 0 was busy 83 % of the time, and the others "
            "15 %; consider more and smaller partitions."
        ),
    ),
    (
        metrics_of(*(a_worker(utilization=0.2) for _ in FIVE)),
        (
            "5 workers, busy 20 % of 41 s; 2 workers would have been enough; consider "
            "with_workers(2)."
        ),
    ),
    (
        metrics_of(a_worker(utilization=0.05)),
        "1 worker, busy 5 % of 41 s; it had little to do; consider a plain task.",
    ),
    (
        metrics_of(a_worker(utilization=1.0, nthreads=4)),
        (
            "1 worker, busy 25 % of 41 s; 2 CPUs would have been enough; consider "
            "with_workers(cpu=2)."
        ),
    ),
    (
        metrics_of(*(a_worker(utilization=0.0, finished=40) for _ in TWO)),
        "2 workers, busy 0 % of 41 s.",
    ),
    (
        metrics_of(*(a_worker(utilization=0.05, finished=4000) for _ in TWO)),
        (
            "2 workers, busy 5 % of 41 s; 8,000 tasks took 512 µs each; consider fewer and larger "
            "tasks: each costs the scheduler about 1 ms."
        ),
    ),
    (
        metrics_of(*(a_worker(seconds={"compute": 20.0, "transfer": 15.0}) for _ in TWO)),
        (
            "2 workers, busy 49 % of 41 s; tasks waited 30 s for data from other workers, and ran "
            "for 40 s; consider fewer and larger workers, or larger partitions."
        ),
    ),
    (
        metrics_of(*(a_worker(finished=20_000) for _ in TWO)),
        (
            "2 workers, busy 83 % of 41 s; 40,000 tasks took 1.7 ms each; consider fewer and "
            "larger tasks: each costs the scheduler about 1 ms."
        ),
    ),
    (
        metrics_of(*(a_worker(peak=GIB) for _ in TWO)),
        (
            "2 workers, busy 83 % of 41 s; no worker used more than 25 % of its memory limit; "
            'consider with_workers(mem="2Gi").'
        ),
    ),
]


@pytest.mark.parametrize(("metrics", "expected"), CASES, ids=[text for _, text in CASES])
def test_the_headline_has_the_activity_and_the_first_finding(
    metrics: ClusterMetrics, expected: str
) -> None:
    assert sentence(a_report(metrics)) == expected


def test_problems_come_first() -> None:
    metrics = metrics_of(
        *(a_worker(utilization=0.1, peak=3.8 * GIB) for _ in FIVE),
        spilled=1e9,
        event_counts={"lost": 1, "paused": 1},
    )
    found = [each.code for each in findings(a_report(metrics))]
    assert found == ["high-memory", "lost-workers", "paused-workers", "spilled"]


def test_all_lacks_of_memory_have_one_remedy() -> None:
    workers = [a_worker(utilization=0.1, peak=3.8 * GIB, spilled=GIB) for _ in FIVE]
    metrics = metrics_of(*workers, spilled=5.0 * GIB, event_counts={"paused": 1})
    found = {each.code: each.remedy for each in findings(a_report(metrics))}
    assert found == dict.fromkeys(
        ["high-memory", "paused-workers", "spilled"], 'with_workers(mem="6Gi")'
    )


def test_a_failed_task_has_no_findings_on_sizes() -> None:
    """It may have failed before it used its cluster; but problems are reported."""
    failure = Failure("KeyError", "no such path")
    unused = metrics_of(*(a_worker(utilization=0, finished=0) for _ in TWO))
    assert sentence(a_report(unused, failure=failure)) == "2 workers, busy 0 % of 41 s."
    idle = metrics_of(*(a_worker(utilization=0.1) for _ in FIVE), event_counts={"lost": 1})
    assert [each.code for each in findings(a_report(idle, failure=failure))] == ["lost-workers"]
    busy = metrics_of(*FIVE)
    assert sentence(a_report(busy, failure=failure)) == "5 workers, busy 83 % of 41 s."


def test_unfinished_tasks_come_first_and_leave_the_size_open() -> None:
    lost = Unfinished(live=1, released=2, dropped=2, failed=0, is_exact=True)
    metrics = metrics_of(*(a_worker(utilization=0, finished=0) for _ in TWO))
    assert sentence(a_report(metrics, unfinished=lost)) == (
        "2 workers, busy 0 % of 41 s; at the end 3 tasks were unfinished; they are lost; consider "
        "waiting for them with result(), gather() or wait() before the function returns."
    )
    metrics = metrics_of(*(a_worker(utilization=0.1) for _ in FIVE), event_counts={"lost": 1})
    found = [each.code for each in findings(a_report(metrics, unfinished=lost))]
    assert found == ["unfinished", "lost-workers"]


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        (Unfinished(live=1, released=5, dropped=6, failed=1, is_exact=True), "1 task was "),
        (Unfinished(live=0, released=2, dropped=2, failed=0, is_exact=False), "at least 2 tasks "),
    ],
)
def test_what_is_known_of_unfinished_tasks(lost: Unfinished, text: str) -> None:
    """After a failure Dask releases tasks; and a graph may have been on its way."""
    assert str(lost).startswith(text)


def test_dropped_work_is_not_idleness() -> None:
    dropped = Unfinished(live=0, released=0, dropped=2, failed=0, is_exact=True)
    metrics = metrics_of(*(a_worker(utilization=0, finished=0) for _ in TWO))
    assert list(findings(a_report(metrics, unfinished=dropped))) == []


def test_every_remedy_that_is_code_runs() -> None:
    """It changes the config as described."""
    remedies = [each.remedy for metrics, _ in CASES for each in findings(a_report(metrics))]
    calls = {each for each in remedies if each and each.startswith("with_")}
    assert calls == {
        'with_workers(mem="6Gi")',
        'with_workers(mem="7Gi")',
        'with_workers(mem="8Gi")',
        'with_workers(mem="2Gi")',
        "with_workers(cpu=2)",
        "with_workers(1)",
        "with_workers(2)",
    }
    for call in calls:
        changed: Dask = eval(f"Dask(workers=5).{call}", {"Dask": Dask})
        assert re.findall(r"\d+(?:Gi)?", call)[0] in repr(changed.workers)


def test_the_page_documents_each_finding() -> None:
    page = (DOCS / "deck.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z-]+)` \|[^|]+\|[^|]*\|$", page, re.MULTILINE)
    found = {each.code for metrics, _ in CASES for each in findings(a_report(metrics))}
    assert sorted(documented) == sorted({*found, "unfinished"})


def test_a_cluster_of_another_shape_has_no_findings_on_sizes() -> None:
    """For example, a local cluster on a small machine."""
    metrics = metrics_of(*(a_worker(utilization=0.1) for _ in FIVE))
    report = a_report(metrics, is_to_scale=False)
    assert sentence(report) == "5 workers, busy 10 % of 41 s."


@pytest.mark.parametrize("metrics", [None, metrics_of()])
def test_without_metrics_there_are_no_findings(metrics: ClusterMetrics | None) -> None:
    assert sentence(a_report(metrics)) == "There are no metrics of the cluster."
    assert list(findings(a_report(metrics))) == []
