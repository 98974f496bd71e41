"""The looks of a report's page, in a real browser: accessible, and of any size."""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import flyte.report
import pytest
from flytekit import Deck
from flytekit.core.context_manager import FlyteContextManager

from flyte_dask import Dask
from flyte_dask.quantities.formatting import duration
from flyte_dask_engine.cluster_plugins import recorder, sums
from flyte_dask_engine.cluster_plugins.sums import MAX_TEXT
from flyte_dask_engine.monitor.metrics import ClusterMetrics, Event, TaskMetrics
from flyte_dask_engine.report.page import page
from flyte_dask_engine.report.report import Failure
from flyte_dask_engine.report.timelines import LABELS, MARKS
from flytekitplugins.dask.flytekit_internals import deck_page
from tests.support.browser import Browser, browser, needs_chromium
from tests.support.colours import as_seen, contrast, lab
from tests.support.metrics import a_prefix, a_report, a_worker, metrics_of
from tests.support.pages import WIDTHS, opened_alone, pictures, rows_below, too_wide

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


ODD = [
    "<b>bold</b>",
    "<script>window.hacked = 1</script>",
    """"'><img src=x onerror="window.hacked = 1">""",
    "&lt;b&gt; &amp;",
    "</style></section><h1>ours</h1>",
    "{{ 7 * 7 }}",
]
"""Malicious names."""


def busy_metrics(names: list[str], seconds: float = 41.0) -> ClusterMetrics:
    """Metrics with all kinds of events, of workers and prefixes of these names."""
    bins = [0.1] * 80
    workers = [
        a_worker(
            name,
            finished=7,
            failed=number,
            lanes=2,
            busy_bins=bins,
            cpu_bins=bins,
            memory_bins=[2**30] * 80,
            received_bins=bins,
            spilled_bins=bins,
            spans=((1.0, 0.8 * seconds),),
            uptime=seconds,
        )
        for number, name in enumerate(names)
    ]
    events = [
        Event(seconds * number / 7, kind, names[number % len(names)], names[-1])
        for number, kind in enumerate(MARKS)
    ]
    return metrics_of(
        *workers,
        seconds=seconds,
        bin_width=seconds / 80,
        prefixes=[a_prefix(name, nbytes=1000) for name in names],
        ran=99,
        tasks=[
            TaskMetrics(seconds * number / 20, seconds / 9, number % len(names), 0, number)
            for number, _ in enumerate(names)
        ],
        events=events,
        event_counts=Counter(each.kind for each in events),
    )


MANY = [f"kind-{number}" for number in range(9)]


def busy_page() -> str:
    """A page with all that it may have, but Dask's report."""
    report = a_report(
        busy_metrics(MANY),
        failure=Failure("ValueError", "no such column"),
        versions={"dask": {"everywhere": "2026.8.0"}},
    )
    return page(report)


@needs_chromium
class TestLayout:
    """Nothing is cut off, and nothing overlaps."""

    @pytest.mark.parametrize("width", WIDTHS)
    def test_tables_scroll_separately(self, width: int, chromium: Browser, tmp_path: Path) -> None:
        with opened_alone(busy_page(), chromium, tmp_path, width) as opened:
            assert too_wide(opened) == []
            scrolls = opened.evaluate(
                """[...document.querySelectorAll(".scroll")]
                .map(each => each.scrollWidth > each.clientWidth)"""
            )
        assert any(scrolls) == (width < 600)

    @pytest.mark.parametrize("width", WIDTHS)
    def test_times_do_not_overlap(self, width: int, chromium: Browser, tmp_path: Path) -> None:
        """However long the session was."""
        lengths = [0.0004, 0.07, 3, 12, 41, 59, 61, 75, 110, 119, 200, 299, 700, 3000, 3700]
        lengths += [5000, 7100, 9000, 20_000, 40_000, 80_000, 200_000, 900_000, 5_000_000]
        html = [page(a_report(busy_metrics(["0"], float(seconds)))) for seconds in lengths]
        with opened_alone("".join(html), chromium, tmp_path, width) as opened:
            found = opened.evaluate(
                """[...document.querySelectorAll(".axis")].map(axis => {
                    const boxes = [...axis.querySelectorAll(".tick")]
                        .filter(each => each.checkVisibility())
                        .map(each => [each.getBoundingClientRect(), each.textContent]);
                    return boxes.slice(1).filter(([box], at) => box.left < boxes[at][0].right + 2)
                        .map(([_, text]) => text);
                })"""
            )
            assert [each for each in found if each] == []
            assert len(found) == 4 * len(lengths)
            assert too_wide(opened) == []


