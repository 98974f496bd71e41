"""The deck "Dask" of a task, where flytekit and Flyte look for it; locally its path is logged."""

from __future__ import annotations

import asyncio
import gc
import html
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from dask.delayed import delayed
from distributed import Client, default_client
from flyteidl.core.literals_pb2 import LiteralMap
from flytekit import StructuredDataset
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.data_persistence import FileAccessProvider
from flytekit.deck.renderer import PythonDependencyRenderer

from flyte_dask import Dask, InvalidConfig
from flytekitplugins.dask.deck import may_compute
from flytekitplugins.dask.task import DaskTask
from tests.support import reported
from tests.support.backend import Cluster, arguments, cluster, scheduler
from tests.support.faults import kill_workers, run_and_act
from tests.support.paths import PROJECT
from tests.support.processes import run
from tests.support.runner import (
    CODE,
    Done,
    package,
    packaged,
    pod_of,
    run_task,
    template_of,
)

pytestmark = pytest.mark.once

OTHERS = ["Dependencies", "Input", "Output", "Source Code", "Timeline"]
"""Decks that flytekit adds."""

MAPPED = """
import distributed
from flytekit import map_task, task, workflow
from flytekitplugins.dask import Dask


@task(task_config=Dask(workers=2).with_runtime(report=True))
def adds(times: int) -> int:
    client = distributed.default_client()
    return sum(client.gather(client.map(len, ["abc"] * times, pure=False)))


@workflow
def maps(times: list[int]) -> list[int]:
    return map_task(adds)(times=times)
"""


@pytest.fixture(scope="module")
def started() -> Iterator[Cluster]:
    """Two workers."""
    with cluster(workers=2, env=CODE) as made:
        yield made


def tabs(page: str) -> list[str]:
    """The names of a page's decks."""
    return [html.unescape(each) for each in re.findall(r"<li onclick[^>]*>(.*?)</li>", page)]


def headline(page: str) -> str:
    """The headline of the deck."""
    found = re.findall(r"<h1>(.*?)</h1>", page)
    assert len(found) == 1
    return html.unescape(found[0])


def tiles(page: str) -> dict[str, str]:
    """The deck's most important numbers by label."""
    found = re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", page)
    return {html.unescape(label): number for label, number in found}


def seconds(duration: str) -> float:
    """The seconds of a tile such as ``1.2 s``."""
    number, unit = duration.split()
    return float(number) * {"ms": 0.001, "s": 1}[unit]


def deck_of(done: Done) -> str:
    """The page among the outputs of a pod."""
    return (done.outputs / "deck.html").read_text(encoding="utf-8")


