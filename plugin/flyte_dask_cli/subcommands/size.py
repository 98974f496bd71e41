"""``flyte-dask size``: the size that past runs of a task suggest, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flyte_dask.errors import short
from flyte_dask.errors.suggestions import did_you_mean, listed
from flyte_dask.explanation.summary import Json
from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import quantity_or_none
from flyte_dask.team_files.discovery import find_for_module
from flyte_dask_cli.loading.collect import collect
from flyte_dask_cli.loading.targets import path_of
from flyte_dask_cli.options import PATH, check_options, format_option, task_options, with_options
from flyte_dask_cli.rendering.changes import TaskChange, matched
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import show_errors
from flyte_dask_cli.rendering.snapshots import from_summary
from flyte_dask_cli.rendering.unread import found_records
from flyte_dask_records.collection import collect as collect_records
from flyte_dask_sizing.options import MIN_RUNS, MOST_WORKERS, PREFERENCES, Options

if TYPE_CHECKING:  # slow to import, and loaded when it is needed
    from flyte_dask_sizing import Bounds, Suggestion

__all__ = ["size"]

_CHANGED = 2
_DESCRIPTION = """Suggest the size of tasks from the records of their runs, and say why.

PATHS are records, decks, or folders of both; local, or URLs that fsspec knows. What is suggested:
the memory and the CPUs of each worker, the number of workers, the scheduler and the runner; with
what it costs, and what other numbers of workers would take. Nothing is suggested from too few runs.

With --module, what a module sets is compared with the suggestion, as in `flyte-dask diff`.

Exit codes: 0, 2 if --module has another size, 1 on errors and if nothing can be suggested.

\b
  flyte-dask size runs --task etl.total
  flyte-dask size runs --what-if 1,2,4,8 --format json
  flyte-dask size runs --module pipelines/etl.py:total
"""


def _counts(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Parse numbers of workers such as ``1,2,4``."""
    texts = value.split(",") if value else []
    if not all(each.strip().isdecimal() and 0 < int(each) <= MOST_WORKERS for each in texts):
        raise click.BadParameter(
            f"{short(value)} must be numbers of workers up to {MOST_WORKERS:,}, such as 1,2,4"
        )
    return tuple(sorted({int(each) for each in texts}))


def _input(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, float] | None:
    """Parse the size of an input such as ``path=10Gi``."""
    if value is None:
        return None
    name, _, text = value.partition("=")
    amount = quantity_or_none(text)
    if not name or amount is None or amount.value <= 0:
        raise click.BadParameter(f"{short(value)} must be NAME=SIZE, such as path=10Gi")
    return name, float(amount.value)


@click.command(help=_DESCRIPTION, short_help="Suggest sizes from past runs.")
@click.argument("paths", nargs=-1, required=True, type=PATH)
@click.option("--task", "name", metavar="NAME", help="Size this task only.")
@click.option(
    "--what-if",
    callback=_counts,
    metavar="NUMBERS",
    help="Predict for these numbers of workers, such as 1,2,4 (default: powers of two).",
)
@click.option(
    "--input",
    callback=_input,
    metavar="NAME=SIZE",
    help="Size for this input: bytes such as path=10Gi, rows, or its own number.",
)
@click.option(
    "--prefer",
    type=click.Choice(PREFERENCES),
    default="balance",
    show_default=True,
    help="Choose the number of workers by the least core-hours, the shortest time, or both.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 1000),
    default=30,
    show_default=True,
    metavar="PERCENT",
    help="Add this much to the peaks of memory.",
)
@click.option(
    "--min-runs",
    type=click.IntRange(1),
    default=MIN_RUNS,
    show_default=True,
    metavar="NUMBER",
    help="Suggest nothing from fewer runs.",
)
@click.option(
    "--as",
    "form",
    type=click.Choice(["code", "preset", "diff"]),
    help="Print only code, the preset of a team file, or the changes to --module.",
)
@click.option("--module", type=PATH, metavar="TARGET", help="Compare with the tasks of a module.")
@task_options
@format_option("text", "json", "yaml")
def size(  # noqa: PLR0913, PLR0917  # one for each option
    paths: tuple[str, ...],
    name: str | None,
    form: str | None,
    module: str | None,
    file: str | None,
    notation: str,
    margin: float,
    traceback: bool,
    **options: Any,
) -> int:
    """Print suggestions for all tasks, or for the one called *name*."""
    if form == "diff" and module is None:
        raise click.UsageError("--as diff needs --module, whose tasks are compared")
    from flyte_dask_sizing import suggest  # noqa: PLC0415  # as above

    bounds = _bounds(file, module, options)
    wanted = {each: options.pop(each) for each in ("what_if", "input", "prefer", "min_runs")}
    asked = Options(margin=margin / 100, **wanted)
    records = [each.record for each in found_records(collect_records(paths)).runs]
    tasks = _selected(sorted({each.task for each in records}), name)
    found = [suggest(each, records, asked, bounds) for each in tasks]
    compared: list[TaskChange] | None = None
    if module is not None:
        collected = collect("summary", [module], traceback, file=file, **options)
        if collected.errors:
            show_errors(collected.errors)
            return 1
        compared = [*_compared(found, collected.by_name())]
    if notation == "text":
        _show(found, form or ("diff" if module else None), compared)
    else:
        click.echo(document(_as_json(found, compared), notation))
    if not any(each.size for each in found):
        return 1
    return _CHANGED if compared and any(each.changes for each in compared) else 0


