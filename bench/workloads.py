"""Workloads of different kinds, whose time on other numbers of workers is predicted and measured.

Those whose tasks wait, as for a network or a disk, can be measured on more workers than there are
cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import attrs
import dask.dataframe as dd
import numpy as np
import pandas as pd
from dask.delayed import delayed

__all__ = ["WORKLOADS", "Workload"]


@attrs.frozen
class Workload:
    """A function of a client, and the numbers of workers on which it is measured."""

    name: str
    run: Callable[[Any], object]
    workers: tuple[int, ...]


def waits(seconds: float, *_: object) -> int:
    """A task that waits."""
    time.sleep(seconds)
    return 1


def computes(size: int, *_: object) -> float:
    """A task that needs a core."""
    rows = np.random.default_rng(size).random(size)
    for _turn in range(10):
        rows = np.sort(rows[::-1] * 1.0001)
    return float(rows.sum())


def block(megabytes: int, number: int) -> Any:
    """A block of so many megabytes, for which a task waits, as for a store."""
    time.sleep(0.1)
    return np.random.default_rng(number).random(megabytes * 125_000)


def joined(one: Any, other: Any) -> Any:
    """Two blocks as one."""
    return np.hypot(one, other)


def parallel(client: Any) -> object:
    """Independent tasks that compute."""
    return client.gather(client.map(computes, [600_000 + each for each in range(60)]))


def parallel_waits(client: Any) -> object:
    """Independent tasks that wait."""
    return client.gather(client.map(waits, [0.1 + each / 1e6 for each in range(120)]))


def tree(client: Any) -> object:
    """A tree of tasks that wait, each for two others."""
    level = [delayed(waits)(0.15, each) for each in range(32)]
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [delayed(waits)(0.15, *pair) for pair in pairs]
    return client.compute(level[0]).result()


def long_tail(client: Any) -> object:
    """Many short tasks that wait, and a few long ones among them."""
    seconds = [(1.5 if each % 37 == 36 else 0.08) + each / 1e6 for each in range(111)]
    return client.gather(client.map(waits, seconds))


def memory(client: Any) -> object:
    """Large blocks that are joined in pairs, and have to be where their partner is."""
    level = [delayed(block)(12, each) for each in range(96)]
    while len(level) > 3:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [delayed(joined)(*pair) for pair in pairs]
    return client.compute(delayed(np.sum)(level)).result()


def part(number: int, rows: int = 50_000) -> Any:
    """A partition of a frame, for which a task waits, as for a store."""
    time.sleep(0.25)
    random = np.random.default_rng(number)
    return pd.DataFrame({"key": random.integers(0, 10_000, rows), "value": random.random(rows)})


def medians_of(rows: Any) -> Any:
    """The median for each key of a partition that has all of its rows, written to a store."""
    time.sleep(0.2)
    return rows.groupby("key").value.median()


def shuffle(client: Any) -> object:
    """A median for each key, for which a frame is shuffled."""
    frame: Any = dd.from_map(part, range(24))
    medians = frame.shuffle("key").map_partitions(medians_of, meta=("value", float))
    return client.compute(medians.sum()).result()


def tiny(client: Any) -> object:
    """Many tasks that take little longer than Dask needs for each."""
    return client.gather(client.map(waits, [0.004 + each / 1e9 for each in range(2000)]))


def stages(client: Any) -> object:
    """Stages between which the client works itself."""
    total = 0
    for stage in range(4):
        total += sum(
            client.gather(
                client.map(waits, [0.1 + (stage * 40 + each) / 1e6 for each in range(24)])
            )
        )
        time.sleep(0.4)
    return total


WORKLOADS = (
    Workload("independent tasks that compute", parallel, (1, 2)),
    Workload("independent tasks that wait", parallel_waits, (1, 2, 4)),
    Workload("tree of tasks that wait", tree, (1, 2, 4)),
    Workload("long tail of tasks that wait", long_tail, (1, 2, 4)),
    Workload("stages, with work of the client between", stages, (1, 2, 4)),
    Workload("large blocks, joined in a tree", memory, (1, 2)),
    Workload("shuffle of a frame", shuffle, (1, 2)),
    Workload("tiny tasks", tiny, (1, 2)),
)
