"""``flyte-dask explain``: the resources that tasks will get, and where each value is set."""

from __future__ import annotations

from typing import Any

import click

from flyte_dask.explanation.summary import Json
from flyte_dask.explanation.text import FIELDS, fields_of, story
from flyte_dask_cli.loading.collect import collect
from flyte_dask_cli.options import format_option, targets, task_options
from flyte_dask_cli.rendering.console import Screen, show_cluster, show_findings
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import show_errors

__all__ = ["explain"]

_DESCRIPTION = """Show the resources that tasks will get: each request and limit, where it is set
and what it overrides, the options of workers, the total of all pods, errors and advice.

TARGETS are modules, files or folders, with :TASK for one task of a file or module.

\b
  flyte-dask explain pipelines/etl.py:monthly
  flyte-dask explain pipelines/etl.py --field workers.limits.mem
  flyte-dask explain acme.etl --platform flyte-core --platform-limits cpu=64,mem=256Gi
"""


@click.command(help=_DESCRIPTION, short_help="Show what tasks will get, and where it is set.")
@targets
@click.option(
    "--field",
    metavar="PATH",
    shell_complete=lambda _, __, incomplete: [
        each for each in FIELDS if each.startswith(incomplete)
    ],
    help="Show how one value came about, such as workers.limits.mem.",
)
@task_options
@format_option("text", "json", "yaml")
def explain(
    targets: tuple[str, ...],
    field: str | None,
    traceback: bool,
    notation: str,
    **options: Any,
) -> int:
    """Print an explanation of each task."""
    fields = () if field is None else _fields(field)
    collected = collect("summary", targets, traceback, **options)
    tasks = [_with_fields(fields, each) for each in collected.tasks] if fields else collected.tasks
    if notation != "text":
        explained = {"version": 1, "tasks": [*tasks], "errors": [*collected.errors]}
        click.echo(document(explained, notation))
    else:
        _show(collected.tasks, fields)
        show_errors(collected.errors)
    forbidden = any(each["blocking"] for task in collected.tasks for each in task["findings"])
    return int(bool(collected.errors) or forbidden)


def _fields(path: str) -> tuple[str, ...]:
    try:
        return fields_of(path)
    except LookupError as error:
        raise click.UsageError(str(error.args[0])) from None


def _with_fields(fields: tuple[str, ...], task: Json) -> Json:
    head = {name: task[name] for name in ("name", "function", "file", "line", "node")}
    return {**head, "values": {field: task["values"].get(field) for field in fields}}


def _show(tasks: tuple[Json, ...], fields: tuple[str, ...]) -> None:
    screen = Screen()
    for number, task in enumerate(tasks):
        if number:
            screen.line()
        if not fields:
            _explain(screen, task)
        for field in fields:
            first, *others = story(field, task["values"])
            screen.line(f"{field} of {task['name']} is {first}", "title")
            for line in others:
                screen.line(line)


def _explain(screen: Screen, task: Json) -> None:
    screen.parts((task["name"], "title"), (f"  {task['file']}:{task['line']}", "dim"))
    if node := task["node"]:
        screen.line(f"node {node['id']} of workflow {node['workflow']}: task {node['task']}", "dim")
    screen.line(_platform(task), "dim")
    screen.line()
    show_cluster(screen, task)
    if task["findings"]:
        screen.line()
        show_findings(screen, task["findings"])


def _platform(task: Json) -> str:
    """The platform that is assumed, and its team file."""
    platform = task["platform"]
    defaults, limits = (_amounts(platform[side]) for side in ("defaults", "limits"))
    version = platform["backend"].removeprefix("v")
    base = f" ({platform['base']})" if platform["base"] else ""
    file = f" (from {task['team_file']})" if task["team_file"] else ""
    return f"Flyte {version}{base}; defaults {defaults}; limits {limits or 'none'}{file}"


def _amounts(amounts: dict[str, str]) -> str:
    return " ".join(f"{name}={amount}" for name, amount in amounts.items())
