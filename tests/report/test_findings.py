"""What a report says of a cluster's size, from what the cluster did."""

from __future__ import annotations

import re
from typing import Any

import pytest

from flyte_dask import Dask
from flyte_dask_engine.monitor.metrics import ClusterMetrics, WorkerMetrics
from flyte_dask_engine.report.findings import findings, sentence
from flyte_dask_engine.report.report import Failure
from tests.support.paths import DOCS
from tests.support.records import GIB, a_record, a_report, a_worker

FIVE = tuple(a_worker(str(number)) for number in range(5))
TWO = FIVE[:2]


def one_of(workers: int, **said: Any) -> tuple[WorkerMetrics, ...]:
    """So many workers, of which the last is special."""
    *others, last = FIVE[:workers]
    return *others, a_worker(last.name, **said)


CASES: list[tuple[ClusterMetrics, str]] = [
    (a_record(*FIVE), "5 workers, busy 83 % of 41 s; its size fits."),
    (a_record(a_worker(there=7.5), seconds=7.5), "1 worker, busy 83 % of 7.5 s."),
    (
        a_record(*one_of(4, peak=0.94 * 4 * GIB)),
        (
            "4 workers, busy 83 % of 41 s; worker 3 reached 94 % of its memory limit; "
            'consider with_workers(mem="6Gi").'
        ),
    ),
    (
        a_record(*one_of(2, peak=3.9 * GIB), event_counts={"out of memory": 1, "lost": 1}),
        (
            "2 workers, busy 83 % of 41 s; worker 1 reached 98 % of its memory limit, and one "
            'process had to be ended for that; consider with_workers(mem="8Gi").'
        ),
    ),
    (
        a_record(*TWO, event_counts={"lost": 4}),
        "2 workers, busy 83 % of 41 s; workers ended unexpectedly 4 times.",
    ),
    (
        a_record(*one_of(3, busy=0.1), event_counts={"lost": 1}),
        "3 workers, busy 59 % of 41 s; one worker ended unexpectedly.",
    ),
    (
        a_record(*(a_worker(busy=0, finished=0) for _ in TWO)),
        (
            "2 workers, busy 0 % of 41 s; they did nothing; consider using them by .compute() or "
            "the client's submit(), or a plain task."
        ),
    ),
    (
        a_record(*TWO, event_counts={"paused": 3}),
        (
            "2 workers, busy 83 % of 41 s; workers took no new tasks 3 times for lack of memory; "
            'consider with_workers(mem="6Gi").'
        ),
    ),
    (
        a_record(*TWO, spilled=3e9),
        (
            "2 workers, busy 83 % of 41 s; 2.79 GiB did not fit into memory, and went to disk; "
            'consider with_workers(mem="6Gi").'
        ),
    ),
    (
        a_record(*one_of(2, peak=3 * GIB, spilled=4 * GIB), spilled=4 * GIB),
        (
            "2 workers, busy 83 % of 41 s; 4 GiB did not fit into memory, and went to disk; "
            'consider with_workers(mem="7Gi").'
        ),
    ),
    (
        a_record(a_worker(limit=0), spilled=3e9),
        (
            "1 worker, busy 83 % of 41 s; 2.79 GiB did not fit into memory, and went to disk; "
            "consider more memory for each worker, or smaller partitions."
        ),
    ),
    (a_record(*FIVE, spilled=262.0), "5 workers, busy 83 % of 41 s; its size fits."),
    (
        a_record(*(a_worker(finished=1, nthreads=4) for _ in TWO)),
        (
            "2 workers, busy 21 % of 41 s; there were 2 tasks for 8 threads; consider more and "
            "smaller partitions, or fewer workers."
        ),
    ),
    (
        a_record(a_worker(finished=1, nthreads=2)),
        (
            "1 worker, busy 42 % of 41 s; there was 1 task for 2 threads; consider more and "
            "smaller partitions."
        ),
    ),
    (
        a_record(*one_of(2, busy=0.1)),
        (
            "2 workers, busy 46 % of 41 s; worker 0 was busy 83 % of the time, and the other "
            "10 %; consider more and smaller partitions."
        ),
    ),
    (
        a_record(a_worker("0"), a_worker("1", busy=0.1), a_worker("2", busy=0.2)),
        (
            "3 workers, busy 38 % of 41 s; worker 0 was busy 83 % of the time, and the others "
            "15 %; consider more and smaller partitions."
        ),
    ),
    (
        a_record(*(a_worker(busy=0.2) for _ in FIVE)),
        (
            "5 workers, busy 20 % of 41 s; 2 workers would have had time enough for it; consider "
            "with_workers(2)."
        ),
    ),
    (
        a_record(a_worker(busy=0.05)),
        "1 worker, busy 5 % of 41 s; it had little to do; consider a plain task.",
    ),
    (
        a_record(a_worker(busy=1.0, nthreads=4)),
        (
            "1 worker, busy 25 % of 41 s; 2 CPUs would have had time enough for it; consider "
            "with_workers(cpu=2)."
        ),
    ),
    (
        a_record(*(a_worker(busy=0.0, finished=40) for _ in TWO)),
        "2 workers, busy 0 % of 41 s.",
    ),
    (
        a_record(*(a_worker(busy=0.05, finished=4000) for _ in TWO)),
        (
            "2 workers, busy 5 % of 41 s; 8,000 tasks took 512 µs each; consider fewer and larger "
            "tasks: each costs the scheduler about 1 ms."
        ),
    ),
    (
        a_record(*(a_worker(seconds={"compute": 20.0, "transfer": 15.0}) for _ in TWO)),
        (
            "2 workers, busy 49 % of 41 s; workers waited 30 s for data from each other, for 40 s "
            "of work; consider fewer and larger workers, or larger partitions."
        ),
    ),
    (
        a_record(*(a_worker(finished=20_000) for _ in TWO)),
        (
            "2 workers, busy 83 % of 41 s; 40,000 tasks took 1.7 ms each; consider fewer and "
            "larger tasks: each costs the scheduler about 1 ms."
        ),
    ),
    (
        a_record(*(a_worker(peak=GIB) for _ in TWO)),
        (
            "2 workers, busy 83 % of 41 s; no worker had more than 25 % of its memory limit; "
            'consider with_workers(mem="2Gi").'
        ),
    ),
]