class TestOnFlyte:
    """The deck is among the outputs, also of a task that fails."""

    def test_by_the_config(self, started: Cluster, tmp_path: Path) -> None:
        """The deck has no other tabs then."""
        done = run_task(reported.works, tmp_path, started.env)
        page = deck_of(done)
        assert done.result == sum(number**2 for number in range(39))
        assert tabs(page) == ["Dask"]
        assert re.fullmatch(r"2 workers, busy \d+ % of \d+(\.\d)? (ms|s)\.", headline(page))
        assert tiles(page)["tasks finished"] == "40"

    def test_by_enable_deck(self, started: Cluster, tmp_path: Path) -> None:
        page = deck_of(run_task(reported.has_a_deck, tmp_path, started.env))
        assert tabs(page)[0] == "Dask"
        assert sorted(tabs(page)) == ["Dask", *OTHERS]
        assert tiles(page)["tasks finished"] == "40"

    def test_the_session_ends_before_decks_are_rendered(
        self, started: Cluster, tmp_path: Path
    ) -> None:
        """The log and the deck have the same time, which rendering does not add to."""
        done = run_task(reported.is_rendered_slowly, tmp_path, started.env)
        page = deck_of(done)
        assert "19019 with 0 clients" in page
        match = re.search(r"wall time (\d+\.\d) s$", done.logged()[-1][1])
        assert match
        assert float(match[1]) == pytest.approx(seconds(tiles(page)["cluster time"]), abs=0.5)
        assert done.log.index("wall time") < done.log.index(reported.Slow.begins)

    def test_the_session_waits_for_a_collection_to_be_rendered(
        self, started: Cluster, tmp_path: Path
    ) -> None:
        """That may compute."""
        page = deck_of(run_task(reported.returns_a_collection, tmp_path, started.env))
        assert "computed by default-worker-" in page
        assert tiles(page)["tasks finished"] == "1"

    def test_what_may_compute(self) -> None:
        """Collections and futures, also in a structured dataset; looking computes nothing."""
        lazy: Any = delayed(len)("abc")
        with Client(processes=False, dashboard_address="127.0.0.1:0") as client:
            future = client.submit(len, "abc")
            computing = [lazy, future, StructuredDataset(dataframe=lazy)]
            assert [may_compute(each) for each in computing] == [True] * 3
        others = [3, "abc", [3], None, int, StructuredDataset(dataframe=[3])]
        assert [may_compute(each) for each in others] == [False] * 6

    def test_there_is_none_by_default(self, started: Cluster, tmp_path: Path) -> None:
        assert not (
            run_task(reported.has_none, tmp_path, started.env).outputs / "deck.html"
        ).exists()

    def test_others_without_it(self, started: Cluster, tmp_path: Path) -> None:
        page = deck_of(run_task(reported.has_a_deck_without_report, tmp_path, started.env))
        assert sorted(tabs(page)) == OTHERS

    def test_by_the_environment(self, started: Cluster, tmp_path: Path) -> None:
        """The variable overrides the code for one run."""
        with_it = run_task(reported.has_none, tmp_path, {**started.env, "FLYTE_DASK_REPORT": "1"})
        assert tabs(deck_of(with_it)) == ["Dask"]
        folder = tmp_path / "without"
        folder.mkdir()
        without = run_task(reported.has_a_deck, folder, {**started.env, "FLYTE_DASK_REPORT": "0"})
        assert sorted(tabs(deck_of(without))) == OTHERS

    def test_of_a_function_that_fails(self, started: Cluster, tmp_path: Path) -> None:
        """It has the work that was done until then, and the error."""
        done = run_task(reported.fails, tmp_path, started.env)
        page = deck_of(done)
        assert "ZeroDivisionError: division by zero" in done.message
        assert tiles(page)["tasks finished"] == "40"
        assert tiles(page)["tasks failed"] == "1"
        assert "<h2>✕ The task failed: ZeroDivisionError</h2><pre>division by zero</pre>" in page
        assert re.search(r"task failed.*ZeroDivisionError", page)

    @pytest.mark.fault
    def test_of_a_lost_scheduler(self, tmp_path: Path) -> None:
        """It has the metrics from before."""
        with cluster(workers=2, nannies=False, env=CODE) as lost:
            done = run_task(reported.loses_its_scheduler, tmp_path, lost.env)
        page = deck_of(done)
        assert re.findall(r"<h2>✕ The task failed: (.*)</h2>", page) == ["SchedulerLost"]
        assert tiles(page)["tasks finished"] == "40"

    @pytest.mark.fault
    def test_of_lost_workers(self, tmp_path: Path) -> None:
        """It has the times of their loss."""
        with cluster(workers=2, nannies=False, env=CODE) as lost:
            task = reported.loses_its_workers
            done = run_and_act(task, tmp_path, lost.env, lambda _: kill_workers(lost))
        page = deck_of(done)
        assert headline(page).endswith("; workers terminated unexpectedly 2 times.")
        assert "<h2>✕ The task failed: WorkersLost</h2>" in page
        assert tiles(page)["tasks finished"] == "40"
        assert len(re.findall(r"<li><time>.*terminated unexpectedly", page)) == 2

    @pytest.mark.fault
    def test_of_a_cluster_that_never_came(self, tmp_path: Path) -> None:
        """It has the requested resources, and the error."""
        with ExitStack() as stack:
            env = {**scheduler(stack).env, "FLYTE_DASK_WORKER_TIMEOUT": "1"}
            page = deck_of(run_task(reported.works, tmp_path, env))
        assert headline(page) == "There are no metrics of the cluster."
        assert "The cluster was not ready yet." in page
        assert "<h2>✕ The task failed: ClusterUnavailable</h2>" in page
        assert "<h2>Requested resources</h2>" in page

    def test_before_its_end(self, started: Cluster, tmp_path: Path) -> None:
        """``Deck.publish()`` shows what was done so far."""
        done = run_task(reported.publishes, tmp_path, started.env)
        assert tiles(done.result)["tasks finished"] == "40"
        assert tiles(deck_of(done))["tasks finished"] == "80"

    def test_next_to_one_of_the_same_name(self, started: Cluster, tmp_path: Path) -> None:
        """Flytekit shows one deck of each name: the function's keeps its own."""
        page = deck_of(run_task(reported.has_its_own_deck, tmp_path, started.env))
        assert tabs(page) == ["Dask (cluster)", "Dask", "Other"]
        assert "the function's own" in page
        assert tiles(page)["tasks finished"] == "40"

    def test_of_a_mapped_task(self, started: Cluster, tmp_path: Path) -> None:
        """Each of its runs has a deck, although flytekit writes none for it."""
        package(MAPPED, tmp_path, "none")
        (template,) = [each for each in packaged(tmp_path) if ".map_" in each.id.name]
        inputs = LiteralMap()
        for number in (1, 2):
            literal = inputs.literals["times"].collection.literals.add()
            literal.scalar.primitive.integer = number
        path = tmp_path / "inputs.pb"
        path.write_bytes(inputs.SerializeToString())
        pod, env = pod_of(tmp_path, template)
        second = {"BATCH_JOB_ARRAY_INDEX_VAR_NAME": "INDEX", "INDEX": "1"}
        command = arguments(template, path, tmp_path / "outputs")
        done = run(*command, cwd=pod, env={**env, **started.env, **second})
        assert done.returncode == 0, done.stderr
        page = (tmp_path / "outputs" / "deck.html").read_text(encoding="utf-8")
        assert tabs(page) == ["Dask"]
        assert tiles(page)["tasks finished"] == "2"

    def test_a_broken_report_does_not_fail_its_task(self, started: Cluster, tmp_path: Path) -> None:
        """The other decks are there, and the reason is logged."""
        done = run_task(reported.breaks_its_report, tmp_path, started.env)
        page = deck_of(done)
        assert done.result == 1
        assert sorted(tabs(page)) == ["Dask", *OTHERS]
        assert "The report could not be rendered; see the log." in page
        assert "ValueError: no page today" in done.log


