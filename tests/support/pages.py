"""Reads the pages of reports in a browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.support.browser import Browser, Page

WIDTHS = (1200, 390, 320)
"""Widths of windows in pixels: a desktop's and two phones'."""


def alone(html: str, folder: Path) -> Path:
    """Write a document with only the report in *html*."""
    found = re.search(r'<section class="flyte-dask">.*</section>', html, re.DOTALL)
    assert found
    path = folder / "alone.html"
    start = '<!doctype html><html lang="en"><meta charset="utf-8"><title>A report</title>'
    path.write_text(f'{start}<body style="margin:0">{found[0]}', encoding="utf-8")
    return path


def rows_below(heading: str, opened: Page) -> list[list[str]]:
    """The cells of the table below *heading*, without its header."""
    found = opened.evaluate(
        f"""[...document.querySelectorAll("h2")]
        .find(each => each.textContent == {json.dumps(heading)})
        .nextElementSibling.querySelectorAll("tbody tr").values()
        .map(row => [...row.cells].map(cell => cell.textContent)).toArray()"""
    )
    assert isinstance(found, list)
    return found


def problems(opened: Page) -> list[str]:
    """The page's problems, except Bokeh's own in a frame that is still closed."""
    return [each for each in opened.problems if not each.startswith("[bokeh")]


def tiles(opened: Page) -> dict[str, str]:
    """The numbers at the top, by label."""
    found = opened.evaluate(
        """Object.fromEntries([...document.querySelectorAll(".tiles div")]
        .map(each => ["dt", "dd"].map(name => each.querySelector(name).textContent)))"""
    )
    assert isinstance(found, dict)
    return found


def pictures(opened: Page) -> list[str]:
    """The accessible names of all images; each has the role."""
    number = opened.evaluate("""document.querySelectorAll("svg[role=img]").length""")
    names = [name for role, name in opened.accessible() if role in {"image", "img"}]
    assert len(names) == len({*names}) == number
    assert number == opened.evaluate("""document.querySelectorAll("svg").length""")
    return names


def too_wide(opened: Page) -> list[str]:
    """The elements that cannot be seen without scrolling the whole page to the right."""
    found = opened.evaluate(
        """[...document.querySelectorAll("body *:not(svg *)")]
        .filter(each => !each.closest(".scroll > *"))
        .filter(each => each.getBoundingClientRect().right > innerWidth + .5
            || each.getBoundingClientRect().left < -.5)
        .map(each => `${each.localName}.${each.className}: ${each.textContent.slice(0, 50)}`)
        .concat(document.scrollingElement.scrollWidth > innerWidth ? ["the page"] : [])"""
    )
    assert isinstance(found, list)
    return found


def opened_alone(
    html: str, chromium: Browser, folder: Path, width: int = 1200, dark: bool = False
) -> Page:
    """Open a report without the frame of its deck."""
    return chromium.open(alone(html, folder), width=width, dark=dark)
