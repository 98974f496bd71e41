"""Findings as text: one line each, or one for all that differ in their tasks only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import click

from flyte_dask.explanation.summary import Json
from flyte_dask.quantities.formatting import counted

__all__ = ["finding_text", "grouped", "not_checked", "place_text", "show_errors"]

_MOST_LISTED = 3
"""The number of places, or modules, that are listed if not all are."""

_WORDS = ("severity", "code", "path", "message", "remedy", "traceback")
"""What findings of one group have in common."""


def show_errors(errors: Iterable[Json]) -> None:
    """Print findings to standard error."""
    for each in errors:
        click.echo(f"Error: {place_text(each)}{finding_text([each])}", err=True)
        for line in not_checked(each, verbose=True):
            click.echo(line, err=True)
        if each["traceback"]:
            click.echo(each["traceback"], err=True)


def place_text(found: Mapping[str, Any]) -> str:
    """``file:line: `` of a finding; empty if it has none."""
    return f"{_place(found)}: " if found["file"] else ""


def _place(found: Mapping[str, Any]) -> str:
    return f"{found['file']}:{found['line']}"


def grouped(findings: Iterable[Json]) -> Iterator[Sequence[Json]]:
    """*findings* in the order of their first ones, grouped by all but their tasks and places."""
    groups: dict[object, list[Json]] = {}
    for number, each in enumerate(findings):
        words = tuple(each[name] for name in _WORDS)
        key = (*words, each["node"] is None) if each["task"] else number
        groups.setdefault(key, []).append(each)
    yield from groups.values()


def finding_text(group: Sequence[Json]) -> str:
    """The findings of a *group* in one line: tasks, path, message and remedy."""
    found, *others = group
    of = f" ({found['node']['task']})" if found["node"] else ""
    where = [f"{found['task'] or ''}{of}{_others(found, others)}", found["path"]]
    text = ": ".join([*filter(None, where), found["message"]])
    if found["remedy"]:
        # the remedy of advice is code
        text = f"{text}{'' if found['blocking'] else '. Remedy'}: {found['remedy']}"
    return text


def _others(first: Json, others: Sequence[Json]) -> str:
    """``and 4 other tasks (etl.py:7, etl.py:12, ...)``."""
    if not others:
        return ""
    what = counted(len(others), f"other {'node' if first['node'] else 'task'}")
    places = dict.fromkeys(_place(each) for each in others if _place(each) != _place(first))
    return f" and {what} ({_listed([*places])})" if places else f" and {what}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:_MOST_LISTED], *(["..."] if len(texts) > _MOST_LISTED else [])])


def not_checked(found: Json, *, verbose: bool = False) -> Iterator[str]:
    """The modules that were not checked because of a finding, and how they import what failed.

    Not the one in whose file the finding is. Without *verbose* it is the first few.
    """
    modules = [each for each in found["not_checked"] if _is_elsewhere(each, found["file"])]
    shown = modules if verbose else modules[:_MOST_LISTED]
    for each in shown:
        chain = f" ({' -> '.join(each['imports'])})" if each["imports"] else ""
        yield f"  not checked: {each['module']}{chain}"
    if len(shown) < len(modules):
        yield f"  not checked: {len(modules) - len(shown)} others (-v lists them)"


def _is_elsewhere(module: Mapping[str, Any], file: str | None) -> bool:
    """Whether the import of *module* failed outside of its own file."""
    files = {each.rpartition(":")[0] for each in module["imports"]}
    return bool(files - {file})
