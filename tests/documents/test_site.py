"""The documentation's site, as it is built: its pages, their links, and its search, all offline."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from docs.diagrams import DOCS, diagrams
from docs.site_pages import PAGES, relinked, text_of
from tests.support.browser import Browser, Page, browser, needs_chromium
from tests.support.paths import PROJECT
from tests.support.processes import run

pytestmark = [pytest.mark.once, pytest.mark.source]

needs_mkdocs = pytest.mark.skipif(
    find_spec("mkdocs") is None, reason="no mkdocs here: `just docs` installs it"
)


@pytest.mark.parametrize(
    ("page", "written", "shown"),
    [
        ("deck.md", "([measured](../bench/results.md))", "([measured](benchmarks.md))"),
        ("backend.md", "[`tests/a.json`](../tests/a.json)", "`tests/a.json`"),
        ("advice/tiny.md", "[it](../../tests/a.py#L3)", "it (`tests/a.py`)"),
        ("advice/tiny.md", "[it](../team-file.md#policy)", "[it](../team-file.md#policy)"),
        ("deck.md", "[it](failures.md) or [here](#below)", "[it](failures.md) or [here](#below)"),
        ("deck.md", "[it](https://example.org/a#b)", "[it](https://example.org/a#b)"),
        ("deck.md", "![it](images/deck.png)", "![it](images/deck.png)"),
        ("cluster.md", "[it](../CONTRIBUTING.md#releasing)", "[it](contributing.md#releasing)"),
        ("contributing.md", "[it](docs/glossary.md)", "[it](glossary.md)"),
        ("contributing.md", "[README](README.md#try-it)", "README (`README.md`)"),
        ("examples/README.md", "[a](both_sdks.py#L3)", "[a](both_sdks.md)"),
        ("examples/both_sdks.md", "[it](../docs/data.md#layout)", "[it](../data.md#layout)"),
    ],
)
def test_links_lead_to_pages_of_the_site(page: str, written: str, shown: str) -> None:
    """Those to files that have none become their names."""
    assert relinked(written, page) == shown


def test_an_example_is_a_page_with_its_code() -> None:
    code = (PROJECT / "examples" / "both_sdks.py").read_text(encoding="utf-8")
    title = '# both_sdks.py\n\n```python title="examples/both_sdks.py"\n'
    assert text_of("examples/both_sdks.py") == f"{title}{code}```\n"


def test_each_diagram_has_its_picture() -> None:
    """If this fails: run `just diagrams`."""
    found = list(diagrams())
    assert len({each.picture for each in found}) == len(found) >= 2
    for each in found:
        assert (DOCS / each.picture).read_text(encoding="utf-8").startswith(f"{each.mark}\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, in which each link works: otherwise it is not built."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir"]
    done = run(*build, folder, cwd=PROJECT, env={"NO_MKDOCS_2_WARNING": "1"})
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@needs_mkdocs
def test_each_page_is_built(site: Path) -> None:
    sources = [*(path.relative_to(DOCS) for path in DOCS.rglob("*.md")), *map(Path, PAGES.values())]
    pages = {each.with_name(each.name.replace("README", "index")) for each in sources}
    assert [each for each in pages if not (site / each.with_suffix(".html")).exists()] == []


@needs_mkdocs
@needs_chromium
@pytest.mark.parametrize(
    "page",
    [
        *("index.html", "how-it-works.html", "deck.html", "examples/both_sdks.html"),
        *("reference/configuration.html", "changelog.html"),
    ],
)
def test_a_page_needs_no_network(page: str, site: Path, chromium: Browser) -> None:
    with chromium.open(site / page) as opened:
        opened.wait_for("[...document.images].every(each => each.complete && each.naturalWidth)")
        assert opened.problems == []
        assert [each for each in opened.requests if not each.startswith("file:")] == []


@needs_mkdocs
@needs_chromium
@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("Connect call failed", "troubleshooting.html"),
        ("No module named", "troubleshooting.html"),
        ("KilledWorker", "troubleshooting.html"),
        ("inheritance modes", "inheritance.html"),
        ("with_workers", "reference/configuration.html"),
        ("gpu-not-inherited", "advice/gpu-not-inherited.html"),
    ],
)
def test_the_search_works_in_files(text: str, page: str, site: Path, chromium: Browser) -> None:
    """Without a server, where browsers start no workers."""
    with chromium.open(site / "advice" / "index.html") as opened:
        found = _found(opened, text)
        assert any(f"/{page}" in each for each in found[:3]), found
        assert opened.problems == []


def _found(opened: Page, text: str) -> list[str]:
    """The addresses of the pages that a search finds, best first."""
    opened.evaluate(
        f"""(() => {{
            const field = document.querySelector("[data-md-component=search-query]");
            field.focus();
            field.value = {json.dumps(text)};
            field.dispatchEvent(new KeyboardEvent("keyup"));
        }})()"""
    )
    links = "document.querySelectorAll('.md-search-result__item > .md-search-result__link')"
    opened.wait_for(f"{links}.length")
    found = opened.evaluate(f"[...{links}].map(each => each.href)")
    assert isinstance(found, list)
    return found
