"""Presets: their sizes, and what a call of one changes."""

from __future__ import annotations

import inspect
import pickle

import pytest

from flyte_dask import Dask, Preset, Resources, Scheduler, WorkerGroup, presets
from flyte_dask.resources import amounts

ALL = [presets.small, presets.medium, presets.large, presets.gpu_heavy]
IDS = [preset.name for preset in ALL]


def test_medium_is_what_the_documentation_says() -> None:
    scheduler, worker = Resources(cpu="1", mem="4Gi"), Resources(cpu="2", mem="8Gi")
    assert presets.medium() == Dask(
        Scheduler(None, scheduler, scheduler), WorkerGroup(4, None, worker, worker)
    )


@pytest.mark.parametrize("preset", ALL, ids=IDS)
class TestEvery:
    """What holds for every preset."""

    def test_sizes_both_roles_with_whole_cpus_and_request_equal_to_limit(
        self, preset: Preset
    ) -> None:
        config = preset()
        for role in (config.scheduler, config.workers):
            assert role.requests == role.limits is not None
            assert role.limits.cpu is not None
            assert role.limits.cpu.value.denominator == 1
            assert role.limits.mem is not None

    def test_has_its_modules_name_and_says_what_it_is_for(self, preset: Preset) -> None:
        assert getattr(presets, preset.name) is preset
        assert preset.doc

    def test_says_its_footprint(self, preset: Preset) -> None:
        config = preset()
        limits = [amounts(config.scheduler.limits)]
        limits += [amounts(config.workers.limits)] * config.workers.number_of_workers
        cpus = sum(limit["cpu"].value for limit in limits)
        gib = sum(limit["mem"].value for limit in limits) / 2**30
        assert f"In all {cpus} CPUs" in preset.doc
        assert f"{gib}Gi" in preset.doc

    def test_pickles_and_prints(self, preset: Preset) -> None:
        assert pickle.loads(pickle.dumps(preset)) == preset == eval(repr(preset))


def test_memory_of_a_worker_grows_from_small_to_large() -> None:
    limits = [preset().workers.limits for preset in (presets.small, presets.medium, presets.large)]
    sizes = [limit.mem for limit in limits if limit and limit.mem]
    assert len(sizes) == len(limits)
    assert sizes == sorted(set(sizes))


def test_only_workers_have_gpus() -> None:
    config = presets.gpu_heavy()
    assert config.workers.limits is not None
    assert config.workers.limits.gpu == Resources(gpu=1).gpu
    assert config.scheduler.limits is not None
    assert config.scheduler.limits.gpu is None


def test_a_call_changes_what_it_says() -> None:
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
    assert presets.medium(workers=5) == presets.medium(5)


def test_a_preset_of_ones_own() -> None:
    etl = Preset("acme.etl", presets.large(20) | Dask(Scheduler("acme/etl:3")), "nightly")
    assert etl(40) == presets.large(40, scheduler=Scheduler("acme/etl:3"))


def test_its_signature_is_there_for_editors() -> None:
    assert list(inspect.signature(presets.medium).parameters) == ["workers", "scheduler", "image"]
    assert list(inspect.signature(WorkerGroup).parameters) == [
        "number_of_workers",
        "image",
        "requests",
        "limits",
    ]
