"""Replays of graphs on other numbers of workers: exact schedules, and what always holds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_records import Batch, RecordedTask, TaskGraph
from flyte_dask_sizing.replay.schedule import critical_path, predict, work

Shape = Sequence[tuple[float, Sequence[int]]]
"""The seconds and the dependencies of each task."""


def a_graph(shape: Shape, **fields: float) -> TaskGraph:
    """A graph of tasks that arrive together, without results of any size."""
    tasks = [RecordedTask(0, seconds, 0, tuple(needed), 0) for seconds, needed in shape]
    return TaskGraph(prefixes=("p",), tasks=tasks, batches=(Batch(0.0, waits=True),), **fields)


PAIRS: Shape = [
    (1.0, ()),
    (1.0, ()),
    (1.0, ()),
    (1.0, ()),
    (2.0, (0, 1)),
    (2.0, (2, 3)),
    (3.0, (4, 5)),
]


@pytest.mark.parametrize(
    ("shape", "workers", "wall"),
    [
        ([(1.0, ())] * 6, 1, 6.0),
        ([(1.0, ())] * 6, 2, 3.0),
        ([(1.0, ())] * 6, 4, 2.0),
        ([(1.0, ()), (1.0, (0,)), (1.0, (1,))], 4, 3.0),
        (PAIRS, 1, 11.0),
        (PAIRS, 4, 6.0),
        ([(5.0, ()), *[(1.0, ())] * 5], 2, 5.0),
    ],
)
def test_exact_schedules(shape: Shape, workers: int, wall: float) -> None:
    """Of tasks that need no time but their own."""
    assert predict(a_graph(shape), workers).wall == pytest.approx(wall)


def test_threads_of_a_worker_share_its_tasks() -> None:
    found = predict(a_graph([(1.0, ())] * 8), 2, 2)
    assert found.wall == pytest.approx(2.0)
    assert found.utilization == pytest.approx(1.0)
    assert found.core_hours == pytest.approx(2.0 * 4 / 3600)


def test_the_client_works_between_batches() -> None:
    """And before the first, and after the last one."""
    tasks = [RecordedTask(0, 1.0, 0, (), batch) for batch in (0, 0, 1, 1)]
    batches = (Batch(0.5, waits=True), Batch(2.0, waits=True))
    graph = TaskGraph(prefixes=("p",), tasks=tasks, batches=batches, tail=0.25)
    assert predict(graph, 1).wall == pytest.approx(0.5 + 2 + 2 + 2 + 0.25)
    assert predict(graph, 2).wall == pytest.approx(0.5 + 1 + 2 + 1 + 0.25)


@pytest.mark.parametrize(("workers", "threads"), [(0, 1), (1, 0)])
def test_there_has_to_be_a_thread(workers: int, threads: int) -> None:
    with pytest.raises(ValueError, match=r"worker|thread"):
        predict(a_graph([(1.0, ())]), workers, threads)


@st.composite
def shapes(draw: st.DrawFn) -> Shape:
    """Tasks of whole milliseconds, each of which may need earlier ones."""
    shape: list[tuple[float, Sequence[int]]] = []
    for number in range(draw(st.integers(1, 30))):
        earlier = st.integers(0, max(number - 1, 0))
        needed = draw(st.sets(earlier, max_size=min(3, number)))
        shape.append((draw(st.integers(1, 1000)) / 1000, tuple(sorted(needed))))
    return shape


@given(shapes(), st.integers(1, 8), st.integers(1, 4))
def test_no_schedule_is_faster_than_its_graph_allows(
    shape: Shape, workers: int, threads: int
) -> None:
    """Nor slower than one task after the other."""
    graph = a_graph(shape)
    found = predict(graph, workers, threads)
    assert found.wall >= critical_path(graph) - 1e-6
    assert found.wall >= work(graph) / (workers * threads) - 1e-6
    assert found.wall <= work(graph) + 1e-6
    assert 0 <= found.utilization <= 1


@given(shapes())
def test_one_thread_takes_the_sum(shape: Shape) -> None:
    graph = a_graph(shape)
    assert predict(graph, 1).wall == pytest.approx(work(graph))


@given(shapes(), st.integers(1, 8))
def test_it_is_deterministic(shape: Shape, workers: int) -> None:
    assert predict(a_graph(shape), workers) == predict(a_graph(shape), workers)
