"""The page of a report, in a real browser: what it contains.

The expected values are what the task itself requests from its cluster.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import attrs
import pytest
from dask.utils import parse_bytes

from flyte_dask.quantities.formatting import duration, in_bytes
from flyte_dask_engine.report.formatting import worker_label
from tests.support import shown
from tests.support.backend import ADDRESS, cluster
from tests.support.browser import Browser, Page, browser, needs_chromium
from tests.support.pages import WIDTHS, alone, pictures, problems, rows_below, tiles, too_wide
from tests.support.runner import CODE, run_task

pytestmark = pytest.mark.once

FONT = "https://fonts.googleapis.com/css?family=Lato:300,400,700%7COpen+Sans:400,700"
"""The font of flytekit's frame around all decks."""

SPILLS_EARLY = {
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "0.05",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
}


@attrs.frozen
class Seen:
    """A session that ended."""

    deck: Path
    expected: dict[str, Any]
    """What its task requested from the cluster."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the code that workers run."""
    made = tmp_path_factory.mktemp("shown")
    (made / "kept_code.py").write_text(shown.CODE)
    return made


@pytest.fixture(scope="module")
def in_pod(folder: Path) -> Seen:
    """A session with a cluster of Flyte's, and with Dask's own report."""
    env = {"PYTHONPATH": f"{CODE['PYTHONPATH']}:{folder}"}
    with cluster(2, memory_limit="512MiB", env={**env, **SPILLS_EARLY}) as started:
        done = run_task(shown.works_in_full, folder, {**env, **started.env})
    return Seen(done.outputs / "deck.html", done.result)


@pytest.fixture(scope="module")
def here(folder: Path) -> Iterator[Seen]:
    """A session on a local cluster in processes."""
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as output:
        patch.delenv(ADDRESS, raising=False)
        patch.syspath_prepend(str(folder))
        for name, value in SPILLS_EARLY.items():
            patch.setenv(name, value)
        call: Any = shown.works
        expected = json.loads(call())
        path = re.search(r"report: file://(\S+)", output.getvalue())
        assert path
        yield Seen(Path(path[1]), expected)
        sys.modules.pop("kept_code")


