"""The data of a report: a task's cluster, from its config to its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from flyte_dask.advice import Advice, Job
from flyte_dask.config.runtime import Runtime
from flyte_dask_engine.monitor.metrics import ClusterMetrics
from flyte_dask_engine.monitor.unfinished import Unfinished
from flyte_dask_engine.report.run import Run

__all__ = ["Failure", "Report"]


class Failure(NamedTuple):
    """Type and text of an exception; the exception itself would keep its frames alive."""

    type: str
    text: str


@attrs.define(kw_only=True)
class Report:
    """What is known of a task's cluster; it is completed while the task runs."""

    task: str
    job: Job
    """The config, with its task and platform."""
    advice: tuple[Advice, ...] = ()
    run: Run
    """When and where the task runs, what it was given, and what its process uses."""
    runtime: Runtime
    """The runtime settings, after environment variables."""
    where: str = ""
    """Where the cluster is, once that is known, such as ``on tcp://...``."""
    is_to_scale: bool = True
    """Whether the cluster has the shape of the config, as a local one may not."""
    shares_process: bool = False
    """Whether all workers are threads of one process, and so share its memory."""
    startup: float | None = None
    """Seconds until the cluster was ready; None before that."""
    versions: Mapping[str, Mapping[str, str]] = {}
    """Versions by package, and by where it is installed."""
    metrics: ClusterMetrics | None = None
    """What the cluster did; None if that is unknown."""
    metrics_age: float = 0.0
    """Seconds from the arrival of the metrics to the end."""
    unfinished: Unfinished | None = None
    """What the function left unfinished; None if that is unknown."""
    failure: Failure | None = None
    """The exception that the task raised."""
    performance: str | None = None
    """Dask's performance report, as an HTML page."""
    performance_error: str | None = None
    """Why there is no performance report although it was requested."""
