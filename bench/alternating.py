"""Measurement in alternation: both sides take turns, so that they see the same machine.

The order is reversed in every other turn, and a first turn, which warms up, does not count.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import attrs

T = TypeVar("T")


def alternate(turns: int, *measures: Callable[[], T], warm_up: bool = True) -> list[list[T]]:
    """The results of each of *measures*, one per turn."""
    found: list[list[T]] = [[] for _ in measures]
    for turn in range(0 if warm_up else 1, turns + 1):
        both = list(zip(found, measures, strict=True))
        for results, measure in both if turn % 2 else reversed(both):
            result = measure()
            if turn:
                results.append(result)
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over turns of ours to theirs."""
    return statistics.median(mine / other for mine, other in zip(ours, theirs, strict=True))


def row(what: str, ours: Sequence[float], theirs: Sequence[float] = (), *, unit: str = "s") -> str:
    """A row of a table: what, ours, theirs, and the ratio; the last two may be empty."""
    if not theirs:
        return f"| {what} | {spread(ours, unit)} | | |"
    shown = f"{ratio(ours, theirs):.2f}"
    return f"| {what} | {spread(ours, unit)} | {spread(theirs, unit)} | {shown} |"


def spread(values: Sequence[float], unit: str) -> str:
    """The median, minimum and maximum of *values*."""
    middle = statistics.median(values)
    digits = 0 if middle >= 100 else 1 if middle >= 10 else 2
    low, high = (f"{each:,.{digits}f}" for each in (min(values), max(values)))
    return f"{middle:,.{digits}f} {unit} ({low} to {high})"


@attrs.frozen
class Cost:
    """What a process and its children used."""

    wall: float
    """Seconds."""
    cpu: float
    """CPU seconds, over all cores."""
    peak: float
    """Peak memory of the largest of them, in MiB."""


def cost(
    *command: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    output: int = subprocess.DEVNULL,
) -> Cost:
    """Run *command* as a process, with the file descriptor *output* for all that it prints.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)
