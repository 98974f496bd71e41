"""The local twin of a task's cluster: of the same shape, in threads of this process."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

import attrs
import dask.config
from dask.system import CPU_COUNT
from distributed import LocalCluster
from distributed.utils import silence_logging_cmgr

from flyte_dask.resources import amounts
from flyte_dask.roles import WorkerGroup

__all__ = ["Shape", "local_cluster"]

logger = logging.getLogger("flytekit.dask")


@final
@attrs.frozen
class Shape:
    """How many workers, and how many threads each."""

    workers: int
    threads: int

    @classmethod
    def on_flyte(cls, group: WorkerGroup) -> Shape:
        """What Flyte starts: a thread for each CPU of the limit, rounded up; unsaid, one."""
        cpu = amounts(group.limits).get("cpu") or amounts(group.requests).get("cpu")
        return cls(group.number_of_workers, math.ceil(cpu.value) if cpu else 1)

    def scaled_to(self, cpus: int) -> Shape:
        """The nearest shape that needs no more than *cpus* threads: fewer threads, then workers."""
        workers = min(self.workers, cpus)
        return Shape(workers, min(self.threads, cpus // workers))

    def __str__(self) -> str:
        return f"{self.workers} workers of {self.threads} threads"


@contextmanager
def local_cluster(group: WorkerGroup) -> Iterator[LocalCluster]:
    """A cluster like *group*'s, scaled to this host; the user's own ``Client()`` joins it too.

    It listens on 127.0.0.1 only. Over tcp, so that what a real cluster could not pickle fails here
    too. Without memory limits: each worker in a thread measures the whole process, and would pause.
    """
    wanted = Shape.on_flyte(group)
    shape = wanted.scaled_to(CPU_COUNT)
    logger.info("local cluster: %s for %s, on %d CPUs", shape, wanted, CPU_COUNT)
    # Quiet from without, as LocalCluster's own silence ends before its last connections do.
    with silence_logging_cmgr(logging.WARNING):
        cluster = LocalCluster(
            n_workers=shape.workers,
            threads_per_worker=shape.threads,
            processes=False,
            protocol="tcp://",
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            # distributed 2024.8 lets the workers' servers listen on all addresses if it is unsaid
            worker_dashboard_address="127.0.0.1:0",
            memory_limit=None,
            silence_logs=False,
        )
        with cluster, dask.config.set({"scheduler-address": cluster.scheduler_address}):
            yield cluster
