"""Presets: their sizes, and the changes that a call makes."""

from __future__ import annotations

import inspect
import pickle
from typing import Any

import numpy as np
import pytest

from flyte_dask import (
    Dask,
    Preset,
    Resources,
    Scheduler,
    UnknownPreset,
    WorkerGroup,
    presets,
)
from flyte_dask.catalog import NAMES
from flyte_dask.roles.resources import amounts

(BUILT_IN,) = [each for each in presets.packages() if each.package == "flyte-dask"]
ALL = BUILT_IN.presets
IDS = [preset.name for preset in ALL]


def test_medium_is_as_documented() -> None:
    scheduler, worker = Resources(cpu="1", mem="4Gi"), Resources(cpu="2", mem="8Gi")
    assert presets.medium() == Dask(
        Scheduler(None, scheduler, scheduler), WorkerGroup(4, None, worker, worker)
    )


@pytest.mark.parametrize("preset", ALL, ids=IDS)
class TestEvery:
    """Properties of every preset."""

    def test_sizes_both_roles_with_whole_cpus_and_request_equal_to_limit(
        self, preset: Preset
    ) -> None:
        config = preset()
        for role in (config.scheduler, config.workers):
            assert role.requests == role.limits
            limits = amounts(role.limits)
            assert limits["cpu"].is_whole
            assert "mem" in limits

    def test_only_workers_have_gpus(self, preset: Preset) -> None:
        sizes = {f"{role}.{name}" for role in ("scheduler", "workers") for name in ("cpu", "mem")}
        assert preset().origins.keys() - {"workers.gpu"} == sizes | {"workers.number_of_workers"}

    def test_has_the_name_of_its_attribute_and_documentation(self, preset: Preset) -> None:
        assert getattr(presets, preset.name) is preset
        assert preset.doc

    def test_documents_its_footprint(self, preset: Preset) -> None:
        config = preset()
        scheduler, worker = amounts(config.scheduler.limits), amounts(config.workers.limits)
        count = config.workers.number_of_workers
        total = {name: count * worker[name] + scheduler[name] for name in ("cpu", "mem")}
        rest = f" and {total['mem']}"
        if "gpu" in worker:
            rest = f", {total['mem']} and {count * worker['gpu']} GPUs"
        assert f"Total: {total['cpu']} CPUs{rest}." in preset.doc

    def test_pickles_and_prints(self, preset: Preset) -> None:
        assert pickle.loads(pickle.dumps(preset)) == preset == eval(repr(preset))


def test_memory_of_a_worker_grows_from_small_to_large() -> None:
    limits = [preset().workers.limits for preset in (presets.small, presets.medium, presets.large)]
    sizes = [limit.mem for limit in limits if limit and limit.mem]
    assert len(sizes) == len(limits)
    assert sizes == sorted(set(sizes))


def test_a_call_changes_its_arguments() -> None:
    base = presets.medium().workers
    changed = presets.medium(
        WorkerGroup(5, requests=Resources(mem="16Gi"), limits=Resources(mem="16Gi")),
        scheduler=Scheduler("theirs"),
        image="ours",
    )
    sizes = Resources(cpu=2, mem="16Gi")
    assert changed.workers == WorkerGroup(5, "ours", sizes, sizes)
    assert changed.scheduler == presets.medium().scheduler | Scheduler("theirs")
    assert presets.medium(5).workers == base | WorkerGroup(5)
    number: Any = np.int64(5)
    assert presets.medium(workers=number) == presets.medium(5)
    assert presets.medium(image="ours") == presets.medium().with_image("ours")


def test_define_creates_a_preset_and_registers_nothing() -> None:
    etl = presets.define("acme.etl", presets.large(20).with_image("acme/etl:3"), doc="nightly")
    assert etl == Preset("acme.etl", presets.large(20).with_image("acme/etl:3"), "nightly")
    assert eval(repr(etl)) == etl
    assert etl(40) == presets.large(40).with_image("acme/etl:3")
    with pytest.raises(UnknownPreset):
        presets.get("acme.etl")


def test_a_misspelt_built_in_preset_suggests_the_nearest_name() -> None:
    """The error is also an `AttributeError`, as Python expects."""
    with pytest.raises(UnknownPreset, match=r"did you mean 'medium'\?") as caught:
        getattr(presets, "mediun")  # noqa: B009  # type checkers know that it is not there
    assert isinstance(caught.value, AttributeError)
    assert not hasattr(presets, "mediun")
    assert not hasattr(presets, "__wrapped__")


def test_all_are_listed_for_completion() -> None:
    assert {*NAMES, "Preset", "define", "get", "packages"} == {*dir(presets)}


def test_its_signature_is_there_for_editors() -> None:
    assert list(inspect.signature(presets.medium).parameters) == ["workers", "scheduler", "image"]
    assert list(inspect.signature(WorkerGroup).parameters) == [
        "number_of_workers",
        "image",
        "requests",
        "limits",
        "resources",
    ]
