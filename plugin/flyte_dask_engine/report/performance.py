"""Dask's own performance report, without the source code that its profiles contain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

__all__ = ["without_source"]

_DOCUMENT = re.compile(r'(<script type="application/json"[^>]*>)(.*?)(</script>)', re.DOTALL)


def without_source(page: str) -> str:
    """*page* with the source lines of profiles blanked.

    Raises:
        ValueError: if the page is not structured as expected.
    """
    stripped, number = _DOCUMENT.subn(_rewritten, page)
    if number != 1:
        raise ValueError(f"a performance report has one document, and this one has {number}")
    return stripped


def _rewritten(match: re.Match[str]) -> str:
    document = json.loads(match[2])
    for columns in _tables(document):
        names = [name for name, _ in columns]
        for column in columns:
            if column[0] == "line":
                column[1] = [""] * _length(columns[names.index("filename")][1])
    return match[1] + json.dumps(document).replace("</", "<\\/") + match[3]


def _tables(part: Any) -> Iterator[list[Any]]:
    """The columns of each table of a profile, as pairs of name and values."""
    if isinstance(part, dict):
        columns = part.get("entries")
        if isinstance(columns, list) and any(_is_source(each) for each in columns):
            yield columns
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _tables(each)


def _is_source(column: Any) -> bool:
    return isinstance(column, list) and len(column) == 2 and column[0] == "line"


def _length(values: Any) -> int:
    if not isinstance(values, list):
        raise ValueError("a profile's file names are not a list")  # noqa: TRY004  # as documented
    return len(values)
