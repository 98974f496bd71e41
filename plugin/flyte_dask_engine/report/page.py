"""A report as HTML: one self-contained element that needs no network and no scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from flyte_dask.explanation.summary import summarize
from flyte_dask.explanation.text import HEADERS, containers, others, rows
from flyte_dask.quantities.formatting import counted, duration, in_bytes, percent
from flyte_dask_engine.cluster_plugins.task_stream import MAX_STREAMED
from flyte_dask_engine.monitor.metrics import ClusterMetrics, Event, PrefixMetrics
from flyte_dask_engine.report.charts import ticks
from flyte_dask_engine.report.findings import findings, sentence
from flyte_dask_engine.report.formatting import short_names, worker_label
from flyte_dask_engine.report.record import record_of
from flyte_dask_engine.report.report import Report
from flyte_dask_engine.report.timelines import LABELS, MARKS, REST, flows, timelines
from flyte_dask_records import data_block, dumps

__all__ = ["page"]

_PACKAGE = "flyte_dask_engine.report"
_MAX_PREFIXES = 15
_MAX_EVENTS = 50
_COLOURS = 6  # that people can distinguish; other prefixes are grey


def page(report: Report) -> str:
    """The HTML of *report*; lone surrogates, as in file names, are escaped."""
    summary = summarize(report.job)
    known = {path: each for path, each in summary["values"].items() if each["source"] != "unknown"}
    columns = zip(HEADERS, zip(*rows(known), strict=True), strict=True)
    metrics = report.metrics
    html = _template().render(
        report=report,
        sentence=sentence(report),
        findings=list(findings(report)),
        shown=_shown(report, metrics) if metrics and metrics.workers else None,
        columns=[(header, cells) for header, cells in columns if any(cells)],
        others=[*others(known), *containers(summary["pods"])],
        footprint=summary["footprint"]["text"],
        record=Markup(data_block(dumps(record_of(report)), report.run.identifier)),  # noqa: S704  # escaped
        style=Markup(files(_PACKAGE).joinpath("style.css").read_text("utf-8")),  # noqa: S704  # ours
    )
    return html.encode(errors="backslashreplace").decode()


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader(_PACKAGE, ""),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    for each in (duration, in_bytes, percent, worker_label):
        environment.filters[each.__name__] = each
    environment.globals.update(marks=MARKS, labels=LABELS, max_streamed=MAX_STREAMED)
    return environment.get_template("page.html")


def _shown(report: Report, metrics: ClusterMetrics) -> dict[str, Any]:
    """The template's variables for what the cluster did."""
    prefixes = metrics.prefixes
    ranked = sorted(range(len(prefixes)), key=lambda each: -prefixes[each].task_time)
    colours = {each: f"c{rank}" for rank, each in enumerate(ranked[:_COLOURS])}
    return {
        "metrics": metrics,
        "tiles": _tiles(report, metrics),
        "tasks": " ".join([_tasks(metrics), *_unmarked(metrics)]),
        "legend": [(colour, prefixes[each].name) for each, colour in colours.items()],
        "has_rest": len(ranked) > _COLOURS,
        "has_absences": any(worker.uptime < 0.999 * metrics.seconds for worker in metrics.workers),
        "kinds": [kind for kind in MARKS if kind in metrics.event_counts],
        "workers": timelines(metrics, colours),
        "ticks": [(100 * at / (metrics.seconds or 1), _tick(at)) for at in ticks(metrics.seconds)],
        "flows": [*flows(metrics)],
        "prefixes": _prefixes(metrics, ranked, colours),
        "more_prefixes": len(ranked) - _MAX_PREFIXES,
        "events": _events(metrics),
        "more_events": sum(metrics.event_counts.values()) - min(len(metrics.events), _MAX_EVENTS),
    }


def _events(metrics: ClusterMetrics) -> list[Event]:
    """The listed events in order of time; of many, those of the rarer kinds."""
    ranked = sorted(metrics.events, key=lambda each: (metrics.event_counts.get(each.kind, 0), each))
    return sorted(ranked[:_MAX_EVENTS])


def _unmarked(metrics: ClusterMetrics) -> Iterator[str]:
    """A sentence for each kind of event that is marked on the timelines only in part."""
    marked = Counter(each.kind for each in metrics.events)
    for kind in MARKS:
        number = metrics.event_counts.get(kind, 0)
        if 0 < marked[kind] < number:
            events = f"{number:,} \u201c{LABELS[kind]}\u201d events"
            yield f"Only the first {marked[kind]:,} of {events} are marked."


def _tick(seconds: float) -> str:
    return duration(seconds).replace(".0 ", " ")


def _tiles(report: Report, metrics: ClusterMetrics) -> Iterator[tuple[str, str]]:
    """The most important numbers, each with its label."""
    if report.startup is not None:
        yield duration(report.startup), "startup"
    yield duration(metrics.seconds), "cluster time"
    yield percent(metrics.utilization), "utilization"
    yield f"{metrics.finished:,}", "tasks finished"
    if metrics.failed:
        yield f"{metrics.failed:,}", "tasks failed"
    fullest = max(metrics.workers, key=lambda worker: worker.memory_share)
    if fullest.limit:
        name = short_names([worker.name for worker in metrics.workers])[fullest.name]
        yield percent(fullest.memory_share), f"peak memory / limit ({name})"
    else:
        most = max(worker.peak for worker in metrics.workers)
        yield in_bytes(most), "peak memory (no limit)"
    yield in_bytes(metrics.received), "transferred between workers"
    yield in_bytes(metrics.spilled), "spilled to disk"


def _tasks(metrics: ClusterMetrics) -> str:
    """Which tasks are drawn."""
    ended = metrics.finished + metrics.failed
    unfinished = f" {_unfinished(metrics)}" if metrics.unfinished else ""
    if not ended:
        return f"No task finished.{unfinished}"
    if not metrics.is_sampled:
        return f"All tasks are shown: {counted(ended, 'task')} finished or failed.{unfinished}"
    computed = sum(prefix.compute_time for prefix in metrics.prefixes)
    share = sum(task.seconds for task in metrics.tasks) / computed if computed else 0.0
    return (
        f"Sampled: the {len(metrics.tasks):,} longest of {counted(ended, 'task')} are shown, which "
        f"took {percent(share)} of the total time. The grey area behind them is the number of busy "
        f"threads, from all tasks, also those too short to be shown.{unfinished}"
    )


def _unfinished(metrics: ClusterMetrics) -> str:
    """A sentence about the tasks that did not finish."""
    parts = []
    if metrics.running:
        was = "was" if metrics.running == 1 else "were"
        parts.append(f"{counted(metrics.running, 'task')} {was} still running at the end")
    if metrics.lost:
        was = "was" if metrics.lost == 1 else "were"
        runs = counted(metrics.lost, "task run")
        parts.append(f"{runs} {was} interrupted when the worker stopped")
    return f"{', and '.join(parts)}."


def _prefixes(
    metrics: ClusterMetrics, ranked: Sequence[int], colours: Mapping[int, str]
) -> Iterator[tuple[PrefixMetrics, str, float]]:
    """The rows of the table of prefixes: metrics, colour, and percent of the longest bar."""
    most = max((prefix.task_time for prefix in metrics.prefixes), default=0) or 1.0
    for each in ranked[:_MAX_PREFIXES]:
        prefix = metrics.prefixes[each]
        yield prefix, colours.get(each, REST), 100 * prefix.task_time / most
