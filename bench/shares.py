"""A preload of a scheduler that tells which share of its time goes to our plugins.

Each call of a method of theirs is timed, with the cost of timing.
"""

from __future__ import annotations

import inspect
import sys
import time
from collections.abc import Callable
from typing import Any

from distributed import Scheduler

__all__ = ["HANDLER", "Shares", "dask_setup"]

HANDLER = "bench-shares"


class Shares:
    """The seconds and the plugins of ours in a scheduler."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.is_inside = False
        self.plugins: list[Any] = []
        self.cpu_before = time.process_time()

    def watch(self, plugin: Any) -> None:
        """Time the methods of *plugin*, if it is ours."""
        if type(plugin).__module__.partition(".")[0] != "flyte_dask_engine":
            return
        self.plugins.append(plugin)
        for name, method in inspect.getmembers(plugin, inspect.ismethod):
            if not inspect.iscoroutinefunction(method):
                setattr(plugin, name, self._timed(method))

    def _timed(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_inside:
                return method(*args, **kwargs)
            self.is_inside, start = True, time.perf_counter()
            try:
                return method(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - start
                self.is_inside = False

        return call

    def answer(self) -> dict[str, float]:
        """CPU seconds of the scheduler since the last answer, those of ours, and our bytes."""
        now = time.process_time()
        found = {
            "cpu": now - self.cpu_before,
            "ours": self.seconds,
            "bytes": float(sum(_size(vars(each)) for each in self.plugins)),
        }
        self.seconds, self.cpu_before = 0.0, time.process_time()
        return found


def _size(value: Any) -> int:
    """The bytes of what a plugin keeps, but not of what Dask itself keeps."""
    seen: set[int] = set()
    pending, total = [value], 0
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, dict):
            pending += [*each.keys(), *each.values()]
        elif isinstance(each, list | tuple | set | frozenset) or type(each).__name__ == "deque":
            pending += each
        elif type(each).__module__.startswith("flyte_dask_engine"):
            names = [name for kind in type(each).__mro__ for name in getattr(kind, "__slots__", ())]
            pending += [getattr(each, name) for name in names if hasattr(each, name)]
            pending += [getattr(each, "__dict__", {})]
        elif not isinstance(each, int | float | str | bytes):
            continue
        total += sys.getsizeof(each)
    return total


def dask_setup(scheduler: Scheduler) -> None:
    """Watch the plugins that the scheduler gets from now on."""
    shares, add = Shares(), scheduler.add_plugin

    def add_plugin(plugin: Any, *args: Any, **kwargs: Any) -> None:
        add(plugin, *args, **kwargs)
        shares.watch(plugin)

    scheduler.add_plugin = add_plugin  # type: ignore[method-assign]  # to see each plugin
    handlers: Any = scheduler.handlers
    handlers[HANDLER] = shares.answer
