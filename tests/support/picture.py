"""The decks in the documentation; `just picture` takes them of real tasks."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flyteidl.core.tasks_pb2 import TaskTemplate

from tests.support.backend import cluster
from tests.support.browser import browser
from tests.support.pages import alone
from tests.support.paths import DOCS
from tests.support.runner import package, packaged, run_packaged

SOURCE = Path(__file__).with_name("sales.py").read_text(encoding="utf-8")
FAILED, SUCCEEDED = "pipeline.sales", "pipeline.monthly_sales"


def main() -> None:
    """Run both pipelines, and write a picture of each deck, and the page of one that succeeded."""
    images = DOCS / "images"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package(SOURCE, folder, "none")
        templates = {each.id.name: each for each in packaged(folder)}
        _take(_deck(folder / "failed", folder, templates[FAILED]), images / "deck.png")
        deck = _deck(folder / "succeeded", folder, templates[SUCCEEDED])
        _take(deck, images / "deck-succeeded.png")
        page = deck.read_text(encoding="utf-8").replace(f"{folder}/source/", "")
        assert name not in page
        (images / "deck-succeeded.html").write_text(f"{page}\n", encoding="utf-8")


def _deck(here: Path, folder: Path, template: TaskTemplate) -> Path:
    """The report of a task that ran on a cluster of its own."""
    here.mkdir()
    code = {"PYTHONPATH": str(folder / "source")}
    with cluster(5, memory_limit="512Mi", env=code) as started:
        done = run_packaged(folder, template, here / "outputs", started.env)
    return alone((done.outputs / "deck.html").read_text(encoding="utf-8"), here)


def _take(deck: Path, picture: Path) -> None:
    with browser() as chromium, chromium.open(deck, width=1000, height=1090) as page:
        page.screenshot(picture, full_page=False)


if __name__ == "__main__":
    main()
