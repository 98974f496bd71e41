"""What one interpreter measures, for `bench.configs`: each statement's median time, as JSON.

Runs under either plugin, and imports nothing of this project.
"""

from __future__ import annotations

import itertools
import json
import statistics
import sys
import timeit

ROUNDS = 11
SECONDS = 0.02  # at least, for each round of what may be repeated

numbers = itertools.count(1)
"""For what has to be another each time."""


def day(day: str) -> str:
    """For tasks: flytekit wants the function of a module."""
    return day


def microseconds(setup: str, statement: str, per: int) -> float:
    """What *statement* takes: the median over rounds, where it may be repeated.

    Args:
        setup: what is there before.
        statement: what is measured.
        per: 0 for a statement that may be repeated; otherwise it is run once, and does so many
            things, of which one is meant.
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
