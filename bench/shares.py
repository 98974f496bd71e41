"""A preload of a scheduler that tells which share of its time goes to our plugins.

It looks at what runs after each few milliseconds of the CPU, so that measuring costs our code no
more than the rest.
"""

from __future__ import annotations

import signal
import sys
import time
from types import FrameType
from typing import Any

from distributed import Scheduler

__all__ = ["HANDLER", "INTERVAL", "Shares", "dask_setup"]

HANDLER = "bench-shares"

INTERVAL = 0.004
"""Seconds of CPU time between samples, as often as the system's clock ticks."""

_OURS = "flyte_dask_engine"


class Shares:
    """Samples of what a scheduler's thread runs."""

    def __init__(self, scheduler: Scheduler) -> None:
        self.scheduler = scheduler
        self.samples = self.ours = 0
        self.cpu_before = time.process_time()
        signal.signal(signal.SIGPROF, self.sample)
        signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)

    def sample(self, _: int, frame: FrameType | None) -> None:
        """Note whether our code runs, or something that it called."""
        self.samples += 1
        while frame is not None:
            if _is_ours(frame.f_globals.get("__name__", "")):
                self.ours += 1
                return
            frame = frame.f_back

    def answer(self) -> dict[str, float]:
        """CPU seconds of the scheduler since the last answer, our share, and our bytes."""
        now = time.process_time()
        plugins = [
            each for each in self.scheduler.plugins.values() if _is_ours(type(each).__module__)
        ]
        found = {
            "cpu": now - self.cpu_before,
            "ours": (now - self.cpu_before) * self.ours / max(1, self.samples),
            "bytes": float(sum(_size(vars(each)) for each in plugins)),
        }
        self.samples = self.ours = 0
        self.cpu_before = time.process_time()
        return found


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == _OURS


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
    """Take samples from now on."""
    handlers: Any = scheduler.handlers
    handlers[HANDLER] = Shares(scheduler).answer
