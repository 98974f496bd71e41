"""Builders of records of runs for tests."""

from __future__ import annotations

from typing import Any

from flyte_dask_records import PrefixRecord, Record, WorkerRecord

GIB = 2**30


def a_worker_record(name: str = "0", **fields: Any) -> WorkerRecord:
    """A worker of one thread and 4 GiB, half busy for ten seconds."""
    defaults: dict[str, Any] = {
        "nthreads": 1,
        "limit": 4 * GIB,
        "peak": 2 * GIB,
        "cpu": 5.0,
        "computed": 5.0,
        "waited": 0.25,
        "uptime": 10.0,
        "utilization": 0.5,
        "received": 1000.0,
        "spilled": 0.0,
        "finished": 100,
        "failed": 0,
    }
    return WorkerRecord(name=name, **{**defaults, **fields})


def a_prefix_record(name: str = "inc", **fields: Any) -> PrefixRecord:
    """A hundred tasks of 50 ms."""
    defaults: dict[str, Any] = {
        "finished": 100,
        "failed": 0,
        "computed": 5.0,
        "waited": 0.25,
        "longest": 0.1,
        "nbytes": 2800,
    }
    return PrefixRecord(name=name, **{**defaults, **fields})


def a_record(*workers: WorkerRecord, **fields: Any) -> Record:
    """A run of ``etl.total`` on *workers*, by default two."""
    used = workers or (a_worker_record("0"), a_worker_record("1"))
    defaults: dict[str, Any] = {
        "task": "etl.total",
        "began": "2026-11-30T12:00:00.000+00:00",
        "sdk": "flytekit",
        "where": "cluster",
        "is_to_scale": True,
        "config": "0123abcd",
        "values": {"workers.limits.mem": {"value": "4Gi", "source": "role"}},
        "run": "0" * 32,
        "startup": 2.5,
        "wall": 10.0,
        "number": len(used),
        "utilization": 0.5,
        "prefixes": (a_prefix_record(),),
    }
    return Record(workers=used, **{**defaults, **fields})
