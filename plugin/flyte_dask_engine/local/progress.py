"""A progress bar for computations on a local cluster."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from distributed import Scheduler
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

__all__ = ["Count", "progress"]

_INTERVAL = 0.25  # seconds
_LONG = 4  # intervals after which a computation that is still running is shown
_LEFT = ("waiting", "queued", "no-worker", "processing")

_terminal = threading.Lock()  # only one bar, however many tasks run in parallel


class Count(NamedTuple):
    """The number of tasks of a scheduler."""

    done: int
    all: int

    @classmethod
    def of(cls, scheduler: Scheduler) -> Count:
        """Count the tasks of *scheduler*, which may be running in another thread."""
        states = [dict(group.states) for group in list(scheduler.task_groups.values())]
        left = sum(number for each in states for state, number in each.items() if state in _LEFT)
        total = sum(sum(each.values()) for each in states)
        return cls(total - left, total)


@contextmanager
def progress(scheduler: Scheduler, task_name: str) -> Iterator[None]:
    """Show a bar for the tasks of *scheduler* until the block ends, if there is a terminal."""
    if not _is_interactive() or not _terminal.acquire(blocking=False):
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(
        target=_monitor, args=(lambda: Count.of(scheduler), task_name, ended), daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        _terminal.release()


def _is_interactive() -> bool:
    """Whether standard error is a terminal, and no test is running."""
    return (
        sys.stderr.isatty()
        and os.environ.get("TERM") != "dumb"
        and "PYTEST_CURRENT_TEST" not in os.environ
    )


def _monitor(count: Callable[[], Count], title: str, ended: threading.Event) -> None:
    """Show a bar whenever tasks take long."""
    busy = 0
    while not ended.wait(_INTERVAL):
        now = count()
        busy = busy + 1 if now.done < now.all else 0
        if busy >= _LONG:
            _show(count, title, ended)
            busy = 0


def _show(count: Callable[[], Count], title: str, ended: threading.Event) -> None:
    """Show a bar until no task is left, or the block has *ended*."""
    now = count()
    with _shown(title) as bar:
        while now.done < now.all:
            bar.draw(now)
            if ended.wait(_INTERVAL):
                return
            now = count()


class _Bar:
    """A bar that is drawn when `draw` is called, and only then.

    It is cleared before a line is logged, which would otherwise continue the bar's line.
    """

    def __init__(self, title: str) -> None:
        column = Column(no_wrap=True)  # one line in any terminal: what is above it is not cleared
        # rich would replace Python's standard streams, which the function may replace as well
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(table_column=column.copy()),
            MofNCompleteColumn(table_column=column.copy()),
            TextColumn("tasks"),
            TimeElapsedColumn(table_column=column.copy()),
            console=Console(stderr=True),
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task(title, total=None)
        self._lock = threading.RLock()
        self._is_line_due = False

    def draw(self, now: Count) -> None:
        """Draw it, unless a line was logged since the last call, which may not be written yet."""
        with self._lock:
            if not self._is_line_due:
                self._progress.update(self._task, completed=now.done, total=now.all)
                self._progress.start()
                self._progress.refresh()
            self._is_line_due = False

    def clear(self, record: logging.LogRecord | None = None) -> bool:
        """Clear it; as a filter of log handlers, which shows every *record*, before that."""
        with self._lock:
            self._is_line_due = record is not None
            self._progress.stop()
        return True


@contextmanager
def _shown(title: str) -> Iterator[_Bar]:
    """A bar, until the block ends."""
    bar, handlers = _Bar(title), [*_handlers()]
    for each in handlers:
        each.addFilter(bar.clear)
    try:
        yield bar
    finally:
        for each in handlers:
            each.removeFilter(bar.clear)
        bar.clear()


def _handlers() -> Iterator[logging.Handler]:
    """The handlers of all loggers that may write to a terminal, each once."""
    root = logging.getLogger()
    loggers = [root, *root.manager.loggerDict.copy().values()]
    found = {
        each for logger in loggers if isinstance(logger, logging.Logger) for each in logger.handlers
    }
    return (each for each in found if not isinstance(each, logging.FileHandler))