def in_the_frame_of_flytekit(tabs: dict[str, str]) -> str:
    """The page of flytekit's decks with these tabs, by name."""
    parameters = FlyteContextManager.current_context().user_space_params
    assert parameters is not None
    builder = parameters.with_enable_deck(enable_deck=True)
    builder.decks = [Deck(name, html, auto_add_to_deck=False) for name, html in tabs.items()]
    return deck_page(builder.build())


def in_the_frame_of_flyte(tabs: dict[str, str]) -> str:
    """The page of a report of Flyte 2 with these tabs, by name."""
    made = flyte.report.Report("etl")
    for name, html in tabs.items():
        made.get_tab(name).log(html)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of a file that the SDK leaves open
        return str(made.get_final_report())


@needs_chromium
@pytest.mark.parametrize("framed", [in_the_frame_of_flytekit, in_the_frame_of_flyte])
@pytest.mark.parametrize("dark", [False, True])
class TestInTheFrameOnAPhone:
    """The page among the tabs of an SDK, in a window of 360 pixels."""

    def test_all_tabs_are_within_reach(
        self, dark: bool, framed: Any, chromium: Browser, tmp_path: Path
    ) -> None:
        """Left of the window nothing could be scrolled to."""
        others = ("Timeline", "Source Code", "Dependencies", "Input", "Output")
        path = tmp_path / "deck.html"
        path.write_text(framed({"Dask": busy_page(), **dict.fromkeys(others, "another")}))
        with chromium.open(path, width=360, dark=dark) as opened:
            assert too_wide(opened) == []
            width = opened.evaluate("""document.querySelector("h1").clientWidth""")
            found = opened.evaluate(_TEXTS)
        assert width >= 300
        ours = [each for each in found if each[0] not in {"Dask", "another", *others}]
        assert len(ours) > 100
        assert [each for each in ours if contrast(each[1], each[2]) < 4.5] == []


@needs_chromium
@pytest.mark.parametrize("dark", [False, True])
class TestColours:
    """They have enough contrast, and are distinct for people who are colour-blind."""

    def test_of_texts(self, dark: bool, chromium: Browser, tmp_path: Path) -> None:
        """WCAG's level AA."""
        with opened_alone(busy_page(), chromium, tmp_path, dark=dark) as opened:
            found = opened.evaluate(_TEXTS)
        assert len(found) > 100
        assert [each for each in found if contrast(each[1], each[2]) < 4.5] == []

    def test_of_shapes(self, dark: bool, chromium: Browser, tmp_path: Path) -> None:
        """WCAG's as well, except where numbers and events say the same: busy and absent."""
        with opened_alone(busy_page(), chromium, tmp_path, dark=dark) as opened:
            found = dict(opened.evaluate(_SHAPES))
            panel = opened.evaluate("""getComputedStyle(document.querySelector(".plot"))
                .backgroundColor""")
        assert {*found} == {*OF_PREFIXES, "memory", "cpu", "received", "spilled", "busy", "absent"}
        faint = {kind for kind, colour in found.items() if contrast(colour, panel) < 3}
        assert faint == {"busy", "absent"}

    @pytest.mark.parametrize("sight", ["all", "protanopia", "deuteranopia", "tritanopia"])
    def test_of_prefixes(self, sight: str, dark: bool, chromium: Browser, tmp_path: Path) -> None:
        """A distance of 15 in CIELAB, where 2.3 can just be noticed."""
        with opened_alone(busy_page(), chromium, tmp_path, dark=dark) as opened:
            found = dict(opened.evaluate(_SHAPES))
        places = {kind: lab(as_seen(found[kind], sight)) for kind in OF_PREFIXES}
        alike = [
            (one, other)
            for one, other in combinations(OF_PREFIXES, 2)
            if math.dist(places[one], places[other]) < 15
        ]
        assert alike == []


OF_PREFIXES = ("c0", "c1", "c2", "c3", "c4", "c5", "rest")

_TEXTS = """(() => {
    const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        let at = walker.currentNode.parentElement;
        if (!text || ["style", "script"].includes(at.localName)) continue;
        const colour = getComputedStyle(at).color;
        while (at && getComputedStyle(at).backgroundColor == "rgba(0, 0, 0, 0)") {
            at = at.parentElement;
        }
        const paper = at ? getComputedStyle(at).backgroundColor : "rgb(255, 255, 255)";
        found.push([text, colour, paper]);
    }
    return found;
})()"""
_SHAPES = """[...document.querySelectorAll("svg path")]
    .map(each => [each.getAttribute("class"), getComputedStyle(each).fill])"""


