"""``flyte-dask migrate``: what changes for tasks of the official plugin, and what to change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, final

import attrs
import click

from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import counted
from flyte_dask_cli.loading.collect import Collected, collect
from flyte_dask_cli.loading.findings import finding
from flyte_dask_cli.loading.targets import InvalidTargets, path_of
from flyte_dask_cli.mentions import OFFICIAL, Mention, mentions
from flyte_dask_cli.options import format_option, targets, task_options
from flyte_dask_cli.rendering.changes import Change, changes
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import finding_text, not_checked, place_text
from flyte_dask_cli.rendering.snapshots import Snapshot, from_summary
from flyte_dask_cli.repository import project_of

__all__ = ["migrate"]

_DESCRIPTION = """Show what changes for tasks of the official plugin, and what has to change.

For each Dask task: what its pods got from the official plugin, and what they get from this one; the
errors that keep it from being registered; and each line of the project that still installs the
official plugin. It writes nothing. `flyte-dask check --fix` rewrites misspelt amounts.

Exit codes: 0 if nothing has to be changed, 1 otherwise.

\b
  flyte-dask migrate pipelines
  flyte-dask migrate pipelines --format json
"""


@click.command(
    help=_DESCRIPTION, short_help="Show what to change for tasks of the official plugin."
)
@targets
@format_option("text", "json", "yaml")
@task_options
def migrate(targets: tuple[str, ...], notation: str, **options: Any) -> int:
    """Print the changes of all tasks, and what has to change."""
    collected = _collected(targets, options)
    lines = _mentions(targets)
    in_code = any(each.file.suffix == ".py" for each in lines)
    tasks = [_task(each, in_code) for each in collected.tasks if each["node"] is None]
    found = _Migration(collected, tasks, lines)
    if notation == "text":
        _show(found)
    else:
        click.echo(document(_as_dict(found), notation))
    return int(found.has_to_change)


def _collected(targets: Sequence[str], options: Mapping[str, Any]) -> Collected:
    """The tasks of *targets*; those that exist, but have no modules, are errors like others."""
    try:
        return collect("migration", targets, **options)
    except InvalidTargets as error:
        if None in map(path_of, targets):
            raise
        problems = [finding("error", "target", each) for each in error.problems]
        return Collected((), tuple(problems), (), 0)


def _mentions(targets: Sequence[str]) -> Sequence[Mention]:
    """The lines of the repositories of *targets*; modules are in that of the working directory."""
    projects = dict.fromkeys(project_of(path_of(each) or Path.cwd()) for each in targets)
    searched = mentions(projects)
    if not searched.is_complete:
        folders = ", ".join(map(str, projects))
        click.echo(f"flyte-dask: only the first 50,000 files of {folders} were searched", err=True)
    return searched.found


@final
@attrs.frozen
class _Task:
    """One task: what changes for its pods, and its errors."""

    name: str
    file: str
    line: int
    changes: Sequence[Change]
    errors: Sequence[Json]


@final
@attrs.frozen
class _Migration:
    """The tasks, the errors that are no task's own, and the lines that install the package."""

    collected: Collected
    tasks: Sequence[_Task]
    mentions: Sequence[Mention]

    @property
    def errors(self) -> list[Json]:
        """All errors, of modules first."""
        of_tasks = [error for each in self.tasks for error in each.errors]
        return [*self.collected.errors, *of_tasks]

    @property
    def has_to_change(self) -> bool:
        """Whether anything has to be changed."""
        return bool(self.errors or self.mentions)


def _task(serialized: Json, in_code: bool) -> _Task:
    """One task, without errors of which *in_code* has the line that causes them."""
    before, after = (_pods(serialized[name]) for name in ("before", "after"))
    errors = [
        each
        for each in serialized["findings"]
        if each["severity"] == "error" and not (in_code and _installs_official(each))
    ]
    place = serialized["file"], serialized["line"]
    return _Task(serialized["name"], *place, changes(before, after), errors)


def _installs_official(error: Json) -> bool:
    """Whether the *error* is that the specification of an image names the official plugin."""
    return error["code"] == "image-without-flyte-dask" and OFFICIAL in error["remedy"]


def _pods(summary: Json) -> Snapshot:
    """The snapshot of a task without its inheritance mode, by which both differ."""
    return {path: value for path, value in from_summary(summary).items() if path != "inherit"}


def _show(found: _Migration) -> None:
    screen = Screen()
    for task in found.tasks:
        screen.parts((f"{task.file}:{task.line}: ", "dim"), (task.name, "title"))
        if not task.changes:
            screen.line("  its pods stay as they are")
        for change in task.changes:
            screen.line(f"  {change}", change.sign)
    if found.tasks and found.has_to_change:
        screen.line()
    if found.has_to_change:
        screen.line("to change:", "title")
    for error in found.errors:
        screen.parts((place_text(error), "dim"), (finding_text([error]), "error"))
        for line in not_checked(error):
            screen.line(line, "dim")
    for each in found.mentions:
        screen.parts((f"{_relative(each.file)}:{each.line}: ", "dim"), (each.remedy, "error"))
    screen.line()
    screen.line(_summary(found), "title")


def _summary(found: _Migration) -> str:
    changed = sum(bool(each.changes) for each in found.tasks)
    tasks = counted(found.collected.number_of_tasks, "Dask task")
    to_change = len(found.errors) + len(found.mentions)
    return (
        f"{tasks}: {changed} with other pods than before, "
        f"{counted(to_change, 'thing') if to_change else 'nothing'} to change"
    )


def _as_dict(found: _Migration) -> Json:
    tasks = [
        {
            "name": each.name,
            "file": each.file,
            "line": each.line,
            "changes": [change.as_dict() for change in each.changes],
        }
        for each in found.tasks
    ]
    packages = [
        {"file": _relative(each.file), "line": each.line, "text": each.text, "remedy": each.remedy}
        for each in found.mentions
    ]
    return {"version": 1, "tasks": tasks, "errors": found.errors, "packages": packages}


def _relative(file: Path) -> str:
    """*file* from here, if it is below this folder."""
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)
