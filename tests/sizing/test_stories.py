"""Worked cases: whole suggestions for runs that are made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from flyte_dask.policy import Policy
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.resources import Resources
from flyte_dask_records import Batch, InputRecord, Record, RecordedTask, TaskGraph, WorkerRecord
from flyte_dask_sizing import Bounds, Options, Suggestion, suggest
from tests.support.runs import GIB, MIB, TASK, input_of, record, worker


def graph(tasks: int, seconds: float, last: float = 0.0) -> TaskGraph:
    """Independent tasks, and one that needs them all."""
    found = [RecordedTask(0, seconds, 1000, (), 0) for _ in range(tasks)]
    if last:
        found.append(RecordedTask(1, last, 8, tuple(range(tasks)), 0))
    return TaskGraph(prefixes=["load", "sum"], tasks=found, batches=[Batch(0.0, waits=True)])


def runs(number: int, *workers: WorkerRecord, **changes: Any) -> list[Record]:
    """Runs that are alike, on successive days."""
    days = range(1, number + 1)
    return [record(*workers, began=f"2026-08-{day:02}T00:00:00Z", **changes) for day in days]


def alike(number: int, **changes: Any) -> list[WorkerRecord]:
    return [worker(str(name), **changes) for name in range(number)]


def amounts(found: Suggestion, role: str = "workers") -> dict[str, str]:
    """The amounts of a role: one, or request and limit."""
    assert found.size is not None, found.reasons
    pairs = getattr(found.size, role).items()
    return {
        name: f"{limit}" if request == limit else f"{request} to {limit}"
        for name, (request, limit) in pairs
    }


def about(path: str, found: Suggestion) -> str:
    """The reasons about *path*, which start with it."""
    return "; ".join(each for each in found.reasons if each.startswith(f"{path}: "))


def test_memory_follows_the_peaks_with_a_margin() -> None:
    found = suggest(TASK, runs(3, *alike(2, limit=16 * GIB, peak=3 * GIB)))
    assert amounts(found)["mem"] == "4Gi"
    assert about("workers.mem", found) == (
        "workers.mem: 4Gi: 95% of workers needed at most 3Gi in 3 runs; a margin of 30% is added"
    )
    doubled = suggest(TASK, runs(3, *alike(2, limit=16 * GIB, peak=3 * GIB)), Options(margin=1.0))
    assert amounts(doubled)["mem"] == "6Gi"


def test_one_worker_of_many_that_needs_more_is_not_paused() -> None:
    """The quantile leaves it out, but its peak must stay below Dask's threshold."""
    workers = [*alike(40, limit=16 * GIB, peak=3 * GIB), worker("x", limit=16 * GIB, peak=6 * GIB)]
    found = suggest(TASK, runs(3, *workers), Options(prefer="time"))
    assert amounts(found)["mem"] == "8Gi"
    assert "the highest peak in 3 runs was 6Gi" in about("workers.mem", found)


def test_what_failed_for_memory_doubles_its_limit() -> None:
    """Whatever other runs needed; without any of these, all else is kept."""
    failed = record(
        *alike(2, peak=int(3.7 * GIB), killed=2), reason="memory", failure="WorkersKilled"
    )
    for others in ([], runs(1), runs(5)):
        found = suggest(TASK, [*others, failed])
        assert amounts(found)["mem"] == "8Gi"
        assert about("workers.mem", found) == (
            "workers.mem: 8Gi: a run failed for lack of memory with 4Gi, which is doubled"
        )
    alone = suggest(TASK, [failed])
    assert alone.confidence == "low"
    assert alone.size is not None
    assert alone.size.number == 2
    assert "all else is kept: no successful run" in about("confidence", alone)


@pytest.mark.parametrize(
    ("changes", "mem", "why"),
    [
        ({"paused": 2}, "6Gi", "a worker with 4Gi paused 2 times"),
        ({"spilled": 3.5 * GIB}, "6Gi", "a worker with 4Gi spilled 3.5Gi to disk"),
        ({"spilled": 90.0 * GIB}, "8Gi", "a worker with 4Gi spilled 90Gi to disk"),
        ({"killed": 1}, "8Gi", "a worker was killed for lack of memory with 4Gi"),
    ],
)
def test_a_shortage_raises_memory(changes: dict[str, Any], mem: str, why: str) -> None:
    found = suggest(TASK, runs(3, *alike(2, **changes)))
    assert amounts(found)["mem"] == mem
    assert why in about("workers.mem", found)


