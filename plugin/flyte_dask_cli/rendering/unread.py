"""Places of the command line where no record could be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from flyte_dask.errors import clipped
from flyte_dask.quantities.formatting import counted
from flyte_dask_records.collection import Collected, Unread

__all__ = ["found_records"]

_MOST_UNREAD = 20  # that are listed in text


def found_records(found: Collected, *, quiet: bool = False) -> Collected:
    """*found*, after the places without a record were named on standard error, unless *quiet*.

    Raises:
        ClickException: if no place has a record.
    """
    if not found.runs:
        remedy = "pass decks, or the folder that Runtime(record=...) sets"
        text = "\n".join([f"there are no records: {remedy}", *_lines(found.unread)])
        raise click.ClickException(clipped(text))
    for line in () if quiet else _lines(found.unread):
        click.echo(f"flyte-dask: {line}", err=True)
    return found


def _lines(unread: Sequence[Unread]) -> Iterator[str]:
    for each in unread[:_MOST_UNREAD]:
        yield f"cannot read {each.place}: {each.reason}"
    rest = len(unread) - _MOST_UNREAD
    if rest > 0:
        yield f"and {counted(rest, 'more place')} cannot be read"
