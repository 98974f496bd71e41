"""The verdict that a cluster is lost, from snapshots; and the text of each verdict."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, Resources, Runtime, Scheduler, WorkerGroup
from flyte_dask_engine.errors import SchedulerLost, WrongEnvironment
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.snapshot import Death, FullDisk, Offer, Snapshot, Unmet
from flyte_dask_engine.monitor.verdict import Assessment

MIB, GIB = 1024**2, 1024**3

CONFIG = Dask(Scheduler(limits=Resources(mem="4Gi")), WorkerGroup(2, limits=Resources(mem="2Gi")))
SUBJECT = Subject(
    "etl.total",
    "tcp://10.0.0.7:8786",
    {"runner": "acme/task:1", "scheduler": "acme/task:1", "workers": "acme/workers:2"},
    CONFIG.resolve(),
    retries=0,
)
LOOK = "See Flyte's console or `kubectl describe pod` for"
NOT_RETRIED = "The task has retries=0, so it is not retried: set @task(retries=2)."
LAST = (
    "This was attempt 2 of 2, so the task is not retried again: for more attempts set "
    "@task(retries=3)."
)
BEYOND = (
    "This was attempt 2 of a task with retries=0: either the platform ended earlier ones, which do "
    "not count, or a node sets more retries, so Flyte may retry it."
)

DISK = FullDisk("worker-1", "/scratch/worker-1")
ALL_DEATHS = (
    Death("w", is_of_task=True),
    Death("w", 60 * MIB, 4 * GIB, is_of_task=True),
    Death("w", exit=7, is_of_task=True),
    Death("w", exit=-9, is_of_task=True),
    Death("w", exit=-11, is_of_task=True),
    Death("w", error="OSError: x", is_of_task=True),
    Death("w", killed_at=GIB, is_of_task=True),
)

WELL = Snapshot(100 * MIB, workers=2, able=2, waiting=9)
EMPTY = attrs.evolve(WELL, workers=0, able=0)


def verdict_on(*ticks: tuple[float, Snapshot | None], **runtime: Any) -> str | None:
    """The class of the verdict after *ticks*: seconds, and the snapshot of each, if any."""
    assessment = Assessment(
        Runtime(**{"stall_timeout": 10, "scheduler_timeout": 5, **runtime}), SUBJECT
    )
    for seconds, snapshot in ticks:
        if snapshot is not None:
            assessment.observe(snapshot)
        assessment.tick(seconds, has_response=snapshot is not None)
    return None if assessment.verdict is None else type(assessment.verdict).__name__


class TestVerdict:
    """The verdict after some ticks."""

    def test_of_a_healthy_cluster(self) -> None:
        assert verdict_on(*[(1, WELL)] * 1000) is None

    def test_of_an_unresponsive_scheduler(self) -> None:
        assert verdict_on((1, WELL), *[(1, None)] * 4) is None
        assert verdict_on((1, WELL), *[(1, None)] * 5) == "SchedulerLost"
        assert verdict_on(*[(1, None)] * 5) == "SchedulerLost"

    def test_of_a_scheduler_that_responds_again(self) -> None:
        assert verdict_on(*[(1, None), (1, None), (1, None), (1, None), (1, WELL)] * 9) is None

    def test_of_work_without_workers(self) -> None:
        assert verdict_on(*[(1, EMPTY)] * 9) is None
        assert verdict_on(*[(1, EMPTY)] * 10) == "WorkersLost"

    def test_of_work_without_workers_for_a_while(self) -> None:
        assert verdict_on(*[*[(1, EMPTY)] * 9, (1, WELL)] * 9) is None

    def test_of_no_work_without_workers(self) -> None:
        assert verdict_on(*[(1, attrs.evolve(EMPTY, waiting=0))] * 1000) is None

    def test_of_work_that_paused_workers_finish(self) -> None:
        assert verdict_on(*[(1, attrs.evolve(WELL, able=1))] * 1000) is None
        assert verdict_on(*[(1, attrs.evolve(WELL, able=0))] * 10) == "WorkersLost"

    def test_of_work_that_no_worker_may_do(self) -> None:
        """Each task counts by itself, and only while there are workers."""
        first, second = (Unmet(key, (), {"GPU": 1}, (), 0) for key in "ab")
        stuck = attrs.evolve(WELL, unmet=(first, second), offers=(Offer("w", "tcp://w", {}),))
        other = attrs.evolve(stuck, unmet=(second,))
        assert verdict_on(*[(1, stuck)] * 9) is None
        assert verdict_on(*[(1, stuck)] * 10) == "NoValidWorker"
        assert verdict_on(*[(1, stuck)] * 9, (1, WELL), *[(1, stuck)] * 9) is None
        assert verdict_on(*[(1, stuck)] * 5, *[(1, other)] * 5) == "NoValidWorker"
        nobody = attrs.evolve(EMPTY, unmet=(first,))
        assert verdict_on(*[(1, nobody)] * 10) == "WorkersLost"

    def test_of_work_whose_workers_were_lost_or_are_paused(self) -> None:
        """The cluster failed then, not the code."""
        lost = attrs.evolve(WELL, unmet=(Unmet("a", ("w",), {}, ("w",), 0),))
        paused = attrs.evolve(WELL, unmet=(Unmet("a", ("w",), {}, (), 1),))
        assert verdict_on(*[(1, lost)] * 10) == "WorkersLost"
        assert verdict_on(*[(1, paused)] * 10) == "WorkersLost"

    def test_an_unresponsive_scheduler_is_not_a_stall(self) -> None:
        """Work that was stalled at the last response may continue."""
        assert verdict_on((1, EMPTY), *[(1, None)] * 100, scheduler_timeout=None) is None

    @given(st.lists(st.tuples(st.floats(0, 1e6), st.none() | st.sampled_from([WELL, EMPTY]))))
    def test_never_is_never(self, ticks: list[tuple[float, Snapshot | None]]) -> None:
        assert verdict_on(*ticks, stall_timeout=None, scheduler_timeout=None) is None

    def test_of_another_scheduler(self) -> None:
        assessment = Assessment(Runtime(), SUBJECT)
        assessment.observe_replacement()
        assert type(assessment.verdict) is SchedulerLost

    def test_of_workers_that_cannot_read(self) -> None:
        unreadable = attrs.evolve(WELL, unreadable=(("worker-1", "ModuleNotFoundError: x"),))
        assert verdict_on((1, unreadable)) == "WrongEnvironment"

    def test_the_first_one_stays(self) -> None:
        assert verdict_on(*[(1, EMPTY)] * 10, *[(1, None)] * 10) == "WorkersLost"

    def test_of_versions(self) -> None:
        def check(name: str, versions: Any) -> WrongEnvironment | None:
            return WrongEnvironment(name) if versions["python"] == "3.9" else None

        assessment = Assessment(Runtime(), SUBJECT)
        assessment.version_check = check
        assessment.observe(attrs.evolve(WELL, joined=(("a", {"python": "3.11"}),)))
        assert assessment.verdict is None
        assessment.observe(attrs.evolve(WELL, joined=(("b", {"python": "3.9"}),)))
        assert str(assessment.verdict) == "b"

    def test_a_snapshot_counts_once(self) -> None:
        """Later responses may report nothing of work."""
        assessment = Assessment(Runtime(stall_timeout=10), SUBJECT)
        assessment.observe(EMPTY)
        for _ in range(100):
            assessment.tick(1, has_response=True)
        assert assessment.verdict is None


class TestTexts:
    """What happened, with evidence and remedy."""

    def test_of_a_scheduler_that_stopped_responding(self) -> None:
        assert str(SUBJECT.unresponsive(120, attrs.evolve(WELL, memory=3900 * MIB))) == (
            "etl.total: the scheduler at tcp://10.0.0.7:8786 did not respond for 120 s. When it "
            "last responded it used 3.81 GiB of memory of its limit of 4Gi. Raise "
            "scheduler.limits.mem: "
            f"with_scheduler(mem=...). {LOOK} whether its pod is running. If it was only busy, "
            f"raise Runtime(scheduler_timeout=...). {NOT_RETRIED}"
        )

    def test_of_a_scheduler_that_never_responded(self) -> None:
        assert str(attrs.evolve(SUBJECT, retries=None).disconnected(None)) == (
            "etl.total: lost the scheduler at tcp://10.0.0.7:8786: its process exited, or the "
            f"connection was closed. {LOOK} why its pod ended."
        )

    def test_of_a_local_cluster(self) -> None:
        """For which there are no pods."""
        local = attrs.evolve(SUBJECT, is_local=True, retries=3)
        assert str(local.stalled(300, EMPTY)) == (
            "etl.total: there was no worker for 300 s while 9 Dask tasks waited. If they "
            "only need more time, raise Runtime(stall_timeout=...)."
        )

    def test_of_local_workers_that_lack_memory(self) -> None:
        """They share what the machine has."""
        local = attrs.evolve(SUBJECT, is_local=True)
        death = Death("0", 900 * MIB, GIB, 960 * MIB, -15, is_of_task=True)
        assert str(local.killed("merge-1", 1, attrs.evolve(WELL, deaths=(death,)))) == (
            "etl.total: Dask task merge-1 killed 1 worker. The workers share this machine's "
            "memory: use fewer of them, with_workers(...); or let each hold less at a time: "
            "smaller partitions, fewer CPUs.\n"
            "Worker deaths:\n"
            "  0   terminated by its nanny near the memory limit: 0.94 GiB of 1.00 GiB"
        )

    @pytest.mark.parametrize(
        ("failure", "where"),
        [
            (SUBJECT.unreachable(1), "at tcp://10.0.0.7:8786 did not respond within 1 s. "),
            (SUBJECT.disconnected(None), "the connection was closed. "),
        ],
    )
    def test_of_a_local_cluster_names_nothing_of_flyte(
        self, failure: Exception, where: str
    ) -> None:
        assert where in str(failure)
        local = attrs.evolve(SUBJECT, is_local=True, retries=3)
        found = [
            local.unreachable(1),
            local.incomplete(1, 2, 1),
            local.exited(1, 2, [1]),
            local.unavailable(TimeoutError("x")),
            local.unresponsive(1, WELL),
            local.disconnected(WELL),
            local.replaced(WELL),
            local.stalled(1, EMPTY),
            local.stalled(1, attrs.evolve(WELL, able=0)),
            local.stalled(1, attrs.evolve(WELL, able=0, disks=(DISK,))),
            local.unable(TimeoutError("x")),
            *(local.killed("t", 4, attrs.evolve(WELL, deaths=(each,))) for each in ALL_DEATHS),
            local.killed("t", 4, None),
            local.cut(OSError("x")),
        ]
        for error in found:
            assert not re.search("Flyte|kubectl|OOMKilled|pod|image|retr", str(error)), error

    @pytest.mark.parametrize(
        ("retries", "attempt", "text"),
        [
            (0, 1, NOT_RETRIED),
            (2, 1, "This was attempt 1 of 3: Flyte retries the task."),
            (2, 2, "This was attempt 2 of 3: Flyte retries the task."),
            (1, 2, LAST),
            (0, 2, BEYOND),
        ],
    )
    def test_of_an_attempt(self, retries: int, attempt: int, text: str) -> None:
        subject = attrs.evolve(SUBJECT, retries=retries, attempt=attempt)
        assert str(subject.disconnected(None)).endswith(f"why its pod ended. {text}")

    def test_of_paused_workers(self) -> None:
        assert str(SUBJECT.stalled(300, attrs.evolve(WELL, able=0))) == (
            "etl.total: no worker (of 2) accepted tasks for 300 s while 9 Dask tasks waited, as "
            "happens when their memory is full. "
            "Raise workers.limits.mem from 2Gi: with_workers(mem=...); or let each worker hold "
            "less at a time: smaller partitions, fewer CPUs. If they only need more time, raise "
            f"Runtime(stall_timeout=...). {NOT_RETRIED}"
        )

    def test_of_work_that_needs_more_memory(self) -> None:
        deaths = tuple(
            Death(f"worker-{number}", 900 * MIB, 2 * GIB, 1950 * MIB, -15, is_of_task=number > 0)
            for number in range(5)
        )
        assert str(SUBJECT.killed("merge-1", 4, attrs.evolve(WELL, deaths=deaths))) == (
            "etl.total: Dask task merge-1 killed 4 workers. Raise workers.limits.mem "
            "from 2Gi: with_workers(mem=...); or let each worker hold less at a time: smaller "
            f"partitions, fewer CPUs. {NOT_RETRIED}\n"
            "Worker deaths:\n"
            "  worker-1   terminated by its nanny near the memory limit: 1.90 GiB of 2.00 GiB\n"
            "  worker-2   terminated by its nanny near the memory limit: 1.90 GiB of 2.00 GiB\n"
            "  worker-3   terminated by its nanny near the memory limit: 1.90 GiB of 2.00 GiB\n"
            "  worker-4   terminated by its nanny near the memory limit: 1.90 GiB of 2.00 GiB"
        )

    @pytest.mark.parametrize(
        ("death", "text"),
        [
            (Death("w"), "cause unknown"),
            (Death("w", exit=7), "exited with status 7"),
            (Death("w", exit=-11), "killed by SIGSEGV"),
            (Death("w", exit=-99), "killed by signal 99"),
            (Death("w", error="OSError: no space"), "logged: OSError: no space"),
            (
                Death("w", 64 * MIB, error="ValueError: x", exit=1),
                "logged: ValueError: x; exited with status 1; last reported memory: 64.00 MiB",
            ),
            (
                Death("w", 64 * MIB, 2 * GIB, exit=-9),
                "killed by SIGKILL; last reported memory: 64.00 MiB of 2.00 GiB",
            ),
        ],
    )
    def test_of_a_death(self, death: Death, text: str) -> None:
        assert str(death) == f"w   {text}"

    @pytest.mark.parametrize(
        ("deaths", "remedy"),
        [
            ([], "Cause unknown."),
            ([Death("w", exit=-9), Death("w")], "Cause unknown; most often it is memory, and"),
            ([Death("w", 3 * GIB, 4 * GIB)], "Cause unknown; most often it is memory, and"),
            (
                [Death("w", 60 * MIB, 4 * GIB)],
                (
                    "Cause unknown: the workers last reported little of their memory limits. See "
                    "`kubectl describe pod` for why their containers ended."
                ),
            ),
            ([Death("w"), Death("w", killed_at=GIB)], "Raise workers.limits.mem from 2Gi"),
            ([Death("w"), Death("w", exit=-11)], "Native code crashed"),
            ([Death("w"), Death("w", exit=0)], "A worker process exited by itself"),
            ([Death("w", error="OSError: no space")], "See the last error that a worker logged"),
        ],
    )
    def test_of_what_to_do(self, deaths: list[Death], remedy: str) -> None:
        seen = tuple(attrs.evolve(each, is_of_task=True) for each in deaths)
        text = str(SUBJECT.killed("merge-1", 4, attrs.evolve(WELL, deaths=seen)))
        assert f" merge-1 killed 4 workers. {remedy}" in text

    def test_of_a_full_disk(self) -> None:
        """It is named, not the memory that fills because of it."""
        full = attrs.evolve(WELL, able=0, disks=(DISK,))
        remedy = (
            "The disk of worker worker-1 is full: it cannot write to "
            "/scratch/worker-1. Raise workers.limits.ephemeral_storage: "
            "with_workers(ephemeral_storage=...); or let the workers spill less: more memory, "
            "smaller partitions."
        )
        assert str(SUBJECT.stalled(300, full)) == (
            f"etl.total: no worker (of 2) accepted tasks for 300 s while 9 Dask tasks waited. "
            f"{remedy} If they only need more time, raise Runtime(stall_timeout=...). {NOT_RETRIED}"
        )
        death = Death("worker-1", killed_at=GIB, is_of_task=True)
        text = str(SUBJECT.killed("merge-1", 4, attrs.evolve(full, deaths=(death,))))
        assert f" merge-1 killed 4 workers. {remedy} {NOT_RETRIED}\n" in text

    def test_of_many_deaths(self) -> None:
        """The latest of them are listed."""
        deaths = tuple(Death(f"worker-{number}") for number in range(12))
        lines = str(SUBJECT.stalled(5, attrs.evolve(EMPTY, deaths=deaths))).splitlines()
        assert lines[1] == "Worker deaths (the last 8 of 12):"
        assert [line.split()[0] for line in lines[2:]] == [f"worker-{n}" for n in range(4, 12)]

    def test_of_a_worker_that_cannot_read(self) -> None:
        why = "ModuleNotFoundError: No module named 'acme'"
        assert str(SUBJECT.unreadable("workers", "worker-1", why)) == (
            "etl.total: worker-1 (image acme/workers:2) cannot unpickle what the runner (image "
            "acme/task:1) sends: ModuleNotFoundError: No module named 'acme'\n"
            "Install it in that image. Roles without an image have the task's; the code of a fast "
            "registration is uploaded to all pods, unless Runtime(ship_code=False)"
        )


def test_messages_are_merged_by_worker() -> None:
    """A later one does not hide an earlier one."""
    report = {
        "memory": 1,
        "workers": 0,
        "able": 0,
        "waiting": 1,
        "deaths": [
            {"worker": "tcp://a", "name": "one", "memory": 2, "limit": 3, "is_of_task": True},
            {"worker": "tcp://b", "name": "two", "memory": 2, "limit": 0, "is_of_task": False},
        ],
        "reports": [
            {"worker": "tcp://a", "memory": 3},
            {"worker": "tcp://a", "exit": -15},
            {"worker": "tcp://b", "unreadable_by": "two", "error": "ImportError: x"},
            {"worker": "tcp://b", "error": "OSError: y"},
            {"worker": "tcp://c", "unreadable_by": "alive", "error": "ImportError: z"},
            {"worker": "tcp://d", "name": "four", "disk": "/scratch", "error": "OSError: full"},
        ],
        "joined": [[["four", {"python": "3.12"}]], 7],
        "erred": [["x"], 3],
        "unmet": [{"key": "y", "places": ["p"], "resources": {}, "gone": [], "fitting": 0}],
        "offers": [{"name": "four", "address": "tcp://d", "resources": {"slot": 1.0}}],
    }
    assert Snapshot.of(report) == Snapshot(
        1,
        workers=0,
        able=0,
        waiting=1,
        deaths=(
            Death("one", 2, 3, killed_at=3, exit=-15, is_of_task=True),
            Death("two", 2, error="OSError: y"),
        ),
        unreadable=(("two", "ImportError: x"),),
        disks=(FullDisk("four", "/scratch"),),
        joined=(("four", {"python": "3.12"}),),
        number_joined=7,
        erred=("x",),
        number_erred=3,
        unmet=(Unmet("y", ("p",), {}, (), 0),),
        offers=(Offer("four", "tcp://d", {"slot": 1.0}),),
    )