@pytest.mark.parametrize(
    ("threads", "share", "cpu"),
    [
        (4, 0.95, "4"),
        (4, 0.2, "1 to 4"),
        (4, 0.45, "3 to 4"),
        (2, 1.6, "4"),
        (2, 9.0, "4"),
        (1, 0.3, "1"),
    ],
)
def test_cpus_follow_what_busy_threads_use(threads: int, share: float, cpu: str) -> None:
    workers = alike(2, nthreads=threads, cpu=80.0 * share, computed=80.0)
    found = suggest(TASK, runs(3, *workers, graph=graph(200, 0.8)))
    assert amounts(found)["cpu"] == cpu
    assert f"a busy thread used {share:.2g} CPUs" in about("workers.cpu", found)


@pytest.mark.parametrize(
    ("prefer", "number", "rule"),
    [
        ("cost", 2, "the least core-hours"),
        ("balance", 8, "the least product of time and core-hours"),
        ("time", 16, "the fewest workers within 10% of the shortest time"),
    ],
)
def test_the_number_follows_the_parallelism_of_the_graph(
    prefer: Any, number: int, rule: str
) -> None:
    """16 tasks of 10 s, then one of 40 s, on 4 workers of a thread."""
    past = runs(
        3, *alike(4, cpu=40.0, computed=41.0), wall=80.0, startup=0.0, graph=graph(16, 10.0, 40.0)
    )
    found = suggest(TASK, past, Options(prefer=prefer))
    assert found.size is not None
    assert found.size.number == number
    assert rule in about("workers.number_of_workers", found)
    assert "their work could keep 4 threads busy" in about("workers.number_of_workers", found)
    walls = {each.workers: round(each.wall) for each in found.what_if}
    assert walls == {1: 200, 2: 120, 4: 80, 8: 60, 16: 50}


def test_idle_workers_go_and_the_others_hold_their_data() -> None:
    """8 workers for 2 tasks; with a quarter of them each may hold four times as much."""
    past = runs(
        3, *alike(8, cpu=12.0, computed=12.5, peak=1 * GIB), wall=50.0, graph=graph(2, 50.0)
    )
    found = suggest(TASK, past)
    assert found.size is not None
    assert (found.size.number, amounts(found)["mem"]) == (2, "6Gi")
    assert "scaled to 2 workers that may hold the data of more" in about("workers.mem", found)
    assert found.now is not None
    assert found.then is not None
    assert (found.now.pods, found.then.pods) == (10, 4)
    assert found.then.core_hours == pytest.approx(4 * 70 / 3600, rel=0.01)


def test_scheduler_and_runner_follow_their_processes() -> None:
    found = suggest(TASK, runs(4))
    assert amounts(found, "scheduler") == {"cpu": "1", "mem": "512Mi"}
    assert amounts(found, "runner") == {"cpu": "1", "mem": "1Gi"}


def sized(*gibs: float, each: int = 1) -> list[Record]:
    """Runs whose peaks and times grow with an input of so many GiB."""
    return [
        record(
            *alike(
                2, peak=int((0.25 + gib / 4) * GIB), cpu=40 * gib, computed=40 * gib, limit=16 * GIB
            ),
            wall=5 + 50 * gib,
            began=f"2026-08-{number + 1:02}T00:00:00Z",
            inputs=input_of(int(gib * GIB)),
        )
        for number, gib in enumerate(gibs)
        for _ in range(each)
    ]


def test_runs_of_several_inputs_are_scaled_to_the_largest() -> None:
    found = suggest(TASK, sized(1, 2, 4, 8))
    assert amounts(found)["mem"] == "3Gi"
    assert found.scaling is not None
    laws = {name: str(fits[0]) for name, fits in found.scaling.fits.items()}
    assert laws == {
        "worker peak memory": "fixed and linear",
        "task seconds": "linear",
        "wall seconds": "fixed and linear",
    }
    value, low, high = found.scaling.interval("worker peak memory")
    assert value / GIB == pytest.approx(4.25, rel=0.01)
    assert low < value < high


def test_a_larger_input_needs_more_and_is_less_certain() -> None:
    one, other = (
        suggest(TASK, sized(1, 2, 4, 8), Options(input=("path", gib * GIB))) for gib in (8, 32)
    )
    assert amounts(one)["mem"] == "3Gi"
    assert (one.confidence, other.confidence) == ("medium", "low")
    assert amounts(other)["mem"] in {"12Gi", "14Gi"}
    assert other.now is not None
    assert other.now.wall_s == pytest.approx(5 + 50 * 32, rel=0.05)
    assert "for a larger input than any run had" in about("confidence", other)


