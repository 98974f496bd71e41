"""The history of runs: changes against similar earlier ones, and outliers."""

from __future__ import annotations

import sys
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask_records import InputRecord, Record
from flyte_dask_sizing.history import Run, are_similar, history
from tests.support.processes import run
from tests.support.records import GIB, a_record, a_worker_record


def runs_of(*records: Record) -> list[Run]:
    """The history of *records*, one each hour."""
    hours = (f"2026-11-30T{number:02}:00:00+00:00" for number in range(24))
    timed = [attrs.evolve(each, began=hour) for each, hour in zip(records, hours, strict=False)]
    return history([(str(number), each) for number, each in enumerate(timed)])


def given_rows(rows: int, **fields: Any) -> Record:
    """A run with an input of so many rows."""
    return a_record(inputs=(InputRecord(name="frame", type="DataFrame", rows=rows),), **fields)


class TestChanges:
    """They are against the median of earlier similar runs."""

    def test_of_the_wall_time(self) -> None:
        found = runs_of(*(a_record(wall=wall) for wall in (10.0, 12.0, 11.0, 16.5)))
        assert found[0].changes == {}
        assert [each.earlier for each in found] == [0, 1, 2, 3]
        assert found[3].changes["wall"] == pytest.approx(0.5)
        assert found[3].changes["peak"] == 0

    def test_other_inputs_do_not_count(self) -> None:
        found = runs_of(given_rows(1000), given_rows(2000, wall=20.0), given_rows(1100, wall=11.0))
        assert [each.earlier for each in found] == [0, 0, 1]
        assert found[2].changes["wall"] == pytest.approx(0.1)

    def test_failed_runs_do_not_count(self) -> None:
        found = runs_of(a_record(), a_record(reason="memory", wall=1.0), a_record(wall=20.0))
        assert found[1].changes == {}
        assert found[2].changes["wall"] == pytest.approx(1.0)

    def test_other_tasks_do_not_count(self) -> None:
        found = runs_of(a_record(), a_record(task="etl.other"), a_record())
        assert [(each.record.task, each.earlier) for each in found] == [
            ("etl.other", 0),
            ("etl.total", 0),
            ("etl.total", 1),
        ]

    def test_a_new_config_is_noted(self) -> None:
        found = runs_of(a_record(), a_record(), a_record(config="4567cdef"))
        assert [each.has_new_config for each in found] == [False, False, True]


class TestOutliers:
    """They are far from the median of at least five runs, in robust deviations."""

    def test_one_slow_run(self) -> None:
        walls = (10.0, 10.5, 9.8, 10.2, 40.0, 10.1)
        found = runs_of(*(a_record(wall=wall) for wall in walls))
        assert [[*each.outliers] for each in found] == [[], [], [], [], ["wall"], []]
        assert found[4].outliers["wall"] == pytest.approx(3.94, abs=0.01)

    def test_one_large_run(self) -> None:
        peaks = (1.0, 1.01, 1.02, 1.0, 3.0)
        workers = [a_worker_record(peak=int(peak * GIB)) for peak in peaks]
        found = runs_of(*(a_record(each) for each in workers))
        assert [[*each.outliers] for each in found] == [[], [], [], [], ["peak"]]
        assert found[4].peak_share == pytest.approx(0.75)

    def test_few_runs_have_none(self) -> None:
        found = runs_of(*(a_record(wall=wall) for wall in (10.0, 10.0, 10.0, 90.0)))
        assert not any(each.outliers for each in found)

    def test_differences_that_do_not_matter(self) -> None:
        """Less than a second of wall time, or than a third where all others are the same."""
        short = runs_of(*(a_record(wall=wall) for wall in (0.1, 0.1, 0.1, 0.1, 0.9)))
        near = runs_of(*(a_record(wall=wall) for wall in (10.0, 10.0, 10.0, 10.0, 13.0)))
        assert not any(each.outliers for each in (*short, *near))

    def test_of_what_is_usually_zero(self) -> None:
        found = runs_of(*(a_record(spilled=float(spilled)) for spilled in (0, 0, 0, 0, GIB)))
        assert found[4].outliers == {"spilled": float("inf")}


class TestSimilarRuns:
    """They succeeded in the same kind of place, with inputs of about the same size."""

    @pytest.mark.parametrize(
        ("one", "other", "expected"),
        [
            (100, 100, True),
            (100, 149, True),
            (100, 151, False),
            (0, 0, True),
            (0, 10, False),
            (None, 10, True),
            (-100, -120, True),
            (-100, 100, False),
        ],
    )
    def test_by_a_number(self, one: float | None, other: float | None, expected: bool) -> None:
        first, second = (
            a_record(inputs=(InputRecord(name="n", type="int", value=value),))
            for value in (one, other)
        )
        assert are_similar(first, second) is are_similar(second, first) is expected

    def test_bytes_come_first(self) -> None:
        first, second = (
            a_record(inputs=(InputRecord(name="f", type="File", nbytes=size, rows=1000 // size),))
            for size in (10, 11)
        )
        assert are_similar(first, second)

    def test_inputs_with_other_names_are_not_compared(self) -> None:
        assert are_similar(given_rows(10), a_record())

    def test_local_runs_are_others(self) -> None:
        assert not are_similar(a_record(), a_record(where="threads"))


@given(st.lists(st.floats(0, 1e6), max_size=20))
def test_any_times(walls: list[float]) -> None:
    """No run is missing, and the median run is no outlier."""
    found = runs_of(*(a_record(wall=wall) for wall in walls))
    assert [each.record.wall for each in found] == walls
    assert sum("wall" in each.outliers for each in found) <= len(walls) / 2


def test_very_many_runs() -> None:
    """Each is compared with those around it."""
    many = [(str(number), a_record(run=str(number))) for number in range(2000)]
    assert history(many)[-1].earlier == 100


def test_the_command_needs_neither_dask_nor_an_sdk() -> None:
    code = "import sys, flyte_dask_cli.subcommands.history; print(*sys.modules)"
    done = run(sys.executable, "-c", code)
    assert not {"dask", "distributed", "flytekit", "flyte", "fsspec"} & {*done.stdout.split()}
