"""``flyte-dask diff``: the changes between two states of tasks, and their cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from flyte_dask.errors import InvalidConfig
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.collect import collect
from flyte_dask_cli.options import PATH, format_option, task_options
from flyte_dask_cli.rendering.changes import Delta, TaskChange, changes, delta, matched
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import show_errors
from flyte_dask_cli.rendering.snapshots import (
    InvalidSnapshot,
    Kind,
    Rendered,
    Snapshot,
    from_rendered,
    from_summary,
    not_rendered,
    read,
)

__all__ = ["diff"]

_CHANGED = 2
_RENDERED = (".json", ".yaml", ".yml")
_DESCRIPTION = """Show what changes from OLD to NEW, and what it costs.

Each is a file that `flyte-dask render` has written, - for standard input, or a module, file or
folder of tasks, with :TASK for one of them. Modules are compared by their predicted pods, rendered
files by their content. Amounts are compared by value: 1000m equals 1. Two single tasks are compared
whatever their names; otherwise tasks are matched by the names of their functions.

Exit codes: 0 without changes, 2 with changes, 1 on errors.

\b
  flyte-dask diff old/etl.py new/etl.py
  flyte-dask render pipelines --as pods > pods.json
  flyte-dask diff pods.json pipelines
"""


@click.command(help=_DESCRIPTION, short_help="Show what changes, and what it costs.")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@task_options
@format_option("text", "json", "yaml")
def diff(
    old: str,
    new: str,
    traceback: bool,
    notation: str,
    **options: Any,
) -> int:
    """Print the changes of all tasks."""
    try:
        changed = _changed(old, new, traceback, options)
    except _NoTasks as error:
        if notation == "text":
            show_errors(error.args[0])
        else:
            click.echo(document({"version": 1, "tasks": [], "errors": [*error.args[0]]}, notation))
        return 1
    total = sum((each.delta for each in changed), Delta())
    if notation == "text":
        _show(changed, total)
    else:
        tasks = [_as_dict(each) for each in changed]
        listed = {"version": 1, "tasks": tasks, "delta": total.as_dict(), "errors": []}
        click.echo(document(listed, notation))
    return _CHANGED if changed else 0


class _NoTasks(Exception):
    """The findings of a target whose tasks could not be collected."""


def _changed(old: str, new: str, traceback: bool, options: Mapping[str, Any]) -> list[TaskChange]:
    """The tasks that changed."""
    names = [each for each in (old, new) if each.endswith(_RENDERED) or each == "-"]
    target = next((each for each in (new, old) if each not in names), "TARGETS")
    files = {each: read(each, target) for each in names}
    kinds: set[Kind] = {each.kind for each in files.values()}
    if len(kinds) > 1:
        kinds_text = " and ".join(f"{path} has {each.kind}" for path, each in files.items())
        raise InvalidSnapshot(f"{kinds_text}: render both with the same --as")
    kind = next(iter(kinds), None)
    before, after = (
        _read(each, files[each], target)
        if each in files
        else _collected(each, kind, traceback, options)
        for each in (old, new)
    )
    for path, one, other in ((old, before, after), (new, after, before)):
        if "" in one and len(other) != 1:
            raise InvalidSnapshot(f"{path}: has one unnamed task: compare it with one task only")
    return list(_compared(before, after))


def _read(path: str, rendered: Rendered, target: str) -> dict[str, Snapshot]:
    try:
        return {name: from_rendered(each, rendered.kind) for name, each in rendered.tasks.items()}
    except InvalidConfig as error:
        raise InvalidSnapshot(f"{path}: {error}") from None
    except (AttributeError, LookupError, TypeError, ValueError):
        raise not_rendered(path, target) from None


def _collected(
    target: str, kind: Kind | None, traceback: bool, options: Mapping[str, Any]
) -> dict[str, Snapshot]:
    """The tasks of *target*, rendered as *kind*; None compares their predicted pods."""
    collected = collect(kind or "summary", [target], traceback, **options)
    if collected.errors:
        raise _NoTasks(collected.errors)
    tasks = collected.by_name().items()
    if kind is None:
        return {name: from_summary(each) for name, each in tasks}
    return {name: from_rendered(each["rendered"], kind) for name, each in tasks}


def _compared(old: Mapping[str, Snapshot], new: Mapping[str, Snapshot]) -> Iterator[TaskChange]:
    for old_name, new_name in matched(old, new):
        before = None if old_name is None else old[old_name]
        after = None if new_name is None else new[new_name]
        found = changes(before, after) if before and after else ()
        if found or not before or not after:
            yield TaskChange(old_name, new_name, found, delta(before, after))


def _as_dict(task: TaskChange) -> Json:
    values = [each.as_dict() for each in task.changes]
    names = {"old": task.old_name or None, "new": task.new_name or None}
    return {**names, "changes": values, "delta": task.delta.as_dict()}


def _show(changed: list[TaskChange], total: Delta) -> None:
    screen = Screen()
    if not changed:
        screen.line("no changes")
    for task in changed:
        if task.sign != "~":
            screen.line(f"{task.sign} {task.name} ({task.delta})", task.sign)
            continue
        if task.name:
            screen.line(task.name, "title")
        for change in task.changes:
            screen.line(f"{'  ' if task.name else ''}{change}", change.sign)
    if sum(len(each.changes) or 1 for each in changed) > 1 and str(total):
        screen.line(f"total {total}")
