"""Records in the pages of decks: a block of data that browsers neither show nor execute."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["data_block", "records_in"]

_ID = "flyte-dask-record"
_BLOCK = re.compile(rf'<script type="application/json" id="{_ID}-[0-9a-f]*">([^<]*)</script>')
_ESCAPED = str.maketrans({each: f"\\u{ord(each):04x}" for each in "<>&"})


def data_block(text: str, run: str) -> str:
    """The element with a record, which is JSON in ASCII, of the *run* with this identifier.

    Only texts in JSON have the characters that HTML would interpret, and there each can be written
    as an escape.
    """
    return f'<script type="application/json" id="{_ID}-{run}">{text.translate(_ESCAPED)}</script>'


def records_in(page: str) -> Iterator[str]:
    """The text of each record in *page*; a deck has one for each task that shows it."""
    return (match[1] for match in _BLOCK.finditer(page))