@pytest.fixture(scope="module", params=["in_pod", "here"])
def seen(request: pytest.FixtureRequest) -> Seen:
    """A session of either kind."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Seen)
    return found


@pytest.fixture(scope="module")
def deck(seen: Seen, chromium: Browser) -> Iterator[Page]:
    """The deck of the session."""
    with chromium.open(seen.deck) as opened:
        yield opened


@needs_chromium
class TestOfASession:
    """The deck of a task with known work."""

    def test_its_deck_requests_flytekits_font_only(self, deck: Page) -> None:
        assert deck.requests == [FONT]
        (problem,) = problems(deck)
        assert problem.endswith(FONT)
        assert "Time by task prefix" in deck.text

    @pytest.mark.parametrize("dark", [False, True])
    @pytest.mark.parametrize("width", WIDTHS)
    def test_the_report_itself_requests_nothing(
        self, width: int, dark: bool, here: Seen, chromium: Browser, tmp_path: Path
    ) -> None:
        path = alone(here.deck.read_text("utf-8"), tmp_path)
        with chromium.open(path, width=width, dark=dark) as opened:
            assert opened.requests == opened.problems == []
            assert too_wide(opened) == []

    def test_its_tasks_are_those_of_the_cluster(self, seen: Seen, deck: Page) -> None:
        of_prefix: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for prefix, state, nbytes in seen.expected["tasks"]:
            of_prefix[prefix][state] += 1
            of_prefix[prefix]["bytes"] += nbytes
        seconds: Counter[str] = Counter()
        for _, prefix, _, took in seen.expected["stream"]:
            seconds[prefix] += took
        rows = rows_below("Time by task prefix", deck)
        found = {name: [good, bad, took, size] for name, good, bad, took, _, _, _, size in rows}
        assert found == {
            prefix: [
                str(each["memory"]),
                str(each["erred"] or ""),
                duration(seconds[prefix]),
                in_bytes(each["bytes"]),
            ]
            for prefix, each in of_prefix.items()
        }
        assert [name for name, *_ in rows] == [name for name, _ in seconds.most_common()]
        figures = tiles(deck)
        assert (figures["tasks finished"], figures["tasks failed"]) == ("27", "2")

    def test_its_workers_are_those_of_the_cluster(self, seen: Seen, deck: Page) -> None:
        ended = Counter((worker, is_good) for worker, _, is_good, _ in seen.expected["stream"])
        on_disk = seen.expected["on disk"]
        rows = rows_below("Workers", deck)
        found = [
            [name, threads, good, bad, limit, spilled]
            for name, threads, _, good, bad, _, _, _, limit, _, spilled in rows
        ]
        assert found == sorted(
            [
                worker_label(str(name)),
                str(threads),
                str(ended[address, True]),
                str(ended[address, False] or ""),
                in_bytes(limit),
                in_bytes(on_disk[address]),
            ]
            for address, (name, threads, limit) in seen.expected["workers"].items()
        )
        assert sum(on_disk.values()) > shown.BLOCK
        assert tiles(deck)["spilled to disk"] == in_bytes(sum(on_disk.values()))

    def test_its_peak_memory_is_at_least_that_of_heartbeats(self, seen: Seen, deck: Page) -> None:
        rows = rows_below("Workers", deck)
        peaks = {name: parse_bytes(peak) for name, _, _, _, _, _, _, peak, *_ in rows}
        for address, memory in seen.expected["memory"].items():
            name, *_ = seen.expected["workers"][address]
            assert peaks[worker_label(str(name))] >= 0.995 * memory  # the page has three digits

    def test_names_of_its_charts_have_the_numbers_of_its_tables(self, deck: Page) -> None:
        """For screen readers."""
        rows = rows_below("Workers", deck)
        expected = {
            "Tasks": [
                f"{name}: {good} finished, {bad or 0} failed, busy {busy} of the time"
                for name, _, _, good, bad, busy, *_ in rows
            ],
            "Memory": [
                f"{name}: peak {peak} of {limit}"
                for name, _, _, _, _, _, _, peak, limit, *_ in rows
            ],
            "CPU time": [
                f"{name}: {cpu} of {uptime}" for name, _, uptime, _, _, _, cpu, *_ in rows
            ],
        }
        names = pictures(deck)
        assert names[:6] == [f"{what} of {text}" for what in expected for text in expected[what]]
        assert [name.split(":")[0] for name in names[6:]] == ["Bytes received", "Bytes spilled"]


@needs_chromium
class TestDasksOwnReport:
    """Shown within ours, if it is requested."""

    def test_it_is_drawn_offline(self, in_pod: Seen, chromium: Browser, tmp_path: Path) -> None:
        path = alone(in_pod.deck.read_text("utf-8"), tmp_path)
        with chromium.open(path) as opened:
            inner = opened.frame(_SHOW)
            assert inner.wait_for(_TABS) == [
                "Summary",
                "Task Stream",
                "System",
                "Scheduler Logs",
                "Worker Profile (compute)",
                "Worker Profile (administrative)",
                "Scheduler Profile (administrative)",
                "Bandwidth (Workers)",
                "Bandwidth (Types)",
            ]
            assert inner.wait_for(_DRAWN)
            assert opened.requests == problems(opened) == []
            assert inner.requests == problems(inner) == []

    def test_its_scripts_cannot_reach_the_page(
        self, in_pod: Seen, chromium: Browser, tmp_path: Path
    ) -> None:
        """Nor what the console around it keeps, such as cookies."""
        path = alone(in_pod.deck.read_text("utf-8"), tmp_path)
        with chromium.open(path) as opened:
            inner = opened.frame(_SHOW)
            assert inner.wait_for(_TABS)
            assert opened.evaluate("""document.querySelector("iframe").contentDocument""") is None
            assert inner.evaluate("origin") == "null"
            for reach in ("parent.document", "top.location = 'about:blank'", *_KEPT):
                attempt = f"(() => {{ try {{ {reach} }} catch (e) {{ return e.name }} }})()"
                assert inner.evaluate(attempt) == "SecurityError", reach
            assert inner.evaluate("open('about:blank')") is None

    def test_it_does_not_show_our_code(self, in_pod: Seen) -> None:
        """Dask's own report would show it."""
        assert in_pod.expected["shows our code"] is True
        deck = in_pod.deck.read_text("utf-8")
        assert "kept_code.py" in deck
        assert shown.SECRET not in deck

    def test_it_needs_bokeh(self, chromium: Browser, tmp_path: Path) -> None:
        """On the scheduler; without it the rest of the report is complete."""
        source = "import sys\nsys.modules['bokeh'] = None\n"
        (tmp_path / "sitecustomize.py").write_text(source)
        env = {"PYTHONPATH": f"{tmp_path}:{CODE['PYTHONPATH']}"}
        with cluster(2, nannies=False, env=env) as started:
            done = run_task(shown.adds_in_full, tmp_path, started.env)
        assert done.result == 3
        with chromium.open(done.outputs / "deck.html") as opened:
            assert rows_below("Time by task prefix", opened)[0][:2] == ["sum", "1"]
            assert opened.text.rstrip().endswith(
                "Dask's performance report\n\n"
                "The scheduler's image has no bokeh: add it with pip install bokeh."
            )


_KEPT = ("document.cookie", "localStorage", "sessionStorage")
_SHOW = """document.querySelector("details").open = true;
    document.querySelector("iframe").scrollIntoView()"""
_ALL = """const all = root => [...root.querySelectorAll("*")].flatMap(
    each => [each, ...(each.shadowRoot ? all(each.shadowRoot) : [])]);
    const tabs = () => all(document).filter(each => each.matches(".bk-tab"));"""
_TABS = f"""(() => {{ {_ALL}
    return tabs().length && tabs().map(each => each.textContent.trim());
}})()"""
_DRAWN = f"""(() => {{ {_ALL}
    tabs().find(each => each.textContent.trim() == "Task Stream").click();
    return all(document).some(each => each.localName == "canvas" && each.checkVisibility());
}})()"""
