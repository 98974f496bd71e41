"""Pages of the site that are made of files elsewhere in the repository, and links to and from them.

Pages and links are written for the place where the repository is browsed. On the site a link
leads to the page that is made of the file, if there is one; otherwise the file is named instead.
The functions `on_...` are hooks of mkdocs.
"""

from __future__ import annotations

import posixpath
import re
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent

_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)]*)?\)")
_README = ("examples/README.md", "examples/preset_package/README.md")
_EXAMPLES = sorted(path.stem for path in (PROJECT / "examples").glob("*.py"))

PAGES = {
    **{f"{name}.md": f"{name.lower()}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY")},
    "bench/results.md": "benchmarks.md",
    **{readme: readme for readme in _README},
    **{f"examples/{name}.py": f"examples/{name}.md" for name in _EXAMPLES},
}
"""The page of each file outside this folder that has one, both as paths."""

_BOOSTS = {"troubleshooting.md": 4, "changelog.md": 0.5}
"""By how much a page ranks higher in the search, which goes by words; the first has long texts."""

_FILES = {page: file for file, page in PAGES.items()}


def on_files(files: Any, *, config: Any, **_: Any) -> None:
    """Add the pages."""
    # by name, since mkdocs is in the environment only while the site is built
    made = import_module("mkdocs.structure.files").File.generated
    for file, page in PAGES.items():
        files.append(made(config, page, content=text_of(file)))


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Adapt the links of a page to the site, and set its rank in the search."""
    if page.file.src_uri in _BOOSTS:
        page.meta["search"] = {"boost": _BOOSTS[page.file.src_uri]}
    return relinked(markdown, page.file.src_uri)


def text_of(file: str) -> str:
    """The Markdown of a page that is made of *file*; a module's docstring is part of its code."""
    text = (PROJECT / file).read_text(encoding="utf-8")
    if not file.endswith(".py"):
        return text
    return f'# {posixpath.basename(file)}\n\n```python title="{file}"\n{text}```\n'


def relinked(markdown: str, page: str) -> str:
    """The text of *page* with its links as they are on the site."""
    place = posixpath.dirname(_FILES.get(page, f"docs/{page}"))

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if urlsplit(target).scheme:
            return match[0]
        file = posixpath.normpath(posixpath.join(place, target))
        found = file.removeprefix("docs/") if file.startswith("docs/") else PAGES.get(file)
        if found is None:
            return text if file in text else f"{text} (`{file}`)"
        if file.endswith(".py"):
            anchor = ""  # a line
        return f"[{text}]({posixpath.relpath(found, posixpath.dirname(page) or '.')}{anchor})"

    return _LINK.sub(link, markdown)
