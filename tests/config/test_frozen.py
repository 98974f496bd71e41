"""What `FrozenConfig` suggests instead of an assignment: code that runs, to the same effect."""

from __future__ import annotations

from typing import Any

import attrs
import flytekit
import pytest

import flyte_dask
from flyte_dask import Dask, FrozenConfig, InvalidConfig, Resources, WorkerGroup, presets

NAMES: dict[str, Any] = {
    **{name: getattr(flyte_dask, name) for name in flyte_dask.__all__},
    "attrs": attrs,
    "flytekit": flytekit,
}
MEDIUM = presets.medium()
EMPTY = Dask()
ONLY_MEM = EMPTY.with_workers(mem="4Gi")


def remedy_of(config: Dask, statement: str) -> str:
    """What the error of *statement*, which changes *config*, suggests."""
    with pytest.raises(FrozenConfig) as caught:
        exec(statement, {**NAMES, "config": config})
    (problem,) = caught.value.problems
    return problem.remedy


def changed(config: Dask, code: str) -> Dask:
    """The config that *code* makes of *config*."""
    names = {**NAMES, "config": config}
    exec(code, names)
    result: Dask = names["config"]
    return result


@pytest.mark.parametrize(
    ("config", "statement", "code"),
    [
        (MEDIUM, "config.workers.number_of_workers = 8", "config = config.with_workers(8)"),
        (MEDIUM, "config.workers = 8", "config = config.with_workers(8)"),
        (MEDIUM, "config.worker = 8", "config = config.with_workers(8)"),
        (MEDIUM, "config.number_of_workers = 8", "config = config.with_workers(8)"),
        (
            MEDIUM,
            "config.workers.requests.mem = '16Gi'",
            "config = config.with_workers(mem=('16Gi', None))",
        ),
        (
            EMPTY,
            "config.scheduler.limits = Resources(cpu='1', mem='2Gi')",
            "config = config.with_scheduler(cpu=(None, '1'), mem=(None, '2Gi'))",
        ),
        (
            EMPTY,
            "config.scheduler.requests = flytekit.Resources(cpu='1')",
            "config = config.with_scheduler(cpu=('1', None))",
        ),
        (  # above the limits, which do not stay then
            MEDIUM,
            "config.workers.requests = Resources(mem='16Gi')",
            "config = config.with_workers(mem=('16Gi', None))",
        ),
        (
            MEDIUM,
            "config.scheduler.image = 'acme/etl:3'",
            "config = config.with_scheduler(image='acme/etl:3')",
        ),
        (MEDIUM, "config.inherit = 'off'", "config = config.with_inherit('off')"),
        (
            MEDIUM,
            "config.silence = ('tiny-memory',)",
            "config = config.without_advice('tiny-memory')",
        ),
        (
            MEDIUM,
            "config.runtime.min_workers = 2",
            "config = config.with_runtime(min_workers=2)",
        ),
    ],
)
def test_it_names_the_method_that_does_it(config: Dask, statement: str, code: str) -> None:
    remedy = remedy_of(config, statement)
    assert f"write {code}" in remedy
    assert changed(config, code) != config


@pytest.mark.parametrize(
    ("config", "part", "name", "value"),
    [
        (MEDIUM, "", "workers", WorkerGroup(8)),
        (MEDIUM, "", "scheduler", None),
        (MEDIUM.without_advice("tiny-memory"), "", "silence", ()),
        (MEDIUM.with_inherit("off"), "", "inherit", None),
        (MEDIUM, "workers", "number_of_workers", None),
        (MEDIUM, "workers", "image", "acme/etl:3"),
        (MEDIUM, "workers", "requests", None),
        (MEDIUM, "workers", "requests", Resources(mem="2Gi")),
        (MEDIUM, "scheduler", "limits", Resources(mem="8Gi")),
        (MEDIUM, "scheduler", "limits", Resources(cpu="1", mem="8Gi")),
        (ONLY_MEM, "workers", "limits", Resources(mem="6Gi", cpu="2")),
        (EMPTY.with_workers(mem=(None, "4Gi")), "workers", "limits", Resources(cpu="2")),
    ],
)
def test_its_code_has_the_effect_of_the_assignment(
    config: Dask, part: str, name: str, value: object
) -> None:
    meant: Dask = attrs.evolve(config, **({} if part else {name: value}))  # type: ignore[arg-type]
    if part:
        new = attrs.evolve(getattr(config, part), **{name: value})
        meant = attrs.evolve(config, **{part: new})
    path = f"config.{part}.{name}" if part else f"config.{name}"
    remedy = remedy_of(config, f"{path} = {value!r}")
    code = remedy.removeprefix("write ").partition(";")[0]
    assert changed(config, code) == meant


@pytest.mark.parametrize(
    ("variable", "value", "statement", "meant"),
    [
        ("group", WorkerGroup(2), "group.number_of_workers = 8", WorkerGroup(8)),
        ("resources", Resources(mem="1Gi"), "resources.mem = '2Gi'", Resources(mem="2Gi")),
        (
            "runtime",
            flyte_dask.Runtime(),
            "runtime.local = 'processes'",
            flyte_dask.Runtime(local="processes"),
        ),
        (
            "preset",
            presets.define("acme", EMPTY),
            "preset.doc = 'daily'",
            presets.define("acme", EMPTY, doc="daily"),
        ),
    ],
)
def test_it_names_the_copy_of_what_is_no_part_of_a_config(
    variable: str, value: object, statement: str, meant: object
) -> None:
    names: dict[str, Any] = {**NAMES, variable: value}
    with pytest.raises(FrozenConfig) as caught:
        exec(statement, names)
    (problem,) = caught.value.problems
    exec(problem.remedy.rpartition("by itself, ")[2].removeprefix("write "), names)
    assert names[variable] == meant


@pytest.mark.parametrize(
    ("statement", "hole"),
    [
        ("config.workers.number_of_workers = 0", "config.with_workers(...)"),
        ("config.workers.requests.mem = '4GB'", "mem=(..., None)"),
        ("config.workers.requests = flytekit.Resources(mem='4GB')", "mem=(..., None)"),
        ("config.scheduler.image = 'x' * 5000", "config.with_scheduler(image=...)"),
        ("config.runtime.min_workers = -1", "min_workers=..."),
    ],
)
def test_it_repeats_no_value_that_is_invalid_or_long(statement: str, hole: str) -> None:
    assert hole in remedy_of(MEDIUM, statement)


def test_a_copy_with_a_wrong_name_names_only_that() -> None:
    with pytest.raises(InvalidConfig) as caught:
        attrs.evolve(MEDIUM, number_of_workers=8)  # type: ignore[call-arg]
    assert [each.path for each in caught.value.problems] == ["number_of_workers"]
    assert "_origins" not in str(caught.value)
