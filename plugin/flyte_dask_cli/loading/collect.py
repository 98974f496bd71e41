"""The tasks and findings of all targets on the command line, merged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

import attrs
import click

from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.client import Form, Request, Response, request_responses
from flyte_dask_cli.loading.findings import SEVERITIES, finding
from flyte_dask_cli.loading.targets import Target, targets_of
from flyte_dask_cli.options import check_options
from flyte_dask_cli.rendering.progress import Progress

__all__ = ["Collected", "collect"]


_PLATFORM = ("defaults", "limits", "base", "backend")
"""The options of the platform."""

_KEY = ("code", "file", "line", "task", "path", "message")
"""What equal findings have in common."""


@final
@attrs.frozen
class Collected:
    """The tasks of all targets, and the errors that are no task's own findings."""

    tasks: tuple[Json, ...]
    """The tasks that could be serialized, and the nodes with overrides of workflows."""
    errors: tuple[Json, ...]
    """Findings about modules and team files, and about tasks that could not be serialized."""
    targets: tuple[Target, ...]
    failed: int
    """The number of tasks that could not be serialized."""

    @property
    def number_of_tasks(self) -> int:
        """The number of all tasks."""
        return len(self.tasks) - self.number_of_nodes + self.failed

    @property
    def number_of_nodes(self) -> int:
        """The number of nodes that could be serialized."""
        return sum(each["node"] is not None for each in self.tasks)

    def by_name(self) -> Mapping[str, Json]:
        """The tasks by their names.

        Raises:
            click.ClickException: if two tasks have the same name, since their modules have.
        """
        named: dict[str, Json] = {}
        for each in self.tasks:
            other = named.setdefault(each["name"], each)
            if other is not each:
                places = " and ".join(f"{one['file']}:{one['line']}" for one in (other, each))
                raise click.ClickException(
                    f"{each['name']} is defined twice, at {places}: pass one folder at a time"
                )
        return named


def collect(
    form: Form, targets: Sequence[str], traceback: bool, root_dir: str | None, **options: Any
) -> Collected:
    """The tasks and findings of all *targets*, imported from *root_dir*.

    Raises:
        click.UsageError: if a target does not exist, or options exclude each other.
        click.ClickException: if the process that imports modules does not start, or rejects the
            options.
    """
    check_options(**{name: options[name] for name in _PLATFORM})
    found = targets_of(targets, root_dir)
    _note_skipped(found.not_imported)
    with Progress(len(found.modules)) as progress:
        request = Request(form, **options)
        responses = list(request_responses(request, found.modules, progress.update))
    tasks = list(_unique_tasks(responses))
    errors = _merged(responses)
    if not tasks and not errors and form not in {"findings", "migration"}:
        rule = f"no Dask tasks in {', '.join(targets)}"
        errors = [finding("error", "no-task", rule)]
    if not traceback:
        errors = [{**each, "traceback": None} for each in errors]
    failed = sum(each.failed for each in responses)
    return Collected(tuple(tasks), tuple(errors), found.modules, failed)


def _note_skipped(to_pass: Sequence[str]) -> None:
    """Name what was not looked at, on standard error."""
    if not to_pass:
        return
    others = f" and {len(to_pass) - 3} others" if len(to_pass) > 3 else ""
    text = "pyflyte imports no folders without __init__.py that are in a target"
    click.echo(f"flyte-dask: {text}: pass {', '.join(to_pass[:3])}{others} too", err=True)


def _unique_tasks(responses: Iterable[Response]) -> Iterator[Json]:
    """The tasks of all responses, without those that an earlier response has too."""
    seen: set[tuple[object, object]] = set()
    for response in responses:
        new = [each for each in response.tasks if (each["name"], each["file"]) not in seen]
        seen.update((each["name"], each["file"]) for each in new)
        yield from new


def _merged(responses: Iterable[Response]) -> list[Json]:
    """All findings without duplicates, the most severe first, with all modules not checked."""
    merged: dict[tuple[object, ...], Json] = {}
    for response in responses:
        for each in response.findings:
            key = tuple(each[name] for name in _KEY)
            same = merged.setdefault(key, {**each, "not_checked": []})
            same["not_checked"] += [
                module for module in each["not_checked"] if module not in same["not_checked"]
            ]
    return sorted(merged.values(), key=lambda each: SEVERITIES.index(each["severity"]))
