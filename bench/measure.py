"""Prints the median time of each statement, as JSON; `bench.configs` runs it with either plugin.

It imports nothing of this project.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import timeit

ROUNDS = 11
SECONDS = 0.02  # minimum of each round of a statement that may be repeated

numbers = itertools.count(1)
"""Numbers for statements that need a new value each time."""


def day(day: str) -> str:
    """A function for tasks, which flytekit wants in a module."""
    return day


def microseconds(setup: str, statement: str, per: int) -> float:
    """The time of *statement*: the median over rounds if it may be repeated.

    Args:
        setup: code to run before.
        statement: code to measure.
        per: 0 for a statement that may be repeated; otherwise it runs once, and its time is divided
            by this number.
    """
    timer = timeit.Timer(statement, setup, globals=globals())
    if per:
        return timer.timeit(1) / per * 1e6
    once = max(timer.timeit(100) / 100, 1e-7)
    number = max(1, int(SECONDS / once))
    return statistics.median(timer.timeit(number) / number * 1e6 for _ in range(ROUNDS))


if __name__ == "__main__":
    wanted: dict[str, tuple[str, str, int]] = json.loads(sys.argv[1])
    print(json.dumps({name: microseconds(*code) for name, code in wanted.items()}))
