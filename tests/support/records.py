"""Records of what a cluster did, made up for tests of what is said of them."""

from __future__ import annotations

from typing import Any

from flyte_dask import Dask
from flyte_dask.advice import Job
from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.monitor.metrics import ClusterMetrics, PrefixMetrics, WorkerMetrics
from flyte_dask_engine.report.report import Report

GIB = 2**30


def a_worker(
    name: str = "0", busy: float = 0.83, there: float = 41.0, **said: Any
) -> WorkerMetrics:
    """A worker of one thread and 4 GiB that was there all the time."""
    others: dict[str, Any] = {
        "nthreads": 1,
        "limit": 4 * GIB,
        "spans": ((0.0, there),),
        "is_there": True,
        "finished": 200,
        "failed": 0,
        "seconds": {"compute": busy * there},
        "lost": 0.0,
        "running": 0.0,
        "cpu": busy * there,
        "peak": 2 * GIB,
        "received": 0.0,
        "spilled": 0.0,
        "lanes": 1,
        "busy_bins": (),
        "cpu_bins": (),
        "memory_bins": (),
        "moved_bins": (),
        "spilled_bins": (),
    }
    return WorkerMetrics(name=name, **{**others, **said})


def a_record(*workers: WorkerMetrics, seconds: float = 41.0, **said: Any) -> ClusterMetrics:
    """What these workers did in that time."""
    others: dict[str, Any] = {
        "began": 0.0,
        "monitored": 0,
        "width": 0.5,
        "spilled": 0.0,
        "prefixes": (a_prefix(finished=sum(each.finished for each in workers)),),
        "unrecorded": 0,
        "ran": 0,
        "tasks": (),
        "unfinished": (),
        "events": (),
        "event_counts": {},
    }
    return ClusterMetrics(seconds=seconds, workers=workers, **{**others, **said})


def a_prefix(name: str = "inc", **said: Any) -> PrefixMetrics:
    """A hundred tasks of 10 ms."""
    others: dict[str, Any] = {
        "finished": 100,
        "failed": 0,
        "seconds": {"compute": 1.0},
        "longest": 0.02,
        "longest_key": f"{name}-1",
        "nbytes": 2800,
        "lost": 0,
        "running": 0,
        "unfinished": 0.0,
    }
    return PrefixMetrics(name=name, **{**others, **said})


def a_report(record: ClusterMetrics | None, config: Dask | None = None, **said: Any) -> Report:
    """The report of a task ``etl.total`` on a cluster that did that."""
    job = Job.of(config or Dask(workers=5), Parent(), Platform())
    others: dict[str, Any] = {"where": "on tcp://10.0.0.7:8786", "opened_after": 1.0}
    return Report(task="etl.total", job=job, runtime=Runtime(), record=record, **{**others, **said})