@needs_chromium
class TestWithoutSight:
    """What charts show is in texts too."""

    def test_charts_have_names(self, chromium: Browser, tmp_path: Path) -> None:
        with opened_alone(page(a_report(busy_metrics(["0", "1"]))), chromium, tmp_path) as opened:
            assert pictures(opened) == [
                "Tasks of worker 0: 7 finished, 0 failed, busy 100 % of the time",
                "Tasks of worker 1: 7 finished, 1 failed, busy 100 % of the time",
                "Memory of worker 0: peak 2Gi of 4Gi",
                "Memory of worker 1: peak 2Gi of 4Gi",
                "CPU time of worker 0: 34 s of 32 s",
                "CPU time of worker 1: 34 s of 32 s",
                "Bytes received: peak 0B/s",
                "Bytes spilled: peak 0B/s",
            ]

    def test_events_are_in_a_list(self, chromium: Browser, tmp_path: Path) -> None:
        with opened_alone(page(a_report(busy_metrics(["0", "1"]))), chromium, tmp_path) as opened:
            found = opened.evaluate(
                """[...document.querySelectorAll(".events li")]
                .map(each => each.textContent.split(/\\s+/).join(" "))"""
            )
        assert found == [
            f"{duration(41 * at / 7)} {mark} worker {at % 2} {LABELS[kind]} 1"
            for at, (kind, mark) in enumerate(MARKS.items())
        ]

    def test_it_reads_in_order_without_style(self, chromium: Browser, tmp_path: Path) -> None:
        with opened_alone(busy_page(), chromium, tmp_path) as opened:
            found = opened.evaluate(
                """document.querySelector("style").remove(),
                [...document.querySelectorAll("h1, h2, h3, h4")]
                .map(each => [each.localName, each.innerText])"""
            )
        (first, sentence), *others = found
        assert first == "h1"
        assert sentence.startswith("9 workers, busy ")
        assert others == [
            ["h2", "✕ The task failed: ValueError"],
            ["h2", "Tasks by worker"],
            ["h2", "Memory by worker"],
            ["h2", "CPU by worker"],
            ["h2", "Bytes received and spilled"],
            ["h2", "Time by task prefix"],
            ["h2", "Workers"],
            ["h2", "Events"],
            ["h2", "Requested resources"],
            ["h2", "Versions"],
        ]


@needs_chromium
def test_names_are_escaped(chromium: Browser, tmp_path: Path) -> None:
    """Nothing in them is run."""
    odd = "".join(ODD)
    names_of_code: dict[str, Any] = {"Dask": Dask}
    exec(compile("config = Dask(workers=2)", 'a "<b>&amp;</b>.py', "exec"), names_of_code)
    report = a_report(
        busy_metrics(ODD),
        names_of_code["config"],
        failure=Failure(odd, odd),
        versions={odd: {odd: odd}},
        where=odd,
    )
    report.task = odd
    with opened_alone(page(report), chromium, tmp_path) as opened:
        assert opened.text.count(odd) == 7
        assert 'Dask(...) at a "<b>&amp;</b>.py:1' in opened.text
        for heading in ("Time by task prefix", "Workers"):
            assert sorted(name for name, *_ in rows_below(heading, opened)) == sorted(ODD)
        names = opened.evaluate("""[...document.querySelectorAll(".row:not(.axis) .name")]
            .map(each => each.textContent)""")
        assert sorted(names) == sorted([*ODD * 3, "received", "spilled"])
        assert {
            name for name in ODD for label in pictures(opened) if f"Tasks of {name}:" in label
        } == {*ODD}
        details = opened.evaluate("""[...document.querySelectorAll(".events span, .plot b")]
            .map(each => each.title || each.textContent)""")
        assert len(details) == 2 * len(MARKS)
        assert all(detail.endswith(ODD[-1]) for detail in details)
        assert opened.evaluate("window.hacked") is None
        assert opened.evaluate("""document.querySelectorAll("script, img, h1").length""") == 2
        assert opened.evaluate("document.scripts[0].type") == "application/json"
        assert opened.requests == opened.problems == []