def test_two_sizes_are_no_law() -> None:
    """Those with the larger input count, if they are enough."""
    enough = suggest(TASK, sized(1, 8, each=3))
    assert amounts(enough)["mem"] == "3Gi"
    assert enough.scaling is None
    mixed = suggest(TASK, [*sized(1, each=3), *sized(8)])
    assert mixed.reasons == [
        (
            "runs: inputs path of 2 sizes are mixed, and needs grow with them: 1 run with the "
            "largest, where 3 are needed, or 3 sizes"
        )
    ]


def test_a_number_that_does_not_order_the_runs_is_no_size() -> None:
    """Such as a seed."""
    past = [
        record(*alike(2, peak=peak * GIB), inputs=(InputRecord(name="seed", type="int", value=at),))
        for at, peak in ((1, 2), (2, 1), (5, 2), (7, 1))
    ]
    found = suggest(TASK, past)
    assert found.scaling is None
    assert amounts(found)["mem"] == "3Gi"


REFUSED: list[tuple[list[Record], list[str]]] = [
    ([], ["no successful run of etl.total with known needs, and 3 are needed"]),
    (runs(2), ["2 successful runs of etl.total with known needs, and 3 are needed"]),
    (
        runs(3, wall=1.5),
        [
            "no successful run of etl.total with known needs, and 3 are needed",
            "3 runs took less than 2 s",
        ],
    ),
    (
        [*runs(2, reason="user", failure="ValueError"), *runs(1, reason="cluster", failure="Lost")],
        [
            "no successful run of etl.total with known needs, and 3 are needed",
            "2 runs failed by an error of its code",
            "1 run failed by a failure of the cluster",
        ],
    ),
    (
        runs(4, where="threads"),
        [
            "no successful run of etl.total with known needs, and 3 are needed",
            "4 runs had all workers in one local process, whose memory is not that of a worker",
        ],
    ),
    (
        runs(3, where="processes", is_to_scale=False),
        [
            "no successful run of etl.total with known needs, and 3 are needed",
            "3 runs had a local cluster of another shape than the config",
        ],
    ),
]


@pytest.mark.parametrize(("past", "reasons"), REFUSED)
def test_nothing_is_guessed(past: Sequence[Record], reasons: list[str]) -> None:
    found = suggest(TASK, past)
    assert (found.size, found.code, found.confidence) == (None, None, "none")
    first, *others = reasons
    assert found.reasons == [f"runs: {first}", *(f"left out: {each}" for each in others)]


@pytest.mark.parametrize(
    ("number", "changes", "confidence"),
    [
        (3, {}, "low"),
        (4, {}, "medium"),
        (8, {}, "high"),
        (8, {"wall": 5.0}, "medium"),
        (8, {"wall": 5.0, "where": "processes"}, "low"),
    ],
)
def test_confidence_follows_the_runs(number: int, changes: dict[str, Any], confidence: str) -> None:
    assert suggest(TASK, runs(number, **changes)).confidence == confidence


def test_limits_of_platform_and_policy_are_named_or_kept() -> None:
    bounds = Bounds(
        Platform(limits=Resources(cpu=16, mem="2Gi")),
        Policy(max_workers=3, total=Resources(mem="8Gi")),
    )
    past = runs(4, *alike(2, peak=3 * GIB), graph=graph(400, 0.4))
    found = suggest(TASK, past, bounds=bounds)
    assert found.size is not None
    assert found.size.number <= 3
    assert about("workers.mem", found).endswith(
        "4Gi is above the platform's limit of 2Gi, to which Flyte clamps it: raise that limit, or "
        "use smaller partitions"
    )
    assert "exceeds the 8Gi allowed by" in about("total.mem", found)


def test_other_resources_are_kept() -> None:
    values = {
        **record().values,
        "workers.requests.gpu": {"value": "1"},
        "workers.limits.gpu": {"value": "1"},
        "workers.requests.ephemeral_storage": {"value": "50Gi"},
        "workers.limits.ephemeral_storage": {"value": "50Gi"},
    }
    found = suggest(TASK, runs(3, values=values))
    assert amounts(found)["gpu"] == "1"
    assert amounts(found)["ephemeral_storage"] == "50Gi"
    assert found.code is not None
    assert 'ephemeral_storage="50Gi"' in found.code


def test_records_without_values_are_sized_by_their_workers() -> None:
    found = suggest(TASK, runs(3, *alike(2, peak=300 * MIB), values={}))
    assert found.present is not None
    assert found.present.number == 2
    assert amounts(found)["mem"] == "512Mi"