class TestTheTemplate:
    """The template announces to Flyte whether there will be a deck."""

    @pytest.mark.parametrize(
        ("task", "has_deck"),
        [
            (reported.works, True),
            (reported.has_a_deck, True),
            (reported.has_a_deck_without_report, True),
            (reported.has_none, False),
        ],
    )
    def test_of_tasks(self, task: Any, has_deck: bool) -> None:
        assert template_of(task).metadata.generates_deck.value is has_deck

    def test_of_nodes(self) -> None:
        """Each node has its own config."""
        with_it: Any = reported.has_none
        without: Any = reported.works
        changed = with_it.variant(Dask(workers=2).with_runtime(report=True))
        plain = without.variant(Dask(workers=2))
        for _ in range(2):  # in either order
            found = [
                template_of(each).metadata.generates_deck.value
                for each in (with_it, changed, without, plain)
            ]
            assert found == [False, True, True, False]

    def test_a_report_without_a_deck_is_rejected(self) -> None:
        expected = (
            "runtime.report   True is shown in the task's deck, which enable_deck=False disables: "
            "omit enable_deck, or use with_runtime(report=False)"
        )
        with pytest.raises(InvalidConfig) as caught:
            DaskTask(Dask().with_runtime(report=True), reported.work, enable_deck=False)
        assert expected in str(caught.value)
        plain = DaskTask(Dask(), reported.work, enable_deck=False)
        with pytest.raises(InvalidConfig) as caught:
            plain.variant(Dask().with_runtime(report=True))
        assert expected in str(caught.value)


