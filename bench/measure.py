"""What one interpreter measures, for `bench.dsl`: each statement's median time, as JSON.

Runs under either plugin, and imports nothing of this project.
"""

from __future__ import annotations

import json
import statistics
import sys
import timeit

ROUNDS = 15
SECONDS = 0.02  # at least, for each round


def microseconds(setup: str, statement: str) -> float:
    """The median over `ROUNDS`, per run of *statement*."""
    timer = timeit.Timer(statement, setup)
    once = max(timer.timeit(100) / 100, 1e-7)
    number = max(1, int(SECONDS / once))
    return statistics.median(timer.timeit(number) / number * 1e6 for _ in range(ROUNDS))


if __name__ == "__main__":
    wanted: dict[str, tuple[str, str]] = json.loads(sys.argv[1])
    print(json.dumps({name: microseconds(*code) for name, code in wanted.items()}))
