"""The report of a session, as it comes about: at its end, and whenever somebody asks."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Protocol

from distributed.protocol.pickle import dumps
from flytekit.core.base_task import IgnoreOutputs
from flytekit.exceptions.base import FlyteException

from flyte_dask.advice import Advice, Job
from flyte_dask.config import Dask
from flyte_dask.parent import Parent
from flyte_dask.platform import Platform
from flyte_dask.runtime import Runtime
from flytekitplugins.dask.deck import shown_in_deck
from flytekitplugins.dask.report.page import page
from flytekitplugins.dask.report.performance import without_source
from flytekitplugins.dask.report.report import Failure, Report
from flytekitplugins.dask.shipped.stream import BoundedTaskStream
from flytekitplugins.dask.versions import Installed, installed_here, overview
from flytekitplugins.dask.watch import Watch

__all__ = ["Judge", "Reporting", "reporting"]

_logger = logging.getLogger("flytekit.dask.runtime")

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

    def __init__(self, report: Report) -> None:
        self.report = report
        self._began = time.monotonic()
        self._watch: Watch | None = None

    def page(self) -> str:
        """As HTML, as of now."""
        if self._watch is not None:
            self._take_record(self._watch)
        return page(self.report)

    def is_about(self, place: Place, where: Installed | None) -> None:
        """Take in where the cluster is, and what is installed there, as far as that is known."""
        self.report.where = place.where
        self.report.is_to_scale = place.is_to_scale
        self.report.shares_process = not place.in_processes
        where = installed_here() if place.is_local else where
        self.report.versions = overview(where) if where else {}

    @contextmanager
    def of(self, watch: Watch) -> Iterator[None]:
        """Report what the cluster of *watch* does in the block."""
        self.report.opened_after = time.monotonic() - self._began
        if self.report.runtime.report == "full":
            _begin_performance(watch)
        self._watch = watch
        try:
            yield
        finally:
            self.complete()

    def complete(self) -> None:
        """Report what its cluster did until now, and nothing that it does later."""
        watch, self._watch = self._watch, None
        if watch is None:
            return
        self._take_record(watch)
        if self.report.runtime.report == "full":
            self.report.performance, self.report.no_performance = _performance(watch)

    def _take_record(self, watch: Watch) -> None:
        self.report.record = watch.last_record(_PATIENCE)
        self.report.record_age = watch.record_age


def _begin_performance(watch: Watch) -> None:
    """Let the scheduler remember what its report will need, of tasks as many as a page can hold."""
    stream = BoundedTaskStream()
    with suppress(Exception):  # then there is no report, which is told in its place
        watch.ask(
            "register_scheduler_plugin",
            _PATIENCE,
            plugin=dumps(stream),
            name=stream.name,
            idempotent=True,
        )


def _performance(watch: Watch) -> tuple[str | None, str | None]:
    """Dask's own report, or why there is none."""
    record = watch.record
    if record is None or not watch.does_answer():
        return None, "It could not be asked for."
    arguments = {"start": record.began, "last_count": record.monitored, "mode": "inline"}
    try:
        told = watch.ask("performance_report", _LONG_PATIENCE, code="", **arguments)
        return without_source(told), None
    except ImportError:
        return None, "The scheduler needs bokeh for it: pip install bokeh in its image."
    except Exception as error:  # whatever it is, all else is there
        return None, f"It could not be made: {type(error).__name__}: {error}"


@contextmanager
def reporting(
    task: str, config: Dask, runtime: Runtime, parent: Parent | None, judge: Judge | None
) -> Iterator[Reporting]:
    """The report of *task*, which is shown in its deck, and complete when the block ends.

    Args:
        task: its name.
        config: of its cluster.
        runtime: its settings.
        parent: what it asks for.
        judge: knows more of it.
    """
    job, advice = _judged(config, parent, judge)
    made = Reporting(Report(task=task, job=job, advice=advice, runtime=runtime))
    with shown_in_deck(made.page, task, made.complete):
        try:
            yield made
        except BaseException as error:
            made.report.failure = _failure(error)
            raise


def _judged(
    config: Dask, parent: Parent | None, judge: Judge | None
) -> tuple[Job, tuple[Advice, ...]]:
    if judge is not None:
        try:
            return judge()
        except Exception:  # such as of a team file, which is not this run's matter
            _logger.debug("%s: no advice for its report", config, exc_info=True)
    return Job.of(config, parent or Parent(), Platform()), ()


def _failure(error: BaseException) -> Failure | None:
    """What *error* says, or what flytekit has wrapped it around; None if it is none."""
    value = getattr(error, "value", None)
    if isinstance(error, FlyteException) and isinstance(value, BaseException):
        error = value
    if isinstance(error, IgnoreOutputs):
        return None
    try:
        text = str(error)
    except Exception as its:  # it is the user's
        text = f"its text could not be made: {type(its).__name__}"
    left = len(text) - _LONGEST_TEXT
    text = f"{text[:_LONGEST_TEXT]} ... ({left:,} characters more)" if left > 0 else text
    return Failure(type(error).__name__, text)
