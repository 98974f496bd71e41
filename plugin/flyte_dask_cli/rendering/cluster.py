"""A task's cluster for people: its values, where they are set, and its findings."""

from __future__ import annotations

from collections.abc import Iterable

from flyte_dask.explanation.summary import Json
from flyte_dask.explanation.text import HEADERS, others, rows
from flyte_dask_cli.rendering.console import Screen

__all__ = ["show_cluster", "show_findings"]


def show_cluster(screen: Screen, summary: Json) -> None:
    """Print a table of all amounts, then images, settings and the total."""
    screen.table(HEADERS, rows(summary["values"]), titles=2)
    screen.line()
    for text in others(summary["values"]):
        screen.line(text)
    screen.line(f"total: {summary['footprint']['text']}")


def show_findings(screen: Screen, findings: Iterable[Json]) -> None:
    """Print findings, each with its remedy."""
    for each in findings:
        where = f"{each['path']}: " if each["path"] else ""
        screen.parts(
            (f"{each['severity']} {each['code']}", each["severity"]),
            (f": {where}{each['message']}", None),
        )
        if each["remedy"]:
            screen.parts(("  remedy: ", "dim"), (each["remedy"], None))