class TestLocally:
    """A file, whose path is on standard error."""

    def test_of_a_task_that_succeeds(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert locally(reported.works) == sum(number**2 for number in range(39))
        page = _page(capsys, "tests.support.reported.works")
        assert "Dask" in tabs(page)
        assert "local cluster in threads: " in page
        assert tiles(page)["tasks finished"] == "40"

    def test_of_a_task_that_fails(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(ZeroDivisionError):
            reported.fails()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # of a folder that flytekit leaves
            gc.collect()
        page = _page(capsys, "tests.support.reported.fails")
        assert "<h2>✕ The task failed: ZeroDivisionError</h2>" in page
        assert tiles(page)["tasks failed"] == "1"

    def test_with_decks_that_flytekit_renders_later(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Tasks of outputs count; the cluster is gone when flytekit renders its decks."""
        convert = DaskTask._output_to_literal_map

        async def converts(self: Any, *args: Any) -> Any:
            default_client().submit(sum, [1, 2]).result()
            return await convert(self, *args)

        def rendered(_: object) -> str:
            with pytest.raises(ValueError, match="No clients found"):
                default_client()
            return "rendered later"

        monkeypatch.setattr(DaskTask, "_output_to_literal_map", converts)
        monkeypatch.setattr(PythonDependencyRenderer, "to_html", rendered)
        locally(reported.has_a_deck)
        page = _page(capsys, "tests.support.reported.has_a_deck")
        assert sorted(tabs(page)) == ["Dask", *OTHERS]
        assert "rendered later" in page
        assert tiles(page)["tasks finished"] == "41"

    def test_of_a_coroutine_function(self, capsys: pytest.CaptureFixture[str]) -> None:
        awaits: Any = reported.awaits
        assert asyncio.run(awaits()) == 3
        assert tiles(_page(capsys, "tests.support.reported.awaits"))["tasks finished"] == "1"

    def test_of_each_task_of_a_workflow(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Each page has the deck of its own task only."""
        assert locally(reported.twice) == (3, 6)
        pages = _pages(capsys, "tests.support.reported.adds")
        assert [tabs(page).count("Dask") for page in pages] == [1, 1]
        assert [tiles(page)["tasks finished"] for page in pages] == ["1", "2"]

    def test_of_a_task_that_calls_another(self, capsys: pytest.CaptureFixture[str]) -> None:
        """It has the decks of both."""
        assert locally(reported.calls_another) == sum(number**2 for number in range(39))
        page = _page(capsys, "tests.support.reported.calls_another")
        assert [each for each in tabs(page) if each.startswith("Dask")] == [
            "Dask",
            "Dask: tests.support.reported.adds",
        ]

    def test_next_to_decks_of_the_same_name(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Whichever was there first, all are shown, and the report's is the first tab."""
        locally(reported.has_decks_before)
        page = _page(capsys, "tests.support.reported.has_its_own_deck")
        assert tabs(page) == ["Dask (cluster) (cluster)", "Dask (cluster)", "Dask", "Other"]
        assert "from before" in page
        assert "the function's own" in page
        assert tiles(page)["tasks finished"] == "40"

    @pytest.mark.parametrize("name", ["has_a_deck", "works", "has_a_deck_without_report"])
    def test_is_written_once(self, name: str, tmp_path: Path) -> None:
        """Flytekit's own page of a local run would be a second one."""
        files = FileAccessProvider(tmp_path / "local", str(tmp_path / "raw"))
        context = FlyteContextManager.current_context().with_file_access(files)
        with FlyteContextManager.with_context(context):
            locally(getattr(reported, name))
        assert len([*tmp_path.rglob("deck.html")]) == 1

    def test_where_standard_error_is_closed(self) -> None:
        """The task succeeds; Python's exit status may be that of the closed stream."""
        code = "from tests.support import reported; print(reported.works())"
        done = run("bash", "-c", f"{sys.executable} -c '{code}' 2> >(exec true)", cwd=PROJECT)
        assert done.stdout == "19019\n"

    def test_of_a_mapped_task(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Each of its runs has a deck."""
        assert locally(reported.maps) == [3, 6]
        pages = _pages(capsys, "tests.support.reported.adds")
        assert [tiles(page)["tasks finished"] for page in pages] == ["1", "2"]

    def test_in_a_notebook(self) -> None:
        """Flytekit's context has the deck of the latest task."""
        reported.works()
        context = FlyteContextManager.current_context()
        assert "Dask" in tabs(str(context.get_deck()))


def locally(task: Any) -> Any:
    """Call a task or a workflow."""
    return task()


def _page(capsys: pytest.CaptureFixture[str], task: str) -> str:
    (page,) = _pages(capsys, task)
    return page


def _pages(capsys: pytest.CaptureFixture[str], task: str) -> list[str]:
    """The pages whose paths are on standard error; standard output has none."""
    output = capsys.readouterr()
    assert "report" not in output.out
    urls = re.findall(rf"^{task}: report: (file://\S+)$", output.err, re.MULTILINE)
    return [Path(unquote(urlsplit(url).path)).read_text(encoding="utf-8") for url in urls]
