"""``flyte-dask check``: errors, policy violations and advice of all Dask tasks, for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import attrs
import click

from flyte_dask.errors.suggestions import listed
from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import counted
from flyte_dask.rules import RULES, SEVERITIES, Severity
from flyte_dask_cli.fixes import Fixed, plan, write
from flyte_dask_cli.loading.collect import Collected, collect
from flyte_dask_cli.options import format_option, targets, task_options
from flyte_dask_cli.rendering.console import Screen
from flyte_dask_cli.rendering.documents import document
from flyte_dask_cli.rendering.findings import finding_text, grouped, not_checked, place_text
from flyte_dask_cli.rendering.rewrites import show_rewrites

__all__ = ["check"]

_DESCRIPTION = """Check Dask tasks for errors, violations of the team's policy, and pitfalls.

TARGETS are modules, files or folders, with :TASK for one task of a file or module. A module that
cannot be imported is an error; all others are checked anyway.

Findings that differ in their tasks only are shown together. Exit codes: 0 without errors, 1 with
errors; --fail-on warning and --fail-on info count less severe findings too.

--fix rewrites amounts that are misspelt in a string, such as 16GB, where the finding suggests the
right spelling. It shows the rewrites as a diff, writes them, and checks again. --diff only shows
them, and exits with 1 if there are any.

\b
  flyte-dask check pipelines
  flyte-dask check pipelines --diff
  flyte-dask check pipelines --fail-on warning --format github
  flyte-dask check acme.etl --file conf/flyte-dask.toml --image ghcr.io/acme/etl:3
"""


@click.command(help=_DESCRIPTION, short_help="Check tasks for errors, policy and pitfalls.")
@targets
@format_option(
    "text", "json", "yaml", "github", text="Choose the output format; github prints annotations."
)
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="error",
    show_default=True,
    help="Fail on findings of this severity, and on more severe ones.",
)
@click.option("--strict", is_flag=True, help="Fail on all findings, as --fail-on info does.")
@click.option("--fix", is_flag=True, help="Rewrite misspelt amounts, then check again.")
@click.option("--diff", is_flag=True, help="Show what --fix would rewrite, and write nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Show each finding of each task.")
@task_options
def check(
    targets: tuple[str, ...],
    notation: str,
    verbose: bool,
    fix: bool,
    diff: bool,
    **options: Any,
) -> int:
    """Print the findings of all tasks and modules."""
    failing = _failing(options.pop("fail_on"), strict=options.pop("strict"))
    if fix and diff:
        raise click.UsageError("--diff writes nothing: omit it, or --fix")
    checked = _checked(targets, options)
    rewrites = plan(checked.found)
    if diff:
        show_rewrites(rewrites)
        return int(bool(rewrites.files))
    if fix:
        show_rewrites(rewrites, err=notation != "text")
        for each in rewrites.files:
            _write(each)
        checked = _checked(targets, options) if rewrites.files else checked
    fixable = 0 if fix else rewrites.number
    if notation == "text":
        _show_text(checked, verbose=verbose, fixable=fixable)
    elif notation == "github":
        _show_github(checked)
    else:
        click.echo(document(_as_dict(checked), notation))
    return int(any(checked.counts[each] for each in failing))


def _write(fixed: Fixed) -> None:
    try:
        write(fixed)
    except OSError as error:
        reason = error.strerror or error
        raise click.ClickException(f"cannot rewrite {fixed.path}: {reason}") from None


def _failing(fail_on: Severity, *, strict: bool) -> tuple[Severity, ...]:
    """The severities that make the command fail."""
    return SEVERITIES[: SEVERITIES.index("info" if strict else fail_on) + 1]


@final
@attrs.frozen
class _Checked:
    """The findings of all tasks and modules."""

    collected: Collected
    found: list[Json]
    counts: Mapping[str, int]
    """The number of findings of each severity."""


def _checked(targets: Sequence[str], options: Mapping[str, Any]) -> _Checked:
    collected = collect("findings", targets, **options)
    found = sorted([*collected.errors, *_findings(collected)], key=_order)
    return _Checked(collected, found, Counter(each["severity"] for each in found))


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


def _show_text(checked: _Checked, *, verbose: bool, fixable: int) -> None:
    screen, found = Screen(), checked.found
    for group in ([each] for each in found) if verbose else grouped(found):
        first = group[0]
        screen.parts(
            (place_text(first), "dim"),
            (first["severity"], first["severity"]),
            (f": {finding_text(group)} [{first['code']}]", None),
        )
        for line in not_checked(first, verbose=verbose):
            screen.line(line, "dim")
        if first["traceback"]:
            screen.line(first["traceback"], "dim")
    screen.line(_summary(checked), "title")
    if fixable:
        screen.line(f"--fix fixes {fixable} of them; --diff shows how", "dim")
    if codes := [*dict.fromkeys(each["code"] for each in found if each["code"] in RULES)]:
        screen.line(f"flyte-dask rules CODE explains a code: {listed(codes)}", "dim")


def _summary(checked: _Checked) -> str:
    collected, counts = checked.collected, checked.counts
    parts = [_counted(counts[each], each) for each in SEVERITIES if counts[each]]
    tasks = counted(collected.number_of_tasks, "Dask task")
    nodes = f" and {counted(number, 'node')}" if (number := collected.number_of_nodes) else ""
    where = f"{tasks}{nodes} in {counted(len(collected.targets), 'module')}"
    return f"{where}: {', '.join(parts) or 'no issues'}"


def _counted(number: int, severity: str) -> str:
    return f"{number} info" if severity == "info" else counted(number, severity)


def _as_dict(checked: _Checked) -> Json:
    collected, counts = checked.collected, checked.counts
    summary = {
        "tasks": collected.number_of_tasks,
        "nodes": collected.number_of_nodes,
        "modules": len(collected.targets),
        **{f"{each}s": counts[each] for each in SEVERITIES},
    }
    return {"version": 1, "findings": checked.found, "summary": summary}


def _show_github(checked: _Checked) -> None:
    """Print workflow commands, which GitHub shows as annotations of the lines."""
    levels = {"error": "error", "warning": "warning", "info": "notice"}
    for each in checked.found:
        place = {"file": each["file"], "line": each["line"]} if each["file"] else {}
        properties = {**place, "title": f"flyte-dask: {each['code']}"}
        text = "\n".join([finding_text([each]), *not_checked(each, verbose=True)])
        joined = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        click.echo(f"::{levels[each['severity']]} {joined}::{_data(text)}")
    click.echo(_summary(checked))


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: object) -> str:
    return _data(str(value)).replace(":", "%3A").replace(",", "%2C")
