"""Configs as values: set and unset fields, and the calls of the official plugin."""

from __future__ import annotations

from typing import Any

import attrs
import flytekit
import numpy as np
import pytest

from flyte_dask import (
    Dask,
    InvalidConfig,
    Preset,
    Quantity,
    Resources,
    Scheduler,
    WorkerGroup,
    presets,
)

SIZES = Resources(cpu="1", mem="2Gi")


class TestUnset:
    """None means unset, and differs from a value that equals the default."""

    def test_an_unset_number_of_workers_reads_one(self) -> None:
        assert WorkerGroup().number_of_workers == 1
        assert WorkerGroup() != WorkerGroup(1)

    def test_an_unset_inheritance_mode_reads_fill(self) -> None:
        assert Dask().inherit == "fill"
        assert Dask() != Dask(inherit="fill")

    def test_empty_resources_are_unset(self) -> None:
        assert WorkerGroup(requests=Resources(), limits=flytekit.Resources()) == WorkerGroup()

    def test_none_is_unset_everywhere(self) -> None:
        assert Dask(None, None) == Dask(Scheduler(None, None, None), WorkerGroup(None)) == Dask()

    @pytest.mark.parametrize(
        ("config", "text"),
        [
            (Dask(), "Dask()"),
            (Dask(workers=5), "Dask(workers=WorkerGroup(number_of_workers=5))"),
            (Dask(inherit="pin"), "Dask(inherit='pin')"),
            (WorkerGroup(1), "WorkerGroup(number_of_workers=1)"),
            (
                Scheduler("img", Resources(cpu=0.5)),
                "Scheduler(image='img', requests=Resources(cpu='0.5'))",
            ),
            (
                Resources(2, "1Gi", 0, "1000M"),
                "Resources(cpu='2', mem='1Gi', gpu='0', ephemeral_storage='1000M')",
            ),
        ],
    )
    def test_repr_is_the_call_with_the_set_arguments(self, config: Any, text: str) -> None:
        assert repr(config) == text
        assert eval(text) == config


class TestCalls:
    """The calls of the official plugin keep working."""

    def test_by_position_and_by_name(self) -> None:
        assert Dask(Scheduler("img", SIZES, SIZES), WorkerGroup(4, None, SIZES)) == Dask(
            scheduler=Scheduler(image="img", requests=SIZES, limits=SIZES),
            workers=WorkerGroup(number_of_workers=4, image=None, requests=SIZES),
        )

    def test_a_number_is_short_for_a_group(self) -> None:
        assert Dask(workers=5) == Dask(workers=WorkerGroup(5))

    def test_integers_of_other_libraries_are_integers(self) -> None:
        numbers: list[Any] = [np.int64(5), np.uint8(5), np.array(5)]
        for number in numbers:
            assert Dask(workers=number) == Dask(workers=WorkerGroup(number)) == Dask(workers=5)
            assert type(WorkerGroup(number).number_of_workers) is int

    def test_flytekits_resources_are_accepted(self) -> None:
        theirs = flytekit.Resources(cpu=0.5, mem="2Gi", gpu=1, ephemeral_storage=4096)
        ours = Resources(cpu=0.5, mem="2Gi", gpu=1, ephemeral_storage=4096)
        group = WorkerGroup(requests=theirs, limits=theirs)
        assert group == WorkerGroup(requests=ours, limits=ours)
        assert isinstance(group.requests, Resources)


class TestValues:
    """Frozen, hashable, picklable, equal by value."""

    def test_amounts_are_equal_in_any_spelling(self) -> None:
        one = Dask(workers=WorkerGroup(requests=Resources(cpu="1000m", mem="1Gi")))
        two = Dask(workers=WorkerGroup(requests=Resources(cpu=1, mem="1024Mi")))
        assert (one, hash(one)) == (two, hash(two))

    @pytest.mark.parametrize(
        ("config", "field"),
        [(Dask(), "workers"), (WorkerGroup(), "image"), (Resources(), "cpu"), (Scheduler(), "x")],
    )
    def test_nothing_can_be_set(self, config: object, field: str) -> None:
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(config, field, None)

    @pytest.mark.parametrize(
        "value", [Dask(), WorkerGroup(), Scheduler(), Resources(), presets.medium, Quantity("1")]
    )
    def test_nothing_can_be_added(self, value: object) -> None:
        with pytest.raises(AttributeError):
            object.__setattr__(value, "new", None)

    def test_evolve_changes_one_argument(self) -> None:
        group = attrs.evolve(WorkerGroup(3, "a"), number_of_workers=4)
        assert group == WorkerGroup(4, "a")

    @pytest.mark.parametrize("kind", [Dask, Scheduler, WorkerGroup, Resources, Preset])
    def test_cannot_be_subclassed(self, kind: type) -> None:
        with pytest.raises(InvalidConfig, match=r"in class Mine at .*\n.* define a preset, or"):
            type("Mine", (kind,), {})

    def test_texts_of_subclasses_become_plain(self) -> None:
        image = np.str_("acme/etl:3")
        for config in (
            Dask(Scheduler(image), WorkerGroup(image=image)),
            Dask().with_image(image),
            Dask().with_workers(image=image).with_scheduler(image=image),
            Preset(np.str_("etl"), Dask(), np.str_("nightly"))(image=image),
        ):
            assert "np.str_" not in repr(config)
            assert eval(repr(config)) == config
