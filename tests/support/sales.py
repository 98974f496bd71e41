"""Pipelines for the pictures of decks; the last step of `sales` exceeds the memory limit."""

import time

from dask.delayed import Delayed, delayed
from flytekit import task

from flytekitplugins.dask import Dask

MIB = 1024**2
MONTHS, IN_A_GROUP = 40, 8


def load(_: int) -> bytes:
    time.sleep(0.3)
    return bytes(20 * MIB)


def clean(sales: bytes) -> bytes:
    time.sleep(0.25)
    return sales


def features(sales: bytes) -> bytes:
    time.sleep(0.15)
    return sales[: 12 * MIB]


def merge(parts: list[bytes]) -> int:
    time.sleep(0.5)
    return sum(map(len, parts))


def total(amounts: list[int]) -> int:
    held = []
    for _ in range(100):
        held.append(b"x" * (40 * MIB))
        time.sleep(0.1)
    return sum(amounts) + len(held)


CONFIG = Dask(workers=5).with_workers(cpu=1, mem="512Mi").with_scheduler(cpu=1, mem="2Gi")


def groups() -> list[Delayed]:
    months = [delayed(features)(delayed(clean)(delayed(load)(n))) for n in range(MONTHS)]
    parts = [months[first : first + IN_A_GROUP] for first in range(0, MONTHS, IN_A_GROUP)]
    return [delayed(merge)(part) for part in parts]


@task(task_config=CONFIG.with_runtime(report=True))
def sales() -> int:
    return int(delayed(total)(groups()).compute())


@task(task_config=CONFIG.with_runtime(report=True))
def monthly_sales() -> int:
    return int(delayed(sum)(groups()).compute())
