"""Invalid configs that are recorded instead of raised, and what stands in for them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from flyte_dask import (
    Dask,
    FrozenConfig,
    InvalidConfig,
    Parent,
    Resources,
    Runtime,
    Scheduler,
    UnknownPreset,
    WorkerGroup,
)
from flyte_dask import presets as built_in
from flyte_dask.errors.recording import recorded_errors

BASE = Dask(workers=2)


@pytest.mark.parametrize(
    ("call", "instead"),
    [
        (lambda: Dask(workers=0), Dask()),
        (lambda: Dask(wrokers=2), Dask()),  # type: ignore[call-arg]
        (lambda: Scheduler(image=""), Scheduler()),
        (lambda: WorkerGroup(0), WorkerGroup()),
        (lambda: Resources(mem="16GB"), Resources()),
        (lambda: Runtime(min_workers=-1), Runtime()),
        (lambda: BASE.with_workers(mem="16GB"), BASE),
        (lambda: BASE.with_scheduler(mem="16GB"), BASE),
        (lambda: BASE.with_image(""), BASE),
        (lambda: BASE.with_runtime(min_workers=-1), BASE),
        (lambda: BASE.without_advice("no-such-rule"), BASE),
        (lambda: Dask.from_custom({"scheduler": 1}), Dask()),
        (lambda: built_in.small(0), built_in.small()),
        (lambda: built_in.get("no-such-preset")(3), built_in.small(3)),
    ],
)
def test_an_invalid_call_is_replaced(call: Callable[[], object], instead: object) -> None:
    """Its error is the one that is raised otherwise."""
    with pytest.raises(Exception, match="problem") as raised:
        call()
    with recorded_errors() as recording:
        result = call()
    assert [str(error) for error in recording.errors] == [str(raised.value)]
    assert result == instead
    assert recording.is_stand_in(result)
    assert not recording.is_stand_in(BASE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dask(workers=0).with_workers(3),
        lambda: Dask(workers=0) | BASE,
        lambda: BASE | Dask(workers=0),
        lambda: Dask(workers=WorkerGroup(0) | WorkerGroup(2)),
        lambda: Dask(Scheduler(limits=Resources(mem="16GB"))),
        lambda: Dask(runtime=Runtime(min_workers=-1) | Runtime(min_workers=1)),
        lambda: built_in.define("acme", Dask(workers=0))(3),
        lambda: built_in.small(WorkerGroup(0)),
    ],
)
def test_what_is_made_of_a_stand_in_is_one(make: Callable[[], Dask]) -> None:
    with recorded_errors() as recording:
        assert recording.is_stand_in(make())
        assert not recording.is_stand_in(Dask(workers=2) | BASE.with_workers(3))


@pytest.mark.parametrize(
    "statement",
    [
        "config.workers.number_of_workers = 8",
        "config.scheduler.limits = Resources(mem='8Gi')",
        "config.workers.requests.mem = '16Gi'",
        "config.workers = 8",
        "del config.workers",
    ],
)
def test_an_assignment_is_not_made_and_its_config_is_a_stand_in(statement: str) -> None:
    """But no other config of the same preset is."""
    names = {"Resources": Resources, "__name__": "etl"}
    with recorded_errors() as recording:
        config, other = built_in.medium(), built_in.medium()
        exec(statement, {**names, "config": config})
        assert config == other
        assert recording.is_stand_in(config.with_inherit("off"))
        assert not recording.is_stand_in(other)
        assert not recording.is_stand_in(built_in.medium())
    assert [type(error) for error in recording.errors] == [FrozenConfig]


def test_an_unset_part_that_is_changed_is_of_one_config_only() -> None:
    with recorded_errors() as recording:
        config, other = Dask(), Dask()
        config.workers.number_of_workers = 8  # type: ignore[misc]
        assert recording.is_stand_in(config)
        assert not recording.is_stand_in(other)


def test_a_part_of_the_users_own_is_changed_in_all_that_have_it() -> None:
    with recorded_errors() as recording:
        group = WorkerGroup(2)
        config = Dask(workers=group)
        group.image = "acme/etl:3"  # type: ignore[misc]
        assert recording.is_stand_in(config)


def test_calls_of_a_subclass_are_replaced_by_those_of_its_base() -> None:
    with recorded_errors() as recording:
        mine: Any = type("Mine", (Dask,), {})
        config = mine(5, name="etl")
        assert recording.is_stand_in(config)
    assert type(config) is Dask
    assert [error.subject for error in recording.errors] == ["class Mine"]


def test_a_removed_class_is_replaced_by_one_that_accepts_anything() -> None:
    with recorded_errors() as recording:
        names: dict[str, Any] = {"Dask": Dask, "__name__": "etl"}
        exec("from flytekitplugins.dask import DaskCluster", names)
        config = eval("Dask(workers=DaskCluster(10, image='acme/etl:3'))", names)
        assert recording.is_stand_in(config)
    texts = {str(error) for error in recording.errors}
    assert texts == {
        (
            "1 problem in flytekitplugins.dask.DaskCluster at <string>:1\n"
            "  DaskCluster   is not in flytekitplugins.dask any more: use "
            "WorkerGroup(number_of_workers=...) and Scheduler(), as in "
            "Dask(scheduler=Scheduler(), workers=WorkerGroup(10, limits=...))"
        )
    }


@pytest.mark.parametrize(
    "make",
    [
        lambda: Dask(workers=built_in.get("medum")),  # type: ignore[arg-type]
        lambda: Dask(workers=[built_in.get("medum")]),  # type: ignore[arg-type]
        lambda: Dask(WorkerGroup(0)),  # type: ignore[arg-type]
        lambda: built_in.small(Runtime(min_workers=-1)),  # type: ignore[arg-type]
    ],
)
def test_no_error_names_a_stand_in(make: Callable[[], Dask]) -> None:
    """But what is made of one is a stand-in too."""
    with recorded_errors() as recording:
        assert recording.is_stand_in(make())
    assert len(recording.errors) == 1


def test_other_problems_of_the_call_are_recorded() -> None:
    with recorded_errors() as recording:
        Dask(workers=built_in.get("medum"), silence=["no-such-rule"])  # type: ignore[arg-type]
    unknown, call = recording.errors
    assert isinstance(unknown, UnknownPreset)
    assert [problem.path for problem in call.problems] == ["silence"]


def test_an_unknown_preset_keeps_its_name_in_errors() -> None:
    with recorded_errors() as recording:
        built_in.get("medum")(wrokers=5)  # type: ignore[call-arg]
    assert recording.errors[1].subject == "medum(...)"


def test_an_error_without_a_stand_in_is_raised() -> None:
    with recorded_errors() as recording, pytest.raises(InvalidConfig, match="valid preset name"):
        built_in.define("not a name", BASE)
    assert recording.errors == []


def test_errors_are_raised_after_the_block_and_in_other_threads() -> None:
    raised = []

    def fail() -> None:
        with pytest.raises(InvalidConfig) as error:
            Dask(workers=0)
        raised.append(error.value)

    with recorded_errors() as recording:
        thread = Thread(target=fail)
        thread.start()
        thread.join()
    fail()
    assert (len(raised), recording.errors) == (2, [])


def test_errors_that_flyte_dask_handles_are_not_recorded() -> None:
    """All problems of a call are in one error, in a recording as otherwise."""
    with recorded_errors() as recording:
        Dask(5, wrokers=2)  # type: ignore[arg-type, call-arg]
        BASE.resolve(Parent(limits=Resources(mem="4Gi")))
    (error,) = recording.errors
    assert [problem.path for problem in error.problems] == ["wrokers", "scheduler"]
