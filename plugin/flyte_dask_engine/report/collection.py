"""Collects the report of a session: when its deck is rendered, and when it ends."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress

from distributed.protocol.pickle import dumps

from flyte_dask.advice import Advice, Job
from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.cluster_plugins.task_stream import BoundedTaskStream
from flyte_dask_engine.foreign_errors import describe, kind_of, tame, text_of
from flyte_dask_engine.host import Host
from flyte_dask_engine.monitor.monitor import Monitor
from flyte_dask_engine.monitor.snapshot import Snapshot
from flyte_dask_engine.report.failures import reason_of
from flyte_dask_engine.report.page import page
from flyte_dask_engine.report.performance import without_source
from flyte_dask_engine.report.report import Failure, Report
from flyte_dask_engine.report.run import Run
from flyte_dask_engine.report.writing import write_record

__all__ = ["Adviser", "Reporting", "reporting"]

_MAX_TEXT = 4000  # characters of an error
_PATIENCE = 5.0  # seconds for the last metrics
_LONG_PATIENCE = 60.0  # seconds for Dask's performance report

Adviser = Callable[[], tuple[Job, tuple[Advice, ...]]]
"""Returns a task's cluster and the advice on it, both known before it runs."""


class Reporting:
    """A report, and the monitor of its cluster while the session lasts."""

    def __init__(self, report: Report, logger: logging.Logger) -> None:
        self.report = report
        self._logger = logger
        self._began = time.monotonic()
        self._monitor: Monitor | None = None
        self._last: Snapshot | None = None  # the last known state of the cluster

    def note(self, error: BaseException | None) -> None:
        """Note the *error* that the task raised; None is no failure."""
        if error is not None:
            self.report.failure = Failure(kind_of(error), text_of(error, _MAX_TEXT))
            self.report.run.reason = reason_of(error, self._last)

    def page(self) -> str:
        """The report as HTML, as of now; it never raises, for that would fail the task."""
        try:
            if self._monitor is not None:
                self._update(self._monitor)
            return page(self.report)
        except Exception:
            self._logger.exception("%s: cannot render the report", self.report.task)
            return "<p>The report could not be rendered; see the log.</p>"

    @contextmanager
    def of(self, monitor: Monitor) -> Iterator[None]:
        """Report what the cluster of *monitor* does in the block."""
        self.report.startup = time.monotonic() - self._began
        if self.report.runtime.report == "full":
            _begin_performance(monitor)
        self._monitor = monitor
        try:
            yield
        finally:
            self._monitor = None
            self._update(monitor)
            if self.report.runtime.report == "full":
                self.report.performance, self.report.performance_error = _performance(monitor)

    def _update(self, monitor: Monitor) -> None:
        self.report.metrics = monitor.last_metrics(_PATIENCE)
        self.report.metrics_age = monitor.metrics_age
        self.report.unfinished = monitor.unfinished
        self._last = monitor.assessment.snapshot


def _begin_performance(monitor: Monitor) -> None:
    """Start the task stream for Dask's performance report, with as many tasks as fit in a page."""
    stream = BoundedTaskStream()
    with suppress(Exception):  # then there is no performance report, and the page says why
        monitor.ask(
            "register_scheduler_plugin",
            _PATIENCE,
            plugin=dumps(stream),
            name=stream.name,
            idempotent=True,
        )


def _performance(monitor: Monitor) -> tuple[str | None, str | None]:
    """Dask's performance report, or why there is none."""
    metrics = monitor.metrics
    if metrics is None or not monitor.is_responding():
        return None, "The scheduler did not respond."
    since = {"start": metrics.started_at, "last_count": metrics.monitor_count}
    try:
        html = monitor.ask("performance_report", _LONG_PATIENCE, code="", mode="inline", **since)
        return without_source(html), None
    except ImportError:
        return None, "The scheduler's image has no bokeh: add it with pip install bokeh."
    except Exception as error:  # whatever it is, the rest of the report is complete
        return None, f"The scheduler failed to create it: {describe(error)}"


@contextmanager
def reporting(  # noqa: PLR0913, PLR0917  # what a session knows
    task: str,
    config: Dask,
    runtime: Runtime,
    parent: Parent | None,
    adviser: Adviser | None,
    host: Host,
    inputs: Mapping[str, object],
    is_shown: bool,
) -> Iterator[Reporting]:
    """The report of *task*, which is complete when the block ends.

    Args:
        task: name of the task.
        config: the task's cluster.
        runtime: runtime settings, after environment variables.
        parent: resources that the task requests.
        adviser: returns advice; None for a report without.
        host: shows the report.
        inputs: the inputs of the function, by name.
        is_shown: whether the report is shown in the task's deck; otherwise it is only recorded.
    """
    job, advice = _advised(config, parent, adviser, host)
    report = Report(task=task, job=job, advice=advice, run=Run(host, inputs), runtime=runtime)
    collected = Reporting(report, host.runtime_logger)
    with host.show_report(collected.page, task) if is_shown else nullcontext():
        try:
            yield collected
        except BaseException as error:
            tame(error)
            collected.note(host.failure(error))
            raise
        finally:
            if runtime.record is not None:
                write_record(report, runtime.record, host)


def _advised(
    config: Dask, parent: Parent | None, adviser: Adviser | None, host: Host
) -> tuple[Job, tuple[Advice, ...]]:
    if adviser is not None:
        try:
            return adviser()
        except Exception:  # such as an invalid team file, which must not fail the run
            host.runtime_logger.debug("%s: no advice for its report", config, exc_info=True)
    return Job.of(config, parent or Parent(), Platform()), ()
