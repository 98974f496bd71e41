"""What decks show of collections."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from flyte_dask_engine.collections.written import Written

__all__ = ["page", "shown"]

_Rows = Sequence[tuple[str, str]]


def shown(written: Written) -> str:
    """What was written, as HTML."""
    size = f"{written.bytes / 2**20:,.1f} MiB"
    facts = [("uri", written.uri), ("partitions", f"{written.partitions:,}"), *written.facts]
    return page([*facts, ("size on disk", size)], written.types, written.preview)


def page(facts: _Rows, types: _Rows, preview: str = "") -> str:
    """Facts, types and first rows, as HTML."""
    return "\n".join([_table(facts), _table(types), preview])


def _table(rows: _Rows) -> str:
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{''.join(cells)}</table>"
