"""Builders of cluster metrics and reports for tests."""

from __future__ import annotations

from typing import Any

from flyte_dask import Dask
from flyte_dask.advice import Job
from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.host import NO_SDK
from flyte_dask_engine.monitor.metrics import ClusterMetrics, PrefixMetrics, WorkerMetrics
from flyte_dask_engine.report.report import Report
from flyte_dask_engine.report.run import Run

GIB = 2**30


def a_worker(
    name: str = "0", utilization: float = 0.83, uptime: float = 41.0, **fields: Any
) -> WorkerMetrics:
    """A worker of one thread and 4 GiB that was present all the time."""
    defaults: dict[str, Any] = {
        "nthreads": 1,
        "limit": 4 * GIB,
        "spans": ((0.0, uptime),),
        "is_present": True,
        "finished": 200,
        "failed": 0,
        "seconds": {"compute": utilization * uptime},
        "lost": 0.0,
        "running": 0.0,
        "cpu": utilization * uptime,
        "peak": 2 * GIB,
        "received": 0.0,
        "spilled": 0.0,
        "lanes": 1,
        "busy_bins": (),
        "cpu_bins": (),
        "memory_bins": (),
        "received_bins": (),
        "spilled_bins": (),
    }
    return WorkerMetrics(name=name, **{**defaults, **fields})


def metrics_of(*workers: WorkerMetrics, seconds: float = 41.0, **fields: Any) -> ClusterMetrics:
    """The metrics of a cluster of *workers* over so many seconds."""
    defaults: dict[str, Any] = {
        "started_at": 0.0,
        "monitor_count": 0,
        "bin_width": 0.5,
        "spilled": 0.0,
        "prefixes": (a_prefix(finished=sum(each.finished for each in workers)),),
        "unrecorded": 0,
        "ran": 0,
        "tasks": (),
        "unfinished": (),
        "events": (),
        "event_counts": {},
    }
    return ClusterMetrics(seconds=seconds, workers=workers, **{**defaults, **fields})


def a_prefix(name: str = "inc", **fields: Any) -> PrefixMetrics:
    """The metrics of 100 tasks of 10 ms."""
    defaults: dict[str, Any] = {
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
    return PrefixMetrics(name=name, **{**defaults, **fields})


def a_report(metrics: ClusterMetrics | None, config: Dask | None = None, **fields: Any) -> Report:
    """The report of a task ``etl.total`` on a cluster with *metrics*."""
    job = Job.of(config or Dask(workers=5), Parent(), Platform())
    defaults: dict[str, Any] = {
        "task": "etl.total",
        "job": job,
        "run": Run(NO_SDK, {}),
        "runtime": Runtime(),
        "where": "on tcp://10.0.0.7:8786",
        "startup": 1.0,
    }
    return Report(metrics=metrics, **{**defaults, **fields})
