"""``flyte-dask history``: past runs as a table, with what changed and which are unlike others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import click

from flyte_dask.errors import clipped
from flyte_dask.errors.suggestions import did_you_mean, listed
from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import duration, in_bytes, percent
from flyte_dask_cli.options import format_option
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.unread import found_records
from flyte_dask_records.collection import collect
from flyte_dask_records.reading import time_of
from flyte_dask_sizing.history import MEASURES, Run
from flyte_dask_sizing.history import history as compared

__all__ = ["history"]

_HEADERS = (
    *("task", "began (UTC)", "config", "workers", "startup", "wall", "busy", "peak memory"),
    *("spilled", "deaths", "outcome", "remarks"),
)
_CHANGE = 0.1  # against earlier runs, from which on it is shown
_LABELS = {each.name: each.label for each in MEASURES}
_DESCRIPTION = """List past runs by their records: files, decks, and folders of both.

PATHS are local, or URLs that fsspec knows. Changes are against the median of earlier runs with
inputs of about the same size; remarks name runs that are unlike the others.

\b
  flyte-dask history s3://bucket/runs
  flyte-dask history deck.html runs --task etl.monthly --last 5
  flyte-dask history runs --format json
"""


@click.command(help=_DESCRIPTION, short_help="List past runs, and what changed.")
@click.argument("paths", nargs=-1, required=True, metavar="PATHS...")
@click.option(
    "--task",
    "tasks",
    multiple=True,
    metavar="NAME",
    help="List this task only, by its name or the end of it; may be repeated.",
)
@click.option(
    "--last",
    type=click.IntRange(min=1),
    metavar="N",
    help="List the latest runs of each task only; all are compared.",
)
@format_option("text", "json", "yaml")
def history(paths: Sequence[str], tasks: Sequence[str], last: int | None, notation: str) -> int:
    """Print the runs whose records are at *paths*."""
    found = found_records(collect(paths), quiet=notation != "text")
    runs = _selected(compared(found.runs), tasks, last)
    if notation != "text":
        unread = [each._asdict() for each in found.unread]
        content = {"version": 1, "runs": [*map(_as_dict, runs)], "unread": unread}
        click.echo(document(content, notation))
        return 0
    screen = Screen()
    screen.table(_HEADERS, map(_row, runs))
    return 0


def _selected(runs: Sequence[Run], tasks: Sequence[str], last: int | None) -> list[Run]:
    """The runs of *tasks*, if there are any, and of each task the *last* ones.

    Raises:
        ClickException: if a task has no run.
    """
    by_task: dict[str, list[Run]] = {}
    for each in runs:
        by_task.setdefault(each.record.task, []).append(each)
    names = [*by_task]
    if tasks:
        names = [name for name in by_task if any(_is_named(name, task) for task in tasks)]
        known = {*by_task, *(name.rpartition(".")[2] for name in by_task)}
        for task in tasks:
            if not any(_is_named(name, task) for name in by_task):
                remedy = did_you_mean(task, known) or f"tasks with runs: {listed([*by_task])}"
                raise click.ClickException(clipped(f"task {task!r} has no runs: {remedy}"))
    return [each for name in names for each in by_task[name][-(last or 0) :]]


def _is_named(name: str, task: str) -> bool:
    return name == task or name.endswith(f".{task}")


def _row(run: Run) -> tuple[str, ...]:
    record = run.record
    began = time_of(record.began)
    share = "" if run.peak_share is None else f" ({percent(run.peak_share)})"
    return (
        record.task,
        "" if began is None else f"{began:%Y-%m-%d %H:%M}",
        record.config,
        str(record.number) if record.workers else "",
        "" if record.startup is None else duration(record.startup),
        "" if record.wall is None else duration(record.wall),
        percent(record.utilization) if record.workers else "",
        "" if record.peak is None else f"{in_bytes(record.peak)}{share}",
        in_bytes(record.spilled) if record.spilled else "",
        f"{run.deaths:,}" if run.deaths else "",
        _outcome(run),
        "; ".join(_remarks(run)),
    )


def _outcome(run: Run) -> str:
    """How it ended, such as ``failed: memory (WorkersKilled)``."""
    record = run.record
    if record.reason is None:
        return "succeeded"
    return f"failed: {record.reason} ({record.failure})"


def _remarks(run: Run) -> Iterator[str]:
    """What changed, and what is unlike other runs."""
    if run.has_new_config:
        yield "new config"
    if run.record.where != "cluster":
        yield f"local, in {run.record.where}"
    for name in ("wall", "peak"):
        change = run.changes.get(name, 0.0)
        if abs(change) >= _CHANGE and name not in run.outliers:
            yield f"{_LABELS[name]} {100 * change:+.0f} %"
    for name, times in run.outliers.items():
        ratio = "" if math.isinf(times) else f" {times:.2g} times the median"
        yield f"outlier: {_LABELS[name]}{ratio}"


def _as_dict(run: Run) -> Json:
    """*run* as JSON: what was measured, in seconds and bytes, and how it compares."""
    record = run.record
    return {
        "place": run.place,
        "task": record.task,
        "began": record.began,
        "execution": record.execution,
        "attempt": record.attempt,
        "where": record.where,
        "config": record.config,
        "workers": record.number,
        "startup": record.startup,
        "wall": record.wall,
        "utilization": record.utilization,
        "peak": record.peak,
        "peak_share": run.peak_share,
        "cpu": record.cpu,
        "received": record.received,
        "spilled": record.spilled,
        "deaths": run.deaths,
        "failure": record.failure,
        "reason": record.reason,
        "earlier_similar_runs": run.earlier,
        "changes": dict(run.changes),
        "has_new_config": run.has_new_config,
        "outliers": [*run.outliers],
    }
