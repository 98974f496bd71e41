"""When a cluster is lost, from what a monitor has seen; and the words of each verdict."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, Resources, Runtime, Scheduler, WorkerGroup
from flyte_dask_engine.errors import SchedulerLost, WrongEnvironment
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.snapshot import Death, Snapshot
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
LOOK = "Flyte's console and `kubectl describe pod` show"
NOT_RETRIED = "The task has retries=0, so nothing tries again; @task(retries=2) would."

WELL = Snapshot(100 * MIB, workers=2, able=2, waiting=9)
EMPTY = attrs.evolve(WELL, workers=0, able=0)


def judged(*beats: tuple[float, Snapshot | None], **runtime: Any) -> str | None:
    """The verdict after *beats* of so many seconds, in which so much was heard."""
    assessment = Assessment(
        Runtime(**{"stall_timeout": 10, "scheduler_timeout": 5, **runtime}), SUBJECT
    )
    for seconds, snapshot in beats:
        if snapshot is not None:
            assessment.heard(snapshot)
        assessment.passed(seconds, is_answered=snapshot is not None)
    return None if assessment.verdict is None else type(assessment.verdict).__name__


class TestJudgement:
    """Beat by beat."""

    def test_of_a_healthy_cluster(self) -> None:
        assert judged(*[(1, WELL)] * 1000) is None

    def test_of_silence(self) -> None:
        assert judged((1, WELL), *[(1, None)] * 4) is None
        assert judged((1, WELL), *[(1, None)] * 5) == "SchedulerLost"
        assert judged(*[(1, None)] * 5) == "SchedulerLost"

    def test_of_silence_that_an_answer_ends(self) -> None:
        assert judged(*[(1, None), (1, None), (1, None), (1, None), (1, WELL)] * 9) is None

    def test_of_work_without_workers(self) -> None:
        assert judged(*[(1, EMPTY)] * 9) is None
        assert judged(*[(1, EMPTY)] * 10) == "WorkersLost"

    def test_of_work_without_workers_for_a_while(self) -> None:
        assert judged(*[*[(1, EMPTY)] * 9, (1, WELL)] * 9) is None

    def test_of_no_work_without_workers(self) -> None:
        assert judged(*[(1, attrs.evolve(EMPTY, waiting=0))] * 1000) is None

    def test_of_work_that_paused_workers_finish(self) -> None:
        assert judged(*[(1, attrs.evolve(WELL, able=1))] * 1000) is None
        assert judged(*[(1, attrs.evolve(WELL, able=0))] * 10) == "WorkersLost"

    def test_silence_is_no_stall(self) -> None:
        """What was stalled when the scheduler was last heard of may go on."""
        assert judged((1, EMPTY), *[(1, None)] * 100, scheduler_timeout=None) is None

    @given(st.lists(st.tuples(st.floats(0, 1e6), st.none() | st.sampled_from([WELL, EMPTY]))))
    def test_never_is_never(self, beats: list[tuple[float, Snapshot | None]]) -> None:
        assert judged(*beats, stall_timeout=None, scheduler_timeout=None) is None

    def test_of_another_scheduler(self) -> None:
        assessment = Assessment(Runtime(), SUBJECT)
        assessment.heard_another()
        assert type(assessment.verdict) is SchedulerLost

    def test_of_workers_that_cannot_read(self) -> None:
        unreadable = attrs.evolve(WELL, unreadable=(("worker-1", "ModuleNotFoundError: x"),))
        assert judged((1, unreadable)) == "WrongEnvironment"

    def test_the_first_one_stays(self) -> None:
        assert judged(*[(1, EMPTY)] * 10, *[(1, None)] * 10) == "WorkersLost"

    def test_of_versions(self) -> None:
        def judge(name: str, versions: Any) -> WrongEnvironment | None:
            return WrongEnvironment(name) if versions["python"] == "3.9" else None

        assessment = Assessment(Runtime(), SUBJECT)
        assessment.version_check = judge
        assessment.heard(attrs.evolve(WELL, joined=(("a", {"python": "3.11"}),)))
        assert assessment.verdict is None
        assessment.heard(attrs.evolve(WELL, joined=(("b", {"python": "3.9"}),)))
        assert str(assessment.verdict) == "b"

    def test_what_was_heard_is_judged_once(self) -> None:
        """Later answers may tell nothing of work."""
        assessment = Assessment(Runtime(stall_timeout=10), SUBJECT)
        assessment.heard(EMPTY)
        for _ in range(100):
            assessment.passed(1, is_answered=True)
        assert assessment.verdict is None


class TestWords:
    """Of what happened, with evidence and remedy."""

    def test_of_a_silent_scheduler(self) -> None:
        assert str(SUBJECT.silent(120, attrs.evolve(WELL, memory=3900 * MIB))) == (
            "etl.total: the scheduler at tcp://10.0.0.7:8786 did not answer for 120 s. When it "
            "last answered it used 3.81 GiB of memory of its limit of 4Gi. Raise "
            "scheduler.limits.mem: "
            f"with_scheduler(mem=...). {LOOK} whether its pod still runs. If it is only busy for "
            f"so long, raise Runtime(scheduler_timeout=...). {NOT_RETRIED}"
        )

    def test_of_a_scheduler_that_has_said_nothing(self) -> None:
        assert str(attrs.evolve(SUBJECT, retries=None).disconnected(None)) == (
            "etl.total lost its scheduler at tcp://10.0.0.7:8786: its process has ended, or the "
            f"connection broke. {LOOK} why its pod ended."
        )

    def test_of_a_local_cluster(self) -> None:
        """For which there are no pods."""
        local = attrs.evolve(SUBJECT, is_local=True, retries=3)
        assert str(local.stalled(300, EMPTY)) == (
            "etl.total: for 300 s there was no worker, while work waits (Dask tasks: 9). If they "
            "only need longer, raise Runtime(stall_timeout=...). "
            "Flyte tries again, if any of its retries=3 are left."
        )

    def test_of_paused_workers(self) -> None:
        assert str(SUBJECT.stalled(300, attrs.evolve(WELL, able=0))) == (
            "etl.total: for 300 s no worker (of 2) took work, as happens when their memory is "
            "full, while work waits (Dask tasks: 9). "
            "Raise workers.limits.mem from 2Gi: with_workers(mem=...); or give a worker less to "
            "hold at once: smaller partitions, fewer CPUs. If they only need longer, raise "
            f"Runtime(stall_timeout=...). {NOT_RETRIED}"
        )

    def test_of_work_that_needs_more_memory(self) -> None:
        deaths = tuple(
            Death(f"worker-{number}", 900 * MIB, 2 * GIB, 1950 * MIB, -15, is_of_task=number > 0)
            for number in range(5)
        )
        assert str(SUBJECT.killed("merge-1", 4, attrs.evolve(WELL, deaths=deaths))) == (
            "etl.total: workers died 4 times over the same work, merge-1. Raise workers.limits.mem "
            "from 2Gi: with_workers(mem=...); or give a worker less to hold at once: smaller "
            f"partitions, fewer CPUs. {NOT_RETRIED}\n"
            "Deaths of workers that were seen:\n"
            "  worker-1   ended by its nanny near its memory limit, at 1.90 GiB of 2.00 GiB\n"
            "  worker-2   ended by its nanny near its memory limit, at 1.90 GiB of 2.00 GiB\n"
            "  worker-3   ended by its nanny near its memory limit, at 1.90 GiB of 2.00 GiB\n"
            "  worker-4   ended by its nanny near its memory limit, at 1.90 GiB of 2.00 GiB"
        )

    @pytest.mark.parametrize(
        ("death", "words"),
        [
            (Death("w"), "gone without a word"),
            (Death("w", exit=7), "exited with status 7"),
            (Death("w", exit=-11), "killed by SIGSEGV"),
            (Death("w", exit=-99), "killed by signal 99"),
            (Death("w", error="OSError: no space"), "said: OSError: no space"),
            (
                Death("w", 64 * MIB, error="ValueError: x", exit=1),
                "said: ValueError: x; exited with status 1; when last heard of it used 64.00 MiB",
            ),
            (
                Death("w", 64 * MIB, 2 * GIB, exit=-9),
                "killed by SIGKILL; when last heard of it used 64.00 MiB of 2.00 GiB",
            ),
        ],
    )
    def test_of_a_death(self, death: Death, words: str) -> None:
        assert str(death) == f"w   {words}"

    @pytest.mark.parametrize(
        ("deaths", "remedy"),
        [
            ([], "Nobody told why."),
            ([Death("w", exit=-9), Death("w")], "Nobody told why."),
            ([Death("w"), Death("w", killed_at=GIB)], "Raise workers.limits.mem from 2Gi"),
            ([Death("w"), Death("w", exit=-11)], "Native code crashed"),
            ([Death("w"), Death("w", exit=0)], "A process was ended from within"),
            ([Death("w", error="OSError: no space")], "The last words of a worker tell why"),
        ],
    )
    def test_of_what_to_do(self, deaths: list[Death], remedy: str) -> None:
        seen = tuple(attrs.evolve(each, is_of_task=True) for each in deaths)
        text = str(SUBJECT.killed("merge-1", 4, attrs.evolve(WELL, deaths=seen)))
        assert f" merge-1. {remedy}" in text

    def test_of_many_deaths(self) -> None:
        """The latest of which are told."""
        deaths = tuple(Death(f"worker-{number}") for number in range(12))
        lines = str(SUBJECT.stalled(5, attrs.evolve(EMPTY, deaths=deaths))).splitlines()
        assert lines[1] == "Deaths of workers, the last 8 of 12:"
        assert [line.split()[0] for line in lines[2:]] == [f"worker-{n}" for n in range(4, 12)]

    def test_of_a_worker_that_cannot_read(self) -> None:
        why = "ModuleNotFoundError: No module named 'acme'"
        assert str(SUBJECT.unreadable("workers", "worker-1", why)) == (
            "etl.total: worker-1 (image acme/workers:2) cannot read what the runner (image "
            "acme/task:1) sends: ModuleNotFoundError: No module named 'acme'\n"
            "Install it in that image. Roles without an image of their own have the task's; the "
            "code of a fast registration is shipped to all, unless Runtime(ship_code=False)"
        )


def test_words_are_put_together_by_worker() -> None:
    """And a later one does not hide an earlier one."""
    told = {
        "memory": 1,
        "workers": 0,
        "able": 0,
        "waiting": 1,
        "deaths": [
            {"worker": "tcp://a", "name": "one", "memory": 2, "limit": 3, "is_of_task": True},
            {"worker": "tcp://b", "name": "two", "memory": 2, "limit": 0, "is_of_task": False},
        ],
        "words": [
            {"worker": "tcp://a", "memory": 3},
            {"worker": "tcp://a", "exit": -15},
            {"worker": "tcp://b", "lacks": "two", "error": "ImportError: x"},
            {"worker": "tcp://b", "error": "OSError: y"},
            {"worker": "tcp://c", "lacks": "alive", "error": "ImportError: z"},
        ],
        "joined": [["four", {"python": "3.12"}]],
    }
    assert Snapshot.of(told) == Snapshot(
        1,
        workers=0,
        able=0,
        waiting=1,
        deaths=(
            Death("one", 2, 3, killed_at=3, exit=-15, is_of_task=True),
            Death("two", 2, error="OSError: y"),
        ),
        unreadable=(("two", "ImportError: x"),),
        joined=(("four", {"python": "3.12"}),),
    )
