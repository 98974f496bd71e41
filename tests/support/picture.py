"""The picture of a deck in the documentation; `just picture` takes it of a real task."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.support.backend import cluster
from tests.support.browser import browser
from tests.support.pages import alone
from tests.support.paths import PROJECT
from tests.support.runner import package, packaged, run_packaged

PICTURE = PROJECT / "docs" / "images" / "deck.png"
SOURCE = Path(__file__).with_name("sales.py").read_text(encoding="utf-8")


def main() -> None:
    """Run the pipeline until it fails, and write a picture of its deck."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (template,) = packaged(package(SOURCE, folder, "none"))
        code = {"PYTHONPATH": str(folder / "source")}
        with cluster(5, memory_limit="512Mi", env=code) as started:
            done = run_packaged(folder, template, folder / "outputs", started.env)
        print(done.message)
        deck = alone((done.outputs / "deck.html").read_text(encoding="utf-8"), folder)
        with browser() as chromium, chromium.open(deck, width=1000, height=1090) as page:
            page.screenshot(PICTURE, full_page=False)


if __name__ == "__main__":
    main()
