"""A report as HTML: one element with all that it needs, which reads offline and without scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import attrs
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from flyte_dask.explanation.summary import summarize
from flyte_dask.explanation.text import HEADERS, Row, others, rows
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.cluster_plugins.task_stream import MOST_STREAMED
from flyte_dask_engine.monitor.metrics import ClusterMetrics, Event, PrefixMetrics
from flyte_dask_engine.report.charts import ticks
from flyte_dask_engine.report.findings import findings, sentence
from flyte_dask_engine.report.formatting import called, distinct, duration, in_bytes, percent
from flyte_dask_engine.report.report import Report
from flyte_dask_engine.report.timelines import MARKS, REST, TELLING, flow, pictures

__all__ = ["page"]

_PACKAGE = "flyte_dask_engine.report"
_MOST_PREFIXES = 15
_MOST_EVENTS = 50
_COLOURS = 6  # that people tell apart; other prefixes are grey


def page(report: Report) -> str:
    """The HTML of *report*, in which nothing is left that is no text, as file names may be."""
    facts = summarize(report.job)
    known = {path: each for path, each in facts["values"].items() if each["source"] != "unknown"}
    made = _template().render(
        report=report,
        sentence=sentence(report),
        findings=list(findings(report)),
        did=_did(report, report.record) if report.record and report.record.workers else None,
        columns=_columns(list(rows(known))),
        others=list(others(known)),
        footprint=facts["footprint"]["text"],
        style=Markup(files(_PACKAGE).joinpath("style.css").read_text("utf-8")),  # noqa: S704  # ours
    )
    return made.encode(errors="backslashreplace").decode()


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        loader=PackageLoader(_PACKAGE, ""),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    for each in (called, duration, in_bytes, percent):
        environment.filters[each.__name__] = each
    environment.globals.update(
        counted=counted, marks=MARKS, most_streamed=MOST_STREAMED, telling=TELLING
    )
    return environment.get_template("page.html")


def _columns(found: list[Row]) -> list[tuple[str, tuple[str, ...]]]:
    """The table's columns in which there is something."""
    columns = zip(HEADERS, zip(*found, strict=True), strict=True)
    return [(header, cells) for header, cells in columns if any(cells)]


def _did(report: Report, record: ClusterMetrics) -> dict[str, Any]:
    """What the cluster did, as the template wants it."""
    ranked = sorted(range(len(record.prefixes)), key=lambda each: -record.prefixes[each].worked)
    colours = {each: f"c{rank}" for rank, each in enumerate(ranked[:_COLOURS])}
    return {
        "record": record,
        "tiles": _tiles(report, record),
        "tasks_told": _tasks_told(record),
        "legend": [(colour, record.prefixes[each].name) for each, colour in colours.items()],
        "has_rest": len(ranked) > _COLOURS,
        "unmarked": list(_unmarked(record)),
        "has_absences": any(worker.present < 0.999 * record.seconds for worker in record.workers),
        "seen": [kind for kind in MARKS if kind in record.event_counts],
        "workers": pictures(record, colours),
        "ticks": [(100 * at / (record.seconds or 1), _tick(at)) for at in ticks(record.seconds)],
        "flows": [(what, flow(what, record)) for what in ("moved", "spilled")],
        "prefixes": _prefixes(record, ranked, colours),
        "more_prefixes": len(ranked) - _MOST_PREFIXES,
        "events": _events(record),
        "untold": sum(record.event_counts.values()) - min(len(record.events), _MOST_EVENTS),
    }


def _events(record: ClusterMetrics) -> list[Event]:
    """Those that are listed, in time; of many those of rarer kinds, which else might be missed."""
    ranked = sorted(record.events, key=lambda each: (record.event_counts.get(each.kind, 0), each))
    return sorted(ranked[:_MOST_EVENTS])


def _unmarked(record: ClusterMetrics) -> Iterator[str]:
    """Of what not all is marked on the time lines."""
    marked = Counter(each.kind for each in record.events)
    for kind in MARKS:
        number = record.event_counts.get(kind, 0)
        if 0 < marked[kind] < number:
            told = TELLING[kind].removeprefix("a task ")
            yield f"Of {number:,} times \u201c{told}\u201d the first {marked[kind]:,} are marked."


def _tick(seconds: float) -> str:
    return duration(seconds).replace(".0 ", " ")


def _tiles(report: Report, record: ClusterMetrics) -> Iterator[tuple[str, str]]:
    """The figures that matter most, each with what it is."""
    if report.opened_after is not None:
        yield duration(report.opened_after), "until the cluster was ready"
    yield duration(record.seconds), "with the cluster"
    yield percent(record.busy), "of all threads' time busy"
    yield f"{record.finished:,}", "tasks finished"
    if record.failed:
        yield f"{record.failed:,}", "tasks failed"
    fullest = max(record.workers, key=lambda worker: worker.fullness)
    if fullest.limit:
        name = distinct([worker.name for worker in record.workers])[fullest.name]
        yield percent(fullest.fullness), f"of its memory limit, at most, by {name}"
    else:
        most = max(worker.peak for worker in record.workers)
        yield in_bytes(most), "of memory, at most, without a limit"
    yield in_bytes(record.received), "moved between workers"
    yield in_bytes(record.spilled), "spilled to disk"


def _tasks_told(record: ClusterMetrics) -> str:
    """What of the tasks is drawn."""
    ended = counted(record.finished + record.failed, "task")
    others = f" {_unfinished_told(record)}" if record.unfinished else ""
    if not record.finished + record.failed:
        return f"No task ended.{others}"
    if not record.is_sampled:
        return f"All are drawn: {ended} ended.{others}"
    computed = sum(prefix.computed for prefix in record.prefixes)
    share = sum(task.seconds for task in record.tasks) / computed if computed else 0.0
    return (
        f"Sampled: the {len(record.tasks):,} longest of {ended}, which are {percent(share)} of "
        "their time. Behind them in grey, of all tasks: how many of the worker's threads were "
        "busy; that alone tells of what is too short to be seen."
        f"{others}"
    )


def _unfinished_told(record: ClusterMetrics) -> str:
    """What of those tasks that did not end."""
    parts = []
    if record.running:
        was = "was" if record.running == 1 else "were"
        parts.append(f"{record.running:,} {was} running at the end")
    if record.lost:
        times = "once" if record.lost == 1 else f"{record.lost:,} times"
        parts.append(f"{times} one ended with its worker")
    text = f"{', and '.join(parts)}."
    return text[0].upper() + text[1:]


@attrs.frozen
class _Prefix:
    """A line of the table of prefixes."""

    record: PrefixMetrics
    colour: str
    share: float
    """Of the longest bar, in percent."""


def _prefixes(
    record: ClusterMetrics, ranked: Sequence[int], colours: Mapping[int, str]
) -> Iterator[_Prefix]:
    most = max((prefix.worked for prefix in record.prefixes), default=0) or 1.0
    for each in ranked[:_MOST_PREFIXES]:
        prefix = record.prefixes[each]
        yield _Prefix(prefix, colours.get(each, REST), 100 * prefix.worked / most)
