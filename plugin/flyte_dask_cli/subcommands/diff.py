"""``flyte-dask diff``: what changes, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from flyte_dask.errors import InvalidConfig
from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.collect import collect, show_errors
from flyte_dask_cli.options import as_json, files_complete, task_options
from flyte_dask_cli.rendering.changes import Delta, TaskChange, changes, delta, matched
from flyte_dask_cli.rendering.console import Screen, json_text
from flyte_dask_cli.rendering.snapshots import (
    Document,
    Kind,
    NoDocument,
    Rendered,
    from_summary,
    of_rendered,
    read,
)

__all__ = ["diff"]

_CHANGED = 2
_RENDERED = (".json", ".yaml", ".yml")
_DESCRIPTION = """What changes from OLD to NEW, each a file that `flyte-dask render` has written, or
- for the standard input, or a module, file or folder of tasks, with :TASK for one of them.

Amounts are compared by what they are: 1000m is 1. Of two modules the pods are compared, as Flyte
will make them; of a rendered file what it has. One task against one task is compared whatever their
names; otherwise they are matched by the names of their functions.

Exit codes: 0 if nothing changes, 2 if something does, 1 if something is wrong.

\b
  flyte-dask diff old/etl.py new/etl.py
  flyte-dask render pipelines --as pods > pods.json
  flyte-dask diff pods.json pipelines
"""


@click.command(help=_DESCRIPTION, short_help="What changes, and what that costs.")
@click.argument("old", shell_complete=files_complete)
@click.argument("new", shell_complete=files_complete)
@task_options
@as_json
def diff(
    old: str,
    new: str,
    traceback: bool,
    as_json: bool,
    **asked: Any,
) -> int:
    """Compare them."""
    try:
        found = _found(old, new, traceback, asked)
    except NoDocument as error:
        raise click.ClickException(str(error)) from None
    except _NoTasks as error:
        if as_json:
            click.echo(json_text({"version": 1, "tasks": [], "errors": error.findings}))
        else:
            show_errors(error.findings)
        return 1
    total = sum((each.delta for each in found), Delta())
    if as_json:
        tasks = [_as_dict(each) for each in found]
        click.echo(
            json_text({"version": 1, "tasks": tasks, "delta": total.as_dict(), "errors": []})
        )
    else:
        _show(found, total)
    return _CHANGED if found else 0


class _NoTasks(Exception):
    """A target without an answer, and why."""

    def __init__(self, findings: Sequence[Json]) -> None:
        super().__init__(findings)
        self.findings = findings


def _found(old: str, new: str, traceback: bool, asked: Mapping[str, Any]) -> list[TaskChange]:
    """What changes."""
    files = {each: read(each) for each in (old, new) if _is_rendered(each)}
    kinds: set[Kind] = {each.kind for each in files.values()}
    if len(kinds) > 1:
        told = " and ".join(f"{path} has {each.kind}" for path, each in files.items())
        raise NoDocument(f"{told}: render both alike")
    kind = next(iter(kinds), None)
    before, after = (
        _documents(each, files[each]) if each in files else _asked(each, kind, traceback, asked)
        for each in (old, new)
    )
    for path, one, other in ((old, before, after), (new, after, before)):
        if "" in one and len(other) != 1:
            raise NoDocument(f"{path}: has one task without a name: name one of the other side")
    return list(_compared(before, after))


def _is_rendered(text: str) -> bool:
    return text == "-" or text.endswith(_RENDERED)


def _documents(path: str, rendered: Rendered) -> dict[str, Document]:
    try:
        return {name: of_rendered(each, rendered.kind) for name, each in rendered.tasks.items()}
    except InvalidConfig as error:
        raise NoDocument(f"{path}: {error}") from None
    except (AttributeError, LookupError, TypeError, ValueError):
        raise NoDocument(f"{path}: is nothing that `flyte-dask render` writes") from None


def _asked(
    target: str, kind: Kind | None, traceback: bool, asked: Mapping[str, Any]
) -> dict[str, Document]:
    """The tasks of *target*, as *kind* has them, or else as they will be."""
    told = collect(kind or "facts", [target], traceback, **asked)
    if told.errors:
        raise _NoTasks(told.errors)
    tasks = told.by_name().items()
    if kind is None:
        return {name: from_summary(each) for name, each in tasks}
    return {name: of_rendered(each["rendered"], kind) for name, each in tasks}


def _compared(old: Mapping[str, Document], new: Mapping[str, Document]) -> Iterator[TaskChange]:
    for old_name, new_name in matched(old, new):
        before = None if old_name is None else old[old_name]
        after = None if new_name is None else new[new_name]
        found = changes(before, after) if before and after else ()
        if found or not before or not after:
            yield TaskChange(old_name, new_name, found, delta(before, after))


def _as_dict(task: TaskChange) -> Json:
    values = [
        {
            "path": each.path,
            "old": _plain(each.old),
            "new": _plain(each.new),
            "delta": each.delta.as_dict(),
        }
        for each in task.changes
    ]
    names = {"old": task.old_name or None, "new": task.new_name or None}
    return {**names, "changes": values, "delta": task.delta.as_dict()}


def _plain(value: object) -> object:
    return value if isinstance(value, (int, float, type(None))) else str(value)


def _show(found: list[TaskChange], total: Delta) -> None:
    screen = Screen()
    if not found:
        screen.line("no change")
    for task in found:
        if task.sign != "~":
            screen.line(f"{task.sign} {task.name} ({task.delta})", task.sign)
            continue
        if task.name:
            screen.line(task.name, "title")
        for change in task.changes:
            screen.line(f"{'  ' if task.name else ''}{change}", change.sign)
    if sum(len(each.changes) or 1 for each in found) > 1 and str(total):
        screen.line(f"in all {total}")