def _bounds(file: str | None, module: str | None, options: Mapping[str, Any]) -> Bounds:
    """What the platform and the policy allow: of the team file, and of options."""
    from flyte_dask_sizing import Bounds  # noqa: PLC0415  # as above

    given = {each: options[each] for each in ("defaults", "limits", "base", "backend")}
    check_options(**given)
    where = (path_of(module) if module else None) or Path.cwd() / "module.py"
    path = file or find_for_module(where / "module.py" if where.is_dir() else where)
    platform, policy = Platform(), Policy()
    if path:
        from flyte_dask.team_files import read  # noqa: PLC0415  # needs cattrs

        team = read(path)
        platform, policy = team.platform, team.policy
    return Bounds(with_options(platform, **given), policy)


def _selected(tasks: Sequence[str], name: str | None) -> Sequence[str]:
    """The tasks called *name*, in full or by the function; all without one."""
    if name is None:
        return tasks
    found = [each for each in tasks if each == name] or [
        each for each in tasks if each.rpartition(".")[2] == name
    ]
    if not found:
        names = [*tasks, *(each.rpartition(".")[2] for each in tasks)]
        remedy = did_you_mean(name, names) or f"tasks with records: {listed(tasks)}"
        raise click.ClickException(f"{short(name)} has no records of runs: {remedy}")
    return found


def _compared(found: Sequence[Suggestion], tasks: Mapping[str, Json]) -> Iterator[TaskChange]:
    """The changes for each suggestion whose task is one of *tasks*."""
    from flyte_dask_cli.rendering.sizes import change_to  # noqa: PLC0415  # as above

    by_name = {each.task: each for each in found}
    number = 0
    for ours, theirs in matched(tasks, by_name):
        if ours is not None and theirs is not None:
            number += 1
            if by_name[theirs].size is not None:
                yield change_to(by_name[theirs], from_summary(tasks[ours]))
    if not number:
        raise click.ClickException(
            f"no task of the module has records, which are those of {listed([*by_name])}"
        )


def _show(
    found: Sequence[Suggestion], form: str | None, compared: Sequence[TaskChange] | None
) -> None:
    from flyte_dask_cli.rendering.sizes import preset_text, show_size  # noqa: PLC0415  # as above

    screen = Screen()
    if form is None:
        for number, each in enumerate(found):
            if number:
                screen.line()
            show_size(screen, each)
        return
    for each in found:
        if each.size is None or each.code is None:
            click.echo(f"flyte-dask: {each.task}: nothing is suggested:", err=True)
            for reason in each.reasons:
                click.echo(f"  {reason}", err=True)
        elif form == "code":
            screen.line(each.code if len(found) == 1 else f"{each.code}  # {each.task}")
        elif form == "preset":
            screen.line(preset_text(each))
    if form == "diff":
        _show_changes(screen, compared or ())


def _show_changes(screen: Screen, compared: Sequence[TaskChange]) -> None:
    if not any(each.changes for each in compared):
        screen.line("no changes")
    for task in compared:
        if task.changes:
            screen.line(task.name, "title")
        for change in task.changes:
            screen.line(f"  {change}", change.sign)


def _as_json(found: Sequence[Suggestion], compared: Sequence[TaskChange] | None) -> Json:
    """One suggestion alone; several in a list."""
    from flyte_dask_cli.rendering.sizes import as_dict  # noqa: PLC0415  # as above

    tasks = [as_dict(each) for each in found]
    changes = {each.name: [one.as_dict() for one in each.changes] for each in compared or ()}
    tasks = [{**each, "changes": changes.get(each["task"])} for each in tasks]
    if len(tasks) == 1:
        return {"version": 1, **tasks[0]}
    return {"version": 1, "tasks": tasks}
