"""All that a report tells of: a cluster, from its config to what it did."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import attrs

from flyte_dask.advice import Advice, Job
from flyte_dask.config.runtime import Runtime
from flyte_dask_engine.monitor.metrics import ClusterMetrics

__all__ = ["Failure", "Report"]


class Failure(NamedTuple):
    """What an exception said; that itself would hold all that it was raised in."""

    type: str
    text: str


@attrs.define(kw_only=True)
class Report:
    """What is known of a task's cluster; it becomes more while the task runs."""

    task: str
    job: Job
    """Its config, in the task, on the site."""
    advice: tuple[Advice, ...] = ()
    runtime: Runtime
    """Its settings, with the environment's."""
    where: str = ""
    """Where its cluster is, once that is known: ``on tcp://...``."""
    is_to_scale: bool = True
    """Whether the cluster has the shape that the config says."""
    shares_process: bool = False
    """Whether all workers are threads of one process, which has one memory."""
    opened_after: float | None = None
    """Seconds until it was ready; None is not yet."""
    versions: Mapping[str, Mapping[str, str]] = {}
    """By package, and by what has it."""
    record: ClusterMetrics | None = None
    """What it did, if that was told."""
    record_age: float = 0.0
    """How many seconds before the end that was."""
    failure: Failure | None = None
    """With which the task ended."""
    performance: str | None = None
    """Dask's own report, a whole page."""
    no_performance: str | None = None
    """Why there is none, though it was asked for."""
