"""``flyte-dask check``: what is wrong with all Dask tasks, for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import counted
from flyte_dask_cli.loading.collect import Collected, collect, finding_text, place_text
from flyte_dask_cli.loading.findings import SEVERITIES
from flyte_dask_cli.options import targets, task_options
from flyte_dask_cli.rendering.console import Screen, json_text

__all__ = ["check"]

_DESCRIPTION = """What is wrong with the Dask tasks of modules, files and folders: errors, what the
team's policy forbids, and advice. A module that cannot be imported is an error, and hides no other.

Exit codes: 0 if there is no error, 1 if there is one; with --strict advice counts too.

\b
  flyte-dask check pipelines
  flyte-dask check pipelines --strict --format github
  flyte-dask check acme.etl --file conf/flyte-dask.toml --image ghcr.io/acme/etl:3
"""


@click.command(help=_DESCRIPTION, short_help="What is wrong with all tasks, for CI.")
@targets
@click.option(
    "--format",
    "notation",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="How findings are told; github makes annotations of them.",
)
@click.option("--strict", is_flag=True, help="Let advice be an error, too.")
@task_options
def check(
    targets: tuple[str, ...],
    notation: str,
    strict: bool,
    traceback: bool,
    **asked: Any,
) -> int:
    """Check all."""
    told = collect("findings", targets, traceback, **asked)
    about_tasks = [{**each, "modules": []} for task in told.tasks for each in task["findings"]]
    found = sorted([*told.errors, *about_tasks], key=_order)
    counts = Counter(each["severity"] for each in found)
    _SHOWN[notation](told, found, counts)
    return int(bool(found if strict else counts["error"]))


def _order(finding: Mapping[str, Any]) -> tuple[object, ...]:
    """By file and line; of one line the worst first."""
    rank = SEVERITIES.index(finding["severity"])
    return finding["file"] or "", finding["line"] or 0, finding["task"] or "", rank


def _show_text(told: Collected, found: Iterable[Json], counts: Mapping[str, int]) -> None:
    screen = Screen()
    for each in found:
        screen.parts(
            (place_text(each), "dim"),
            (each["severity"], each["severity"]),
            (f": {finding_text(each)} [{each['code']}]", None),
        )
        if each["traceback"]:
            screen.line(each["traceback"], "dim")
    screen.line(_summary(told, counts), "title")


def _summary(told: Collected, counts: Mapping[str, int]) -> str:
    parts = [_counted(counts[each], each) for each in SEVERITIES if counts[each]]
    tasks = counted(len(told.tasks) + told.failed, "Dask task")
    where = f"{tasks} in {counted(len(told.targets), 'module')}"
    return f"{where}: {', '.join(parts) or 'nothing is wrong'}"


def _counted(number: int, severity: str) -> str:
    return f"{number} info" if severity == "info" else counted(number, severity)


def _show_json(told: Collected, found: list[Json], counts: Mapping[str, int]) -> None:
    summary = {
        "tasks": len(told.tasks) + told.failed,
        "modules": len(told.targets),
        **{f"{each}s": counts[each] for each in SEVERITIES},
    }
    click.echo(json_text({"version": 1, "findings": found, "summary": summary}))


def _show_github(told: Collected, found: Iterable[Json], counts: Mapping[str, int]) -> None:
    """As commands of a workflow, which GitHub shows beside the lines."""
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    for each in found:
        place = {"file": each["file"], "line": each["line"]} if each["file"] else {}
        properties = {**place, "title": f"flyte-dask: {each['code']}"}
        listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        click.echo(f"::{levels[each['severity']]} {listed}::{_data(finding_text(each))}")
    click.echo(_summary(told, counts))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")


_SHOWN: Mapping[str, Callable[[Collected, list[Json], Mapping[str, int]], None]] = {
    "text": _show_text,
    "json": _show_json,
    "github": _show_github,
}
