"""The graph of tasks in a record: what the scheduler saw, and what is merged of large ones."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dask.delayed import delayed
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask
from flyte_dask_engine.cluster_plugins.coarsening import Row, as_rows, coarsen
from flyte_dask_engine.monitor.task_graphs import task_graph
from flyte_dask_engine.session.session import session
from flyte_dask_records import RecordedTask, TaskGraph, loads
from flyte_dask_sizing.replay.schedule import predict

Recording = Callable[[Callable[[Any], object]], TaskGraph]
"""Runs a function of a client, and returns the graph in its record."""


@pytest.fixture
def graph_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """Records on two workers in threads."""
    monkeypatch.setenv("FLYTE_DASK_RECORD", str(tmp_path))

    def run(function: Callable[[Any], object]) -> TaskGraph:
        with session(Dask(workers=2).with_runtime(local="threads"), "etl") as opened:
            opened.run(lambda: function(opened.client))
        (path,) = tmp_path.iterdir()
        graph = loads(path.read_text("utf-8")).graph
        assert graph is not None
        return graph

    return run


def waits(seconds: float, *_: object) -> bytes:
    """Its result has a thousand bytes."""
    time.sleep(seconds)
    return bytes(1000)


def fails(seconds: float) -> None:
    """Fails after so many seconds."""
    time.sleep(seconds)
    raise LookupError("mine")


@pytest.mark.slow
class TestOfARun:
    """What the recorder in the scheduler keeps."""

    def test_its_tasks(self, graph_of: Recording) -> None:
        """Each with its time, the size of its result, and what it needed."""

        def tree(client: Any) -> None:
            leaves = [delayed(waits)(0.02, each) for each in range(4)]
            pairs = [delayed(waits)(0.03, *leaves[at : at + 2]) for at in (0, 2)]
            client.compute(delayed(len)(pairs)).result()

        graph = graph_of(tree)
        names = [graph.prefixes[each.prefix] for each in graph.tasks]
        needs = [sorted(names[each] for each in task.dependencies) for task in graph.tasks]
        assert sorted(zip(names, needs, strict=True)) == [
            ("len", ["waits", "waits"]),
            *[("waits", [])] * 4,
            *[("waits", ["waits", "waits"])] * 2,
        ]
        assert len({each for task in graph.tasks for each in task.dependencies}) == 6
        for task, needed, name in zip(graph.tasks, needs, names, strict=True):
            least = 0.0 if name == "len" else 0.03 if needed else 0.02
            assert task.seconds >= least * 0.99
            assert (task.number, task.batch) == (1, 0)
            assert (task.nbytes > 1000) == (name == "waits")
        assert graph.omitted == 0

    def test_when_they_arrived(self, graph_of: Recording) -> None:
        """The second computation begins after the first, and what the client does between."""

        def twice(client: Any) -> None:
            client.submit(waits, 0.01, "first").result()
            time.sleep(0.3)
            client.submit(waits, 0.01, "second").result()
            time.sleep(0.2)

        graph = graph_of(twice)
        assert [each.batch for each in graph.tasks] == [0, 1]
        first, second = graph.batches
        assert (first.waits, second.waits) == (True, True)
        assert second.delay >= 0.3 * 0.99
        assert graph.tail >= 0.2 * 0.9

    def test_the_time_of_those_that_failed(self, graph_of: Recording) -> None:
        """It is in no task."""

        def function(client: Any) -> None:
            client.submit(waits, 0.01).result()
            with pytest.raises(LookupError):
                client.submit(fails, 0.05).result()

        graph = graph_of(function)
        assert [graph.prefixes[each.prefix] for each in graph.tasks] == ["waits"]
        assert graph.omitted >= 0.05 * 0.99


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Tasks of some batches and prefixes; each needs some of those before it."""
    made: list[Row] = []
    for number in range(draw(st.integers(1, 60))):
        batch = made[-1].batch + draw(st.integers(0, 1)) if made and number % 20 == 0 else 0
        row = Row(draw(st.integers(0, 2)), max(batch, made[-1].batch if made else 0), (number,))
        row.seconds, row.nbytes = number + 1.0, number
        if made:
            row.dependencies = draw(st.sets(st.integers(0, len(made) - 1), max_size=3))
            row.level = max((made[each].level + 1 for each in row.dependencies), default=0)
        made.append(row)
    return made


class TestMerging:
    """A bounded number of rows stands for all tasks."""

    @given(rows(), st.integers(1, 60))
    def test_nothing_is_lost(self, made: list[Row], most: int) -> None:
        before = [sum(getattr(each, name) for each in made) for name in ("seconds", "nbytes")]
        groups = {(each.batch, each.prefix, each.level) for each in made}
        number = len(made)
        merged, into = coarsen(made, most, 200)
        assert [sum(getattr(each, name) for each in merged) for name in ("seconds", "nbytes")] == (
            before
        )
        assert sum(each.number for each in merged) == number
        assert sorted(set(into)) == list(range(len(merged)))
        assert len(merged) <= most or most < len(groups)
        for place, (*_, needed, _batch, _number) in enumerate(as_rows(merged)):
            assert all(each < place for each in needed)

    @pytest.mark.parametrize("workers", [1, 2, 4, 16])
    def test_a_replay_takes_as_long(self, workers: int) -> None:
        """Of many tasks of different lengths, before and after they were merged."""
        chance = random.Random(7)
        leaves: list[list[Any]] = [
            [0, chance.uniform(0.5, 1.5), chance.randrange(10**6), [], 0, 1] for _ in range(16_000)
        ]
        sums: list[list[Any]] = [
            [1, chance.uniform(0.2, 0.4), 100, list(range(at, at + 8)), 0, 1]
            for at in range(0, len(leaves), 8)
        ]
        found = {
            "prefixes": ["read", "sum"],
            "rows": [*leaves, *sums],
            "batches": [[1.0, 1.0, True, 0.0, 1.0]],
            "began_at": 1.0,
            "last_stop": 1.0,
            "now": 1.0,
            "is_complete": True,
            **dict.fromkeys(("latency", "overhead", "response", "dispatch", "omitted"), 0.0),
            "bandwidth": 1e9,
        }
        whole = [RecordedTask(*each) for each in (*leaves, *sums)]
        merged = task_graph(found, None, None)
        assert merged is not None
        assert len(merged.tasks) <= len(whole) / 2
        expected = predict(TaskGraph(**{**_fields(merged), "tasks": whole}), workers).wall
        assert predict(merged, workers).wall == pytest.approx(expected, rel=0.03)


def _fields(graph: TaskGraph) -> dict[str, Any]:
    return {name: getattr(graph, name) for name in ("prefixes", "batches", "bandwidth")}
