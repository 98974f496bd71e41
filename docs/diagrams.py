"""Mermaid diagrams in documents, as pictures on the site: a hook of mkdocs.

GitHub draws a block of Mermaid itself. On the site, which works offline and without scripts from
elsewhere, `just diagrams` has drawn it as a picture.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs

DOCS = Path(__file__).resolve().parent

_BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Diagram:
    """A block of Mermaid."""

    source: str

    @property
    def title(self) -> str:
        """Its `accTitle`."""
        return self._described("accTitle")

    @property
    def description(self) -> str:
        """Its `accDescr`, which is the text in place of the picture."""
        return self._described("accDescr")

    @property
    def picture(self) -> str:
        """The path of its picture in the folder of documents."""
        name = re.sub(r"\W+", "-", self.title.lower())
        return f"images/{name}.svg"

    @property
    def mark(self) -> str:
        """What its picture contains, as long as it is a picture of this source."""
        return f"<!-- of {hashlib.sha256(self.source.encode()).hexdigest()} -->"

    def _described(self, what: str) -> str:
        (text,) = re.findall(rf"^ *{what}: (.+)$", self.source, re.MULTILINE)
        return str(text)


def diagrams() -> Iterator[Diagram]:
    """All diagrams in documents."""
    for path in sorted(DOCS.rglob("*.md")):
        yield from map(Diagram, _BLOCK.findall(path.read_text(encoding="utf-8")))


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Replace each block by its picture."""
    folder = posixpath.dirname(page.file.src_uri) or "."

    def picture(match: re.Match[str]) -> str:
        diagram = Diagram(match[1])
        return f"![{diagram.description}]({posixpath.relpath(diagram.picture, folder)})"

    return _BLOCK.sub(picture, markdown)
