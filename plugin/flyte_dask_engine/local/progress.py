"""A progress bar for computations on a local cluster."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from distributed import Scheduler
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

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
    """Show a bar until no task is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # rich would replace Python's standard streams, which the function may replace as well
    with Progress(
        *columns,
        TextColumn("tasks"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        shown = bar.add_task(title, total=None)
        now = count()
        while now.done < now.all:
            bar.update(shown, completed=now.done, total=now.all)
            if ended.wait(_INTERVAL):
                return
            now = count()
