"""Output for people: tables with rich on a terminal, plain aligned text anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO, final

from flyte_dask.explanation.summary import Json
from flyte_dask.explanation.text import HEADERS, containers, others, rows

if TYPE_CHECKING:  # slow to import, and not needed for pipes
    from rich.console import Console
    from rich.table import Table

__all__ = ["STYLES", "Screen", "show_cluster", "show_findings"]

STYLES = {
    "error": "bold red",
    "warning": "yellow",
    "info": "cyan",
    "title": "bold",
    "dim": "dim",
    "+": "green",
    "-": "red",
    "~": "yellow",
}
_NARROW = 72
"""Width in columns below which tables become paragraphs."""


@final
class Screen:
    """Writes lines and tables to a stream."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stdout if stream is None else stream
        self._console = _console(self._stream)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Write one line in one of `STYLES`; on a terminal it is wrapped between words."""
        self.parts((text, style))

    def parts(self, *parts: tuple[str, str | None]) -> None:
        """Write one line of several parts, each with its style."""
        if self._console is None:
            self._stream.write("".join([*(text for text, _ in parts), "\n"]))
            return
        from rich.text import Text  # noqa: PLC0415  # as above

        styled = [(text, STYLES[style] if style else "") for text, style in parts]
        self._console.print(Text.assemble(*styled))

    def markdown(self, text: str) -> None:
        """Write a Markdown document; on a terminal it is laid out."""
        if self._console is None:
            self._stream.write(text)
            return
        from rich.markdown import Markdown  # noqa: PLC0415  # as above

        self._console.print(Markdown(text, code_theme="ansi_dark"))

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]], titles: int = 1) -> None:
        """Write a table; on a narrow terminal each row becomes a paragraph.

        Args:
            headers: the titles of the columns.
            rows: the cells of each row.
            titles: the number of first cells that are the title of a row; with two, the first is
                not repeated in the rows below.
        """
        listed = [list(map(str, row)) for row in rows]
        if self._console is not None and self._console.width < _NARROW:
            for row in listed:
                self.line(" ".join(row[:titles]), "title")
                self._console.print(_paragraph(headers[titles:], row[titles:]))
            return
        if titles > 1:
            listed = _without_repetition(listed)
        if self._console is not None:
            self._console.print(_rich_table(headers, listed))
            return
        for text in _aligned([list(headers), *listed]):
            self.line(text)


def _paragraph(headers: Sequence[str], cells: Sequence[str]) -> Table:
    """Each cell next to its header, without empty cells."""
    from rich.table import Table  # noqa: PLC0415  # as above
    from rich.text import Text  # noqa: PLC0415  # as above

    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=max(map(len, headers)) + 2, no_wrap=True)
    grid.add_column(overflow="fold")
    for header, cell in zip(headers, cells, strict=True):
        if cell:
            grid.add_row(Text(f"  {header}", STYLES["dim"]), Text(cell))
    return grid


def _without_repetition(rows: list[list[str]]) -> list[list[str]]:
    previous = ["", *(row[0] for row in rows[:-1])]
    return [
        ["" if row[0] == above else row[0], *row[1:]]
        for row, above in zip(rows, previous, strict=True)
    ]


def _rich_table(headers: Sequence[str], rows: list[list[str]]) -> Table:
    from rich import box  # noqa: PLC0415  # as above
    from rich.table import Table  # noqa: PLC0415  # as above
    from rich.text import Text  # noqa: PLC0415  # as above

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def show_cluster(screen: Screen, summary: Json) -> None:
    """Print a table of all amounts, then images, settings and the total."""
    screen.table(HEADERS, rows(summary["values"]), titles=2)
    screen.line()
    for text in (*others(summary["values"]), *containers(summary["pods"])):
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


def _console(stream: TextIO) -> Console | None:
    """The console of a terminal, or where ``FORCE_COLOR`` is set; else None."""
    is_terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    if not is_terminal and not os.environ.get("FORCE_COLOR"):
        return None
    from rich.console import Console  # noqa: PLC0415  # as above

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
