"""The benchmarks alternate, and measure what they name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.alternating import alternate, cost, ratio, row
from bench.log import WAYS, Way, show
from bench.packaging import KINDS, generate, package, templates
from bench.venvs import Side


def test_sides_take_turns_in_reversed_order_each_time() -> None:
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return len(calls)

    found = alternate(3, lambda: side("ours"), lambda: side("theirs"))
    first, second = ["theirs", "ours"], ["ours", "theirs"]
    assert calls == [*first, *second, *first, *second]
    assert found == [[3, 6, 7], [4, 5, 8]]  # without the warm-up turn


def test_a_ratio_is_the_median_over_turns() -> None:
    assert ratio([1, 30, 5], [1, 10, 10]) == 1


def test_rows() -> None:
    assert row("that", [1, 2, 9], [4, 4, 6]) == (
        "| that | 2.00 s (1.00 to 9.00) | 4.00 s (4.00 to 6.00) | 0.50 |"
    )
    assert row("this", [1200.4], unit="ms") == "| this | 1,200 ms (1,200 to 1,200) | | |"


def test_the_cost_of_a_process() -> None:
    least = cost(sys.executable, "-c", "")
    more = cost(sys.executable, "-c", "held = b'x' * 200_000_000; sum(range(3_000_000))")
    assert more.cpu > least.cpu
    assert more.peak > 190


def test_a_failing_command_is_an_error() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        cost(sys.executable, "-c", "raise SystemExit(1)")


@pytest.mark.once
@pytest.mark.parametrize("kind", KINDS)
def test_generated_projects_are_packaged(kind: str, tmp_path: Path) -> None:
    side = Side("flyte-dask", Path(sys.executable))
    generate(tmp_path, side.name, kind, 60)
    package(side, tmp_path)
    assert templates(tmp_path) == 60


@pytest.mark.once
@pytest.mark.parametrize("way", WAYS, ids=[way.what for way in WAYS])
def test_the_log_of_a_registration_is_read(way: Way, tmp_path: Path) -> None:
    """A line per task, and those of advice."""
    side = Side("flyte-dask", Path(sys.executable))
    generate(tmp_path, side.name, "distinct-advised", 60)
    assert show(side, tmp_path, way).lines > 62


@pytest.mark.parametrize("kind", KINDS)
def test_both_sides_have_the_same_tasks(kind: str, tmp_path: Path) -> None:
    for side in ("flyte-dask", "official"):
        generate(tmp_path / side, side, kind, 120)
    ours, theirs = (
        {
            path.name: [line for line in path.read_text().splitlines() if line.startswith("def ")]
            for path in sorted((tmp_path / side / "pipelines").iterdir())
        }
        for side in ("flyte-dask", "official")
    )
    assert ours == theirs
    assert sum(map(len, ours.values())) == 120
