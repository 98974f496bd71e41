"""Records of runs, made by hand and for properties."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from flyte_dask_records import InputRecord, ProcessRecord, Record, WorkerRecord
from tests.support.records import GIB, a_worker_record

__all__ = ["GIB", "MIB", "RECORDS", "TASK", "input_of", "record", "worker"]

MIB = 2**20
TASK = "etl.total"


def worker(name: str = "0", **changes: Any) -> WorkerRecord:
    """A worker that was busy for 80 of 100 seconds, with 2 of its 4 GiB."""
    values: dict[str, Any] = {
        "cpu": 80.0,
        "computed": 80.0,
        "waited": 0.0,
        "uptime": 100.0,
        "utilization": 0.8,
        "received": 0.0,
    }
    return a_worker_record(name, **values | changes)


def record(*workers: WorkerRecord, **changes: Any) -> Record:
    """A run of 100 seconds, by default on 2 workers of 1 CPU and 4 GiB, such as `small`."""
    workers = workers or (worker("0"), worker("1"))
    amounts = {
        "workers": (str(workers[0].nthreads), f"{workers[0].limit // MIB}Mi"),
        "scheduler": ("1", "2Gi"),
        "runner": ("1", "2Gi"),
    }
    values: dict[str, dict[str, object]] = {
        f"{role}.{side}.{name}": {"value": amount}
        for role, pair in amounts.items()
        for side in ("requests", "limits")
        for name, amount in zip(("cpu", "mem"), pair, strict=True)
    }
    values["workers.number_of_workers"] = {"value": len(workers)}
    fields: dict[str, Any] = {
        "task": TASK,
        "began": "2026-08-01T00:00:00+00:00",
        "sdk": "flytekit",
        "where": "cluster",
        "is_to_scale": True,
        "config": "12345678",
        "values": values,
        "startup": 20.0,
        "wall": 100.0,
        "workers": workers,
        "number": len(workers),
        "scheduler": ProcessRecord(peak=300 * MIB, cpu=10.0),
        "runner": ProcessRecord(peak=400 * MIB, cpu=20.0),
    }
    return Record(**fields | changes)


def input_of(nbytes: int, name: str = "path") -> tuple[InputRecord]:
    """One input of that size."""
    return (InputRecord(name=name, type="FlyteFile", nbytes=nbytes),)


@st.composite
def _records(draw: st.DrawFn) -> Record:
    threads, limit = draw(st.integers(1, 8)), draw(st.integers(1, 64)) * GIB
    workers = [
        worker(
            str(number),
            nthreads=threads,
            limit=limit,
            peak=draw(st.integers(100 * MIB, int(0.95 * limit))),
            cpu=draw(st.floats(0.1, 200.0)),
            computed=draw(st.floats(0.1, 100.0)),
            spilled=draw(st.sampled_from([0.0, 1e6, 1e9])),
            paused=draw(st.sampled_from([0, 0, 0, 2])),
            killed=draw(st.sampled_from([0, 0, 0, 0, 1])),
        )
        for number in range(draw(st.integers(1, 5)))
    ]
    reason = draw(st.sampled_from([None, None, None, None, "memory", "user", "cluster"]))
    return record(
        *workers,
        began=f"2026-08-{draw(st.integers(1, 28)):02}T00:00:00+00:00",
        wall=draw(st.floats(0.5, 1000.0)),
        startup=draw(st.floats(0.0, 100.0)),
        reason=reason,
        failure=reason and "Failure",
        inputs=draw(st.sampled_from([(), input_of(10**6), input_of(10**7), input_of(10**8)])),
        where=draw(st.sampled_from(["cluster", "cluster", "processes", "threads"])),
    )


RECORDS = st.lists(_records(), min_size=1, max_size=12)
"""Runs of one task, of all kinds."""
