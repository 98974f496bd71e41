"""``flyte-dask check``: errors, policy violations and advice of all Dask tasks, for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import counted
from flyte_dask_cli.loading.collect import Collected, collect, finding_text, place_text
from flyte_dask_cli.loading.findings import SEVERITIES
from flyte_dask_cli.options import targets, task_options
from flyte_dask_cli.rendering.console import Screen, json_text

__all__ = ["check"]

_DESCRIPTION = """Check Dask tasks for errors, violations of the team's policy, and pitfalls.

TARGETS are modules, files or folders, with :TASK for one task of a file or module. A module that
cannot be imported is an error; all others are checked anyway.

Exit codes: 0 without errors, 1 with errors; --strict counts warnings and info too.

\b
  flyte-dask check pipelines
  flyte-dask check pipelines --strict --format github
  flyte-dask check acme.etl --file conf/flyte-dask.toml --image ghcr.io/acme/etl:3
"""


@click.command(help=_DESCRIPTION, short_help="Check tasks for errors, policy and pitfalls.")
@targets
@click.option(
    "--format",
    "notation",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Output format; github prints annotations.",
)
@click.option("--strict", is_flag=True, help="Fail on warnings and info too.")
@task_options
def check(
    targets: tuple[str, ...],
    notation: str,
    strict: bool,
    traceback: bool,
    **options: Any,
) -> int:
    """Print the findings of all tasks and modules."""
    collected = collect("findings", targets, traceback, **options)
    of_tasks = [{**each, "modules": []} for each in _findings(collected)]
    found = sorted([*collected.errors, *of_tasks], key=_order)
    counts = Counter(each["severity"] for each in found)
    _FORMATS[notation](collected, found, counts)
    return int(bool(found if strict else counts["error"]))


def _findings(collected: Collected) -> Iterator[Json]:
    """The findings of tasks, and those that their nodes add."""
    known = {
        (task["name"], *_content(each)) for task in collected.tasks for each in task["findings"]
    }
    for task in collected.tasks:
        original = task["node"] and task["node"]["task"]
        for each in task["findings"]:
            if (original, *_content(each)) not in known:
                yield each


def _content(finding: Mapping[str, Any]) -> tuple[object, ...]:
    return finding["code"], finding["path"], finding["message"]


def _order(finding: Mapping[str, Any]) -> tuple[object, ...]:
    """By file, line and task, then by severity, the most severe first."""
    rank = SEVERITIES.index(finding["severity"])
    return finding["file"] or "", finding["line"] or 0, finding["task"] or "", rank


def _show_text(collected: Collected, found: Iterable[Json], counts: Mapping[str, int]) -> None:
    screen = Screen()
    for each in found:
        screen.parts(
            (place_text(each), "dim"),
            (each["severity"], each["severity"]),
            (f": {finding_text(each)} [{each['code']}]", None),
        )
        if each["traceback"]:
            screen.line(each["traceback"], "dim")
    screen.line(_summary(collected, counts), "title")


def _summary(collected: Collected, counts: Mapping[str, int]) -> str:
    parts = [_counted(counts[each], each) for each in SEVERITIES if counts[each]]
    tasks = counted(collected.number_of_tasks, "Dask task")
    nodes = f" and {counted(number, 'node')}" if (number := collected.number_of_nodes) else ""
    where = f"{tasks}{nodes} in {counted(len(collected.targets), 'module')}"
    return f"{where}: {', '.join(parts) or 'no issues'}"


def _counted(number: int, severity: str) -> str:
    return f"{number} info" if severity == "info" else counted(number, severity)


def _show_json(collected: Collected, found: list[Json], counts: Mapping[str, int]) -> None:
    summary = {
        "tasks": collected.number_of_tasks,
        "nodes": collected.number_of_nodes,
        "modules": len(collected.targets),
        **{f"{each}s": counts[each] for each in SEVERITIES},
    }
    click.echo(json_text({"version": 1, "findings": found, "summary": summary}))


def _show_github(collected: Collected, found: Iterable[Json], counts: Mapping[str, int]) -> None:
    """Print workflow commands, which GitHub shows as annotations of the lines."""
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    for each in found:
        place = {"file": each["file"], "line": each["line"]} if each["file"] else {}
        properties = {**place, "title": f"flyte-dask: {each['code']}"}
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        click.echo(f"::{levels[each['severity']]} {listed}::{_data(finding_text(each))}")
    click.echo(_summary(collected, counts))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")


_FORMATS: Mapping[str, Callable[[Collected, list[Json], Mapping[str, int]], None]] = {
    "text": _show_text,
    "json": _show_json,
    "github": _show_github,
}