def largest() -> ClusterMetrics:
    """The largest metrics that a recorder can return."""
    awful = ("<&\"'ж€😀" * 300)[:MAX_TEXT]
    bins = [round(0.1234 + number / 7, 4) for number in range(recorder._BINS)]
    workers = [
        a_worker(
            f"{number} {awful}"[: sums._MAX_NAME],
            nthreads=16,
            lanes=16,
            busy_bins=bins,
            cpu_bins=bins,
            memory_bins=[1e9 * each for each in bins],
            received_bins=[1e9 * each for each in bins],
            spilled_bins=[1e9 * each for each in bins],
        )
        for number in range(recorder._MAX_WORKERS)
    ]
    prefixes = [
        a_prefix(
            f"{number}{awful}"[:MAX_TEXT],
            finished=1000,
            seconds={"compute": 1000.0},
            longest_key=awful,
        )
        for number in range(recorder._MAX_PREFIXES)
    ]
    tasks = [
        TaskMetrics(number / 100, 1.2345, number % 40, number % 16, number % len(prefixes))
        for number in range(recorder._MAX_TASKS)
    ]
    events = [
        Event(number / 2, kind, workers[number % 30].name, awful)
        for kind in MARKS
        for number in range(recorder._MAX_EVENTS)
    ]
    return metrics_of(
        *workers,
        bin_width=0.205,
        prefixes=prefixes,
        ran=10**6,
        tasks=tasks,
        unfinished=tasks[: recorder._MAX_UNFINISHED],
        events=events,
        event_counts=dict.fromkeys(MARKS, 10**5),
    )


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        (
            {"running": 1},
            (
                "All tasks are shown: 100 tasks finished or failed. 1 task was still running at "
                "the end."
            ),
        ),
        (
            {"running": 2, "lost": 3},
            (
                "All tasks are shown: 100 tasks finished or failed. 2 tasks were still running at "
                "the end, and 3 task runs were interrupted when the worker stopped."
            ),
        ),
        (
            {"finished": 0, "lost": 1},
            "No task finished. 1 task run was interrupted when the worker stopped.",
        ),
    ],
)
def test_unfinished_tasks_are_shown(prefix: dict[str, Any], expected: str) -> None:
    """With their time, and drawn differently."""
    prefixes = [a_prefix(unfinished=4.0, **prefix)]
    pieces = [TaskMetrics(20.5, 4.0, 0, 0, 0)]
    html = page(a_report(metrics_of(a_worker(), prefixes=prefixes, unfinished=pieces)))
    assert f"<p>{expected}</p>" in html
    assert '<path class="c0 unfinished" d="M500.0 0.08h97.6v.84h-97.6z"/>' in html
    assert '<i class="unfinished"></i>unfinished' in html


def test_a_rare_event_is_listed_however_late() -> None:
    events = [Event(number / 10, "failed", "0", "no") for number in range(50)]
    events.append(Event(40.0, "lost", "0", "with 1 unfinished task"))
    metrics = metrics_of(a_worker(), events=events, event_counts={"failed": 300, "lost": 1})
    html = page(a_report(metrics))
    listed = re.findall(r"<li><time>(.*?)</time> <b>(.)</b>", html)
    assert len(listed) == 50
    assert listed[-1] == ("40 s", MARKS["lost"])
    assert "Only the first 50 of 300 \u201ctask failed\u201d events are marked." in html
    assert "And 251 more." in html


@pytest.mark.parametrize(("ran", "drawn"), [(2, ["10.0h0.6", "100.0h10.0"]), (9, ["100.0h10.0"])])
def test_short_tasks_do_not_look_like_a_busy_worker(ran: int, drawn: list[str]) -> None:
    """Of sampled tasks none is drawn longer than it was: they are in the grey area."""
    tasks = [TaskMetrics(1.0, 0.02, 0, 0, 0), TaskMetrics(10.0, 1.0, 0, 0, 0)]
    html = page(a_report(metrics_of(a_worker(), seconds=100.0, ran=ran, tasks=tasks)))
    assert re.findall(r"M([\d.]+) 0.08(h[\d.]+)", html) == [
        tuple(re.split("(?=h)", each)) for each in drawn
    ]


def test_long_names_of_workers_are_shortened() -> None:
    """Next to charts without their common prefix; the table has the whole names."""
    names = [f"a7x-n0-0-default-worker-{digits}" for digits in ("0a1b2c3d4e", "5f6a7b8c9d")]
    html = page(a_report(metrics_of(*map(a_worker, names))))
    for name in names:
        short = name.rpartition("-")[2]
        assert html.count(f'title="{name}">{short}</span>') == 3
        assert f"<th>{name}</th>" in html


class TestTheLargest:
    """Page, for metrics as large as the recorder can return."""

    def test_it_is_small(self) -> None:
        html = page(a_report(largest(), failure=Failure("ValueError", "<ж" * 2000)))
        assert len(html.encode()) < 1_000_000

    def test_it_says_what_it_omits(self) -> None:
        html = page(a_report(largest()))
        assert "Sampled: the 3,000 longest of 200,000 tasks are shown, which took 2 % of" in html
        assert "40 of 1000 workers are shown" in html
        assert "And 185 more." in html

    @needs_chromium
    @pytest.mark.parametrize("width", WIDTHS)
    def test_it_fits(self, width: int, chromium: Browser, tmp_path: Path) -> None:
        html = page(a_report(largest(), failure=Failure("ValueError", "<ж" * 2000)))
        with opened_alone(html, chromium, tmp_path, width) as opened:
            assert too_wide(opened) == []
            assert opened.problems == []
