"""What all modules that are named on the command line have to tell, together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, final

import attrs
import click

from flyte_dask.explanation.summary import Json
from flyte_dask_cli.loading.client import Answer, Form, Question, ask
from flyte_dask_cli.loading.findings import SEVERITIES, finding
from flyte_dask_cli.loading.targets import NoTarget, Target, targets_of

__all__ = ["Collected", "collect", "finding_text", "place_text", "show_errors"]


@final
@attrs.frozen
class Collected:
    """The tasks of all modules, and what is wrong beside what they tell themselves."""

    tasks: tuple[Json, ...]
    """Those that have an answer."""
    errors: tuple[Json, ...]
    """Findings about modules and team files, and about tasks that have no answer."""
    targets: tuple[Target, ...]
    """The modules that were named."""
    failed: int
    """How many tasks have no answer."""

    def by_name(self) -> Mapping[str, Json]:
        """The tasks by their names.

        Raises:
            click.ClickException: if two have one name, since their modules have.
        """
        named: dict[str, Json] = {}
        for each in self.tasks:
            other = named.setdefault(each["name"], each)
            if other is not each:
                places = " and ".join(f"{one['file']}:{one['line']}" for one in (other, each))
                raise click.ClickException(
                    f"{each['name']} is the name of two tasks, at {places}: name their folders "
                    "one at a time"
                )
        return named


def collect(form: Form, targets: Sequence[str], traceback: bool, **asked: Any) -> Collected:
    """What is asked, of all *targets*.

    Raises:
        click.UsageError: if a target names nothing.
        NoAnswer: if nothing can be asked at all.
    """
    try:
        meant = targets_of(targets)
    except NoTarget as error:
        raise click.UsageError(str(error)) from None
    answers = list(ask(Question(form, **asked), meant))
    tasks = list(_all_tasks(answers))
    errors = _merged(answers)
    if not tasks and not errors and form != "findings":
        rule = f"there is no Dask task in {', '.join(targets)}"
        errors = [{**finding("error", "no-task", rule), "modules": []}]
    if not traceback:
        errors = [{**each, "traceback": None} for each in errors]
    failed = sum(each.failed for each in answers)
    return Collected(tuple(tasks), tuple(errors), tuple(meant), failed)


def _all_tasks(answers: Iterable[Answer]) -> Iterator[Json]:
    """Those of all answers, each once: a task may be meant by two targets."""
    told: set[tuple[object, object]] = set()
    for answer in answers:
        new = [each for each in answer.tasks if (each["name"], each["file"]) not in told]
        told.update((each["name"], each["file"]) for each in new)
        yield from new


def show_errors(errors: Iterable[Json]) -> None:
    """Tell them where errors belong."""
    for each in errors:
        click.echo(f"Error: {place_text(each)}{finding_text(each)}", err=True)
        if each["traceback"]:
            click.echo(each["traceback"], err=True)


def place_text(told: Mapping[str, Any]) -> str:
    """Where it is, before what it is; nothing if that is not known."""
    return f"{told['file']}:{told['line']}: " if told["file"] else ""


def finding_text(told: Mapping[str, Any]) -> str:
    """What is wrong, of what, and the remedy, in one line."""
    where = [told["task"], told["path"]]
    text = ": ".join([*filter(None, where), told["message"]])
    if told["remedy"]:
        # the remedy of advice is code
        text = f"{text}{'' if told['blocking'] else '. Remedy'}: {told['remedy']}"
    return text + _imported_by(told.get("modules", ()), told["file"])


def _imported_by(modules: Sequence[str], file: str | None) -> str:
    """Which of the modules that were asked for it concerns, where that is not clear."""
    if not modules or (len(modules) == 1 and (not file or _is_file_of(modules[0], file))):
        return ""
    others = f" and {len(modules) - 3} others" if len(modules) > 3 else ""
    return f" (imported for {', '.join(modules[:3])}{others})"


def _is_file_of(module: str, file: str) -> bool:
    path = file.removesuffix(".py").removesuffix("/__init__").replace("\\", "/").replace("/", ".")
    return f".{path}".endswith(f".{module}")


def _merged(answers: Iterable[Answer]) -> list[Json]:
    """All findings, each once, with the modules that it is about; the worst first."""
    merged: dict[tuple[object, ...], Json] = {}
    for answer in answers:
        for each in answer.findings:
            same = merged.setdefault(_key(each), {**each, "modules": []})
            if each["code"] == "import" and answer.target.name not in same["modules"]:
                same["modules"].append(answer.target.name)
    return sorted(merged.values(), key=lambda each: SEVERITIES.index(each["severity"]))


def _key(told: Json) -> tuple[object, ...]:
    return tuple(told[name] for name in ("code", "file", "line", "task", "path", "message"))
