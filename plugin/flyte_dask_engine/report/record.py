"""The record of a run, from the same report as its page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from flyte_dask.config.runtime import Runtime
from flyte_dask.explanation.summary import summarize
from flyte_dask_engine.monitor.metrics import ClusterMetrics, PrefixMetrics, WorkerMetrics
from flyte_dask_engine.report.report import Report
from flyte_dask_records import PrefixRecord, ProcessRecord, Record, WorkerRecord

__all__ = ["record_of", "without_credentials"]

_MOST_TEXT = 200  # characters of a value
_DIGEST = re.compile(r"[a-z0-9]+:[0-9a-f]{32,}")


def record_of(report: Report) -> Record:
    """The record of a run, as far as *report* is complete; it has no texts of errors or events."""
    run, metrics = report.run, report.metrics
    failure = report.failure
    return Record(
        task=report.task,
        began=run.began.isoformat(timespec="milliseconds"),
        sdk=run.sdk,
        where=run.where,
        is_to_scale=report.is_to_scale,
        config=report.job.config.fingerprint,
        values=dict(_values(report)),
        run=run.identifier,
        execution=run.execution,
        attempt=run.attempt,
        inputs=run.inputs.records(),
        startup=report.startup,
        wall=run.wall,
        runner=run.usage(),
        failure=None if failure is None else failure.type,
        reason=run.reason,
        **({} if metrics is None else _measured(metrics, is_local=run.where != "cluster")),
    )


def _measured(metrics: ClusterMetrics, *, is_local: bool) -> dict[str, Any]:
    """The fields of a record for what a cluster did."""
    process = metrics.scheduler
    return {
        "workers": [_worker(each) for each in metrics.workers],
        "number": len(metrics.workers) + metrics.unrecorded,
        "utilization": metrics.utilization,
        "computed": metrics.task_time,
        "cpu": sum(each.cpu for each in metrics.workers),
        "received": metrics.received,
        "spilled": metrics.spilled,
        "scheduler": None if is_local or process is None else ProcessRecord(**process),
        "prefixes": [_prefix(each) for each in metrics.prefixes],
        "events": dict(metrics.event_counts),
        "graph": metrics.graph,
    }


def _worker(worker: WorkerMetrics) -> WorkerRecord:
    return WorkerRecord(
        name=worker.name,
        nthreads=worker.nthreads,
        limit=worker.limit,
        peak=worker.peak,
        cpu=worker.cpu,
        computed=worker.task_time,
        waited=worker.seconds.get("transfer", 0.0),
        uptime=worker.uptime,
        utilization=worker.utilization,
        received=worker.received,
        spilled=worker.spilled,
        finished=worker.finished,
        failed=worker.failed,
        paused=worker.event_counts.get("paused", 0),
        killed=worker.event_counts.get("killed", 0),
        lost=worker.event_counts.get("lost", 0),
    )


def _prefix(prefix: PrefixMetrics) -> PrefixRecord:
    return PrefixRecord(
        name=prefix.name,
        finished=prefix.finished,
        failed=prefix.failed,
        computed=prefix.compute_time,
        waited=prefix.transfer_time,
        longest=prefix.longest,
        nbytes=prefix.nbytes,
    )


def _values(report: Report) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Every effective value by its path, with what set it.

    It has no lines of the user's files. Environment variables of pods are not among these values.
    """
    for path, each in summarize(report.job)["values"].items():
        role, _, name = path.partition(".")
        known = _setting(report.runtime, name) if role == "runtime" else _amount(each)
        if known["value"] is not None:
            yield path, {key: _short(each) for key, each in known.items() if each is not None}


def _setting(runtime: Runtime, name: str) -> dict[str, object]:
    """The setting *name*, which environment variables may override."""
    value, origin = getattr(runtime, name), runtime.origins.get(name)
    if origin is None:
        return {"value": value, "source": "default"}
    return {"value": value, "source": "role", "by": origin.by, "preset": origin.preset}


def _amount(summary: Mapping[str, Any]) -> dict[str, object]:
    """An amount, a count or an image."""
    value, origin = summary["value"], summary["origin"] or {}
    if isinstance(value, str):
        value = without_credentials(value)
    known = {"by": origin.get("by"), "preset": origin.get("preset")}
    return {"value": value, "source": summary["source"], **known}


def _short(value: object) -> object:
    return value[:_MOST_TEXT] if isinstance(value, str) else value


def without_credentials(image: str) -> str:
    """The reference *image* without a user's name and password before its registry."""
    parts = image.split("@")
    digest = f"@{parts.pop()}" if _DIGEST.fullmatch(parts[-1]) else ""
    return parts[-1] + digest if parts else image