@pytest.mark.parametrize(("record", "said"), CASES, ids=[said for _, said in CASES])
def test_one_sentence_says_what_it_did_and_what_would_fit(
    record: ClusterMetrics, said: str
) -> None:
    assert sentence(a_report(record)) == said


def test_all_is_found_and_trouble_comes_first() -> None:
    record = a_record(
        *(a_worker(busy=0.1, peak=3.8 * GIB) for _ in FIVE),
        spilled=1e9,
        event_counts={"lost": 1, "paused": 1},
    )
    found = [each.code for each in findings(a_report(record))]
    assert found == ["full", "lost", "paused", "spilled"]


def test_all_lacks_of_memory_come_to_one_amount() -> None:
    workers = [a_worker(busy=0.1, peak=3.8 * GIB, spilled=GIB) for _ in FIVE]
    record = a_record(*workers, spilled=5.0 * GIB, event_counts={"paused": 1})
    found = {each.code: each.remedy for each in findings(a_report(record))}
    assert found == dict.fromkeys(["full", "paused", "spilled"], 'with_workers(mem="6Gi")')


def test_what_failed_says_nothing_of_sizes() -> None:
    """It may have failed before it used its cluster; but what was in its way is said."""
    failure = Failure("KeyError", "no such path")
    unused = a_record(*(a_worker(busy=0, finished=0) for _ in TWO))
    assert sentence(a_report(unused, failure=failure)) == "2 workers, busy 0 % of 41 s."
    idle = a_record(*(a_worker(busy=0.1) for _ in FIVE), event_counts={"lost": 1})
    assert [each.code for each in findings(a_report(idle, failure=failure))] == ["lost"]
    busy = a_record(*FIVE)
    assert sentence(a_report(busy, failure=failure)) == "5 workers, busy 83 % of 41 s."


def test_every_remedy_that_is_code_can_be_written() -> None:
    """And asks for what it says."""
    remedies = [each.remedy for record, _ in CASES for each in findings(a_report(record))]
    verbs = {each for each in remedies if each and each.startswith("with_")}
    assert verbs == {
        'with_workers(mem="6Gi")',
        'with_workers(mem="7Gi")',
        'with_workers(mem="8Gi")',
        'with_workers(mem="2Gi")',
        "with_workers(cpu=2)",
        "with_workers(1)",
        "with_workers(2)",
    }
    for verb in verbs:
        changed: Dask = eval(f"Dask(workers=5).{verb}", {"Dask": Dask})
        assert re.findall(r"\d+(?:Gi)?", verb)[0] in repr(changed.workers)


def test_the_page_documents_each_finding() -> None:
    page = (DOCS / "deck.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `([a-z-]+)` \|[^|]+\|[^|]*\|$", page, re.MULTILINE)
    found = {each.code for record, _ in CASES for each in findings(a_report(record))}
    assert sorted(documented) == sorted(found)


def test_a_cluster_of_another_shape_says_nothing_of_sizes() -> None:
    """As a local one on a small machine."""
    record = a_record(*(a_worker(busy=0.1) for _ in FIVE))
    report = a_report(record, is_to_scale=False)
    assert sentence(report) == "5 workers, busy 10 % of 41 s."


@pytest.mark.parametrize("record", [None, a_record()])
def test_what_is_not_known_is_not_made_up(record: ClusterMetrics | None) -> None:
    assert sentence(a_report(record)) == "What the cluster did is not known."
    assert list(findings(a_report(record))) == []
