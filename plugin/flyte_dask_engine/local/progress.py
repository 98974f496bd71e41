"""How far a local computation is, on a terminal."""

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

_EVERY = 0.25  # seconds
_LONG = 4  # times that; a computation that is still busy by then is shown
_LEFT = ("waiting", "queued", "no-worker", "processing")

_terminal = threading.Lock()  # of which there is one, whatever runs beside


class Count(NamedTuple):
    """The tasks of a scheduler."""

    done: int
    all: int

    @classmethod
    def of(cls, scheduler: Scheduler) -> Count:
        """Those that *scheduler* knows now; it may be at work in another thread."""
        states = [dict(group.states) for group in list(scheduler.task_groups.values())]
        left = sum(number for each in states for state, number in each.items() if state in _LEFT)
        total = sum(sum(each.values()) for each in states)
        return cls(total - left, total)


@contextmanager
def progress(scheduler: Scheduler, task_name: str) -> Iterator[None]:
    """Show on the terminal what *scheduler* does until the block ends; only if there is one."""
    if not _shows() or not _terminal.acquire(blocking=False):
        yield
        return
    ended = threading.Event()
    watcher = threading.Thread(
        target=_monitor, args=(lambda: Count.of(scheduler), task_name, ended), daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        _terminal.release()


def _shows() -> bool:
    """Whether standard error is a terminal that somebody watches."""
    return (
        sys.stderr.isatty()
        and os.environ.get("TERM") != "dumb"
        and "PYTEST_CURRENT_TEST" not in os.environ
    )


def _monitor(count: Callable[[], Count], title: str, ended: threading.Event) -> None:
    """Show a bar whenever tasks are left for long."""
    busy = 0
    while not ended.wait(_EVERY):
        now = count()
        busy = busy + 1 if now.done < now.all else 0
        if busy >= _LONG:
            _show(count, title, ended)
            busy = 0


def _show(count: Callable[[], Count], title: str, ended: threading.Event) -> None:
    """A bar, until no task is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # rich would put its own streams in the place of Python's, which the function may do as well
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
            if ended.wait(_EVERY):
                return
            now = count()
