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

__all__ = ["Collected", "collect", "finding_text", "place_text", "show_errors"]


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
    responses = list(request_responses(Request(form, **options), found.modules))
    tasks = list(_unique_tasks(responses))
    errors = _merged(responses)
    if not tasks and not errors and form != "findings":
        rule = f"no Dask tasks in {', '.join(targets)}"
        errors = [{**finding("error", "no-task", rule), "modules": []}]
    if not traceback:
        errors = [{**each, "traceback": None} for each in errors]
    failed = sum(each.failed for each in responses)
    return Collected(tuple(tasks), tuple(errors), found.modules, failed)


def _note_skipped(folders: Sequence[str]) -> None:
    """Name the folders in which nothing was looked for, on standard error."""
    if not folders:
        return
    others = f" and {len(folders) - 3} others" if len(folders) > 3 else ""
    text = f"without __init__.py pyflyte does not import {', '.join(folders[:3])}{others}"
    click.echo(f"flyte-dask: {text}: add the file, or pass the folder", err=True)


def _unique_tasks(responses: Iterable[Response]) -> Iterator[Json]:
    """The tasks of all responses, without those that an earlier response has too."""
    seen: set[tuple[object, object]] = set()
    for response in responses:
        new = [each for each in response.tasks if (each["name"], each["file"]) not in seen]
        seen.update((each["name"], each["file"]) for each in new)
        yield from new


def show_errors(errors: Iterable[Json]) -> None:
    """Print findings to standard error."""
    for each in errors:
        click.echo(f"Error: {place_text(each)}{finding_text(each)}", err=True)
        if each["traceback"]:
            click.echo(each["traceback"], err=True)


def place_text(found: Mapping[str, Any]) -> str:
    """``file:line: `` of a finding; empty if it has none."""
    return f"{found['file']}:{found['line']}: " if found["file"] else ""


def finding_text(found: Mapping[str, Any]) -> str:
    """A finding in one line: task, path, message and remedy."""
    of = f" ({found['node']['task']})" if found["node"] else ""
    where = [f"{found['task'] or ''}{of}", found["path"]]
    text = ": ".join([*filter(None, where), found["message"]])
    if found["remedy"]:
        # the remedy of advice is code
        text = f"{text}{'' if found['blocking'] else '. Remedy'}: {found['remedy']}"
    return text + _importing(found.get("modules", ()), found["file"])


def _importing(modules: Sequence[str], file: str | None) -> str:
    """The targets whose import failed, unless *file* is the only one of them."""
    if not modules or (len(modules) == 1 and (not file or _is_file_of(modules[0], file))):
        return ""
    others = f" and {len(modules) - 3} others" if len(modules) > 3 else ""
    return f" (while importing {', '.join(modules[:3])}{others})"


def _is_file_of(module: str, file: str) -> bool:
    path = file.removesuffix(".py").removesuffix("/__init__").replace("\\", "/").replace("/", ".")
    return f".{path}".endswith(f".{module}")


def _merged(responses: Iterable[Response]) -> list[Json]:
    """All findings without duplicates, each with its modules, the most severe first."""
    merged: dict[tuple[object, ...], Json] = {}
    for response in responses:
        for each in response.findings:
            key = tuple(each[name] for name in _KEY)
            same = merged.setdefault(key, {**each, "modules": []})
            if each["code"] == "import" and response.target.name not in same["modules"]:
                same["modules"].append(response.target.name)
    return sorted(merged.values(), key=lambda each: SEVERITIES.index(each["severity"]))
