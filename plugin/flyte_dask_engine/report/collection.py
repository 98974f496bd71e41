"""The report of a session, as it comes about: at its end, and whenever somebody asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Protocol

from distributed.protocol.pickle import dumps

from flyte_dask.advice import Advice, Job
from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask_engine.cluster_plugins.task_stream import BoundedTaskStream
from flyte_dask_engine.host import Host
from flyte_dask_engine.log_levels import runtime_logger
from flyte_dask_engine.monitor.monitor import Monitor
from flyte_dask_engine.report.page import page
from flyte_dask_engine.report.performance import without_source
from flyte_dask_engine.report.report import Failure, Report

__all__ = ["Judge", "Reporting", "reporting"]

_LONGEST_TEXT = 4000  # characters
_PATIENCE = 5.0  # seconds for the last record
_LONG_PATIENCE = 60.0  # seconds for Dask's own report

Judge = Callable[[], tuple[Job, tuple[Advice, ...]]]
"""What there is to say of a task's cluster before it runs."""


class Place(Protocol):
    """Where a session is."""

    @property
    def where(self) -> str:
        """In words."""
        ...

    @property
    def is_local(self) -> bool:
        """Whether the cluster was started for it."""
        ...

    @property
    def is_to_scale(self) -> bool:
        """Whether the cluster has the shape that the config says."""
        ...

    @property
    def in_processes(self) -> bool:
        """Whether its workers are."""
        ...


class Reporting:
    """A report, and the cluster that it is about while that is there."""

    def __init__(self, report: Report, logger: logging.Logger) -> None:
        self.report = report
        self._logger = logger
        self._began = time.monotonic()
        self._monitor: Monitor | None = None

    def page(self) -> str:
        """The report as HTML, as of now; it never raises, for that would fail the task."""
        try:
            if self._monitor is not None:
                self._take_record(self._monitor)
            return page(self.report)
        except Exception:
            self._logger.exception("%s: its report could not be made", self.report.task)
            return "<p>The report could not be made; the log says why.</p>"

    def is_about(self, place: Place, versions: Mapping[str, Mapping[str, str]]) -> None:
        """Take in where the cluster is, and the *versions* there, as far as they are known."""
        self.report.where = place.where
        self.report.is_to_scale = place.is_to_scale
        self.report.shares_process = not place.in_processes
        self.report.versions = versions

    @contextmanager
    def of(self, monitor: Monitor) -> Iterator[None]:
        """Report what the cluster of *monitor* does in the block."""
        self.report.opened_after = time.monotonic() - self._began
        if self.report.runtime.report == "full":
            _begin_performance(monitor)
        self._monitor = monitor
        try:
            yield
        finally:
            self.complete()

    def complete(self) -> None:
        """Report what its cluster did until now, and nothing that it does later."""
        monitor, self._monitor = self._monitor, None
        if monitor is None:
            return
        self._take_record(monitor)
        if self.report.runtime.report == "full":
            self.report.performance, self.report.no_performance = _performance(monitor)

    def _take_record(self, monitor: Monitor) -> None:
        self.report.record = monitor.last_record(_PATIENCE)
        self.report.record_age = monitor.record_age


def _begin_performance(monitor: Monitor) -> None:
    """Let the scheduler remember what its report will need, of tasks as many as a page can hold."""
    stream = BoundedTaskStream()
    with suppress(Exception):  # then there is no report, which is told in its place
        monitor.ask(
            "register_scheduler_plugin",
            _PATIENCE,
            plugin=dumps(stream),
            name=stream.name,
            idempotent=True,
        )


def _performance(monitor: Monitor) -> tuple[str | None, str | None]:
    """Dask's own report, or why there is none."""
    record = monitor.record
    if record is None or not monitor.does_answer():
        return None, "It could not be asked for."
    arguments = {"start": record.began, "last_count": record.monitored, "mode": "inline"}
    try:
        told = monitor.ask("performance_report", _LONG_PATIENCE, code="", **arguments)
        return without_source(told), None
    except ImportError:
        return None, "The scheduler needs bokeh for it: pip install bokeh in its image."
    except Exception as error:  # whatever it is, all else is there
        return None, f"It could not be made: {type(error).__name__}: {error}"


@contextmanager
def reporting(  # noqa: PLR0913, PLR0917  # what a session knows
    task: str,
    config: Dask,
    runtime: Runtime,
    parent: Parent | None,
    judge: Judge | None,
    host: Host,
) -> Iterator[Reporting]:
    """The report of *task*, which is shown in its deck, and complete when the block ends.

    Args:
        task: its name.
        config: of its cluster.
        runtime: its settings.
        parent: what it asks for.
        judge: knows more of it.
        host: shows it.
    """
    job, advice = _judged(config, parent, judge, host)
    report = Report(task=task, job=job, advice=advice, runtime=runtime)
    made = Reporting(report, runtime_logger(host))
    with host.show_report(made.page, task, made.complete):
        try:
            yield made
        except BaseException as error:
            made.report.failure = _failure(host.failure(error))
            raise


def _judged(
    config: Dask, parent: Parent | None, judge: Judge | None, host: Host
) -> tuple[Job, tuple[Advice, ...]]:
    if judge is not None:
        try:
            return judge()
        except Exception:  # such as of a team file, which is not this run's matter
            runtime_logger(host).debug("%s: no advice for its report", config, exc_info=True)
    return Job.of(config, parent or Parent(), Platform()), ()


def _failure(error: BaseException | None) -> Failure | None:
    """What *error* says; None if there is none."""
    if error is None:
        return None
    try:
        text = str(error)
    except Exception as its:  # it is the user's
        text = f"its text could not be made: {type(its).__name__}"
    left = len(text) - _LONGEST_TEXT
    text = f"{text[:_LONGEST_TEXT]} ... ({left:,} characters more)" if left > 0 else text
    return Failure(type(error).__name__, text)
