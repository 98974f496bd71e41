"""Draws the diagrams in documents; `just diagrams`, which needs Chromium and npm.

Mermaid's own JavaScript draws them. It is used here only, so that neither the site nor this
repository contains it.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

from docs.diagrams import DOCS, diagrams
from tests.support.browser import browser

_MERMAID = "mermaid@11.17.2"
_SHA256 = "6ad2f42c3fc26bbf9e45cbb6d11898972573ea52b33a5f4ff51952899f950ffd"
_SCRIPT = "package/dist/mermaid.min.js"
_OPTIONS = {
    "startOnLoad": False,
    "theme": "neutral",
    "htmlLabels": False,  # such labels are not shown in a picture
    "flowchart": {"htmlLabels": False},
    "fontFamily": "Arial, Helvetica, sans-serif",
    "deterministicIds": True,
    "sequence": {"mirrorActors": False, "actorMargin": 20, "width": 110, "messageMargin": 25},
}


def main() -> None:
    """Write the picture of each diagram that has none, or an old one."""
    old = [each for each in diagrams() if not _is_current(DOCS / each.picture, each.mark)]
    with tempfile.TemporaryDirectory() as name:
        page = _page(Path(name))
        with browser() as chromium, chromium.open(page) as opened:
            for number, each in enumerate(old):
                drawn = opened.evaluate(
                    f"mermaid.render('drawn{number}', {json.dumps(each.source)})"
                    ".then(drawn => drawn.svg)"
                )
                picture = _with_size(drawn)
                (DOCS / each.picture).write_text(f"{each.mark}\n{picture}\n", encoding="utf-8")
                print(each.picture)


def _is_current(picture: Path, mark: str) -> bool:
    return picture.exists() and mark in picture.read_text(encoding="utf-8")


def _page(folder: Path) -> Path:
    """A page with Mermaid, whose package npm downloads."""
    command = ["npm", "pack", "--silent", _MERMAID]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    archive = folder / done.stdout.strip()
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
        raise SystemExit(f"{_MERMAID} is not the package that was reviewed")
    with tarfile.open(archive) as tar:
        script = tar.extractfile(_SCRIPT)
        assert script is not None
        (folder / "mermaid.js").write_bytes(script.read())
    page = folder / "page.html"
    start = f"mermaid.initialize({json.dumps(_OPTIONS)})"
    page.write_text(
        '<!doctype html><meta charset="utf-8"><title>Diagrams</title><body>'
        f'<script src="mermaid.js"></script><script>{start}</script>'
    )
    return page


def _with_size(svg: str) -> str:
    """The picture with the size of its view in pixels, instead of all the width that there is."""
    found = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', svg)
    assert found
    return svg.replace('width="100%"', f'width="{found[1]}" height="{found[2]}"', 1)


if __name__ == "__main__":
    main()
