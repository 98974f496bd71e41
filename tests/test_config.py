"""Configs as values: said and unsaid, the incumbent's calls, merging."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import flytekit
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, InvalidConfig, Resources, Scheduler, WorkerGroup

SIZES = Resources(cpu="1", mem="2Gi")


class TestUnsaid:
    """None is unsaid, and differs from what was said."""

    def test_a_group_reads_one_worker_but_has_not_said_so(self) -> None:
        assert WorkerGroup().number_of_workers == 1
        assert WorkerGroup() != WorkerGroup(1)

    def test_resources_that_say_nothing_are_unsaid(self) -> None:
        assert WorkerGroup(requests=Resources(), limits=flytekit.Resources()) == WorkerGroup()

    def test_none_is_unsaid_everywhere(self) -> None:
        assert Dask(None, None) == Dask(Scheduler(None, None, None), WorkerGroup(None)) == Dask()

    @pytest.mark.parametrize(
        ("config", "shown"),
        [
            (Dask(), "Dask()"),
            (Dask(workers=5), "Dask(workers=WorkerGroup(number_of_workers=5))"),
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
    def test_repr_is_the_call_with_what_was_said(self, config: Any, shown: str) -> None:
        assert repr(config) == shown
        assert eval(shown) == config


class TestCalls:
    """The incumbent's calls keep working."""

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

    def test_flytekits_resources_are_as_good_as_ours(self) -> None:
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

    def test_evolve_changes_one_argument(self) -> None:
        group = attrs.evolve(WorkerGroup(3, "a"), number_of_workers=4)
        assert group == WorkerGroup(4, "a")

    def test_dask_has_no_subclasses(self) -> None:
        with pytest.raises(InvalidConfig, match=r"in class Mine at .*\n.* make a Preset, or"):
            type("Mine", (Dask,), {})


AMOUNTS = st.sampled_from([None, "1", "1000m", "2", "4"])


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Resources, Resources]:
    requests, limits = {}, {}
    for name in ("cpu", "mem", "gpu"):
        pair = [text for text in (draw(AMOUNTS), draw(AMOUNTS)) if text != "1000m" or name == "cpu"]
        request, limit = [*pair, None, None][:2]
        if request and limit and (name == "gpu" or request > limit):
            limit = request
        requests[name], limits[name] = request, limit
    return Resources(**requests), Resources(**limits)


ROLES = st.tuples(st.sampled_from([None, "a", "b"]), _pairs())
SCHEDULERS = ROLES.map(lambda role: Scheduler(role[0], *role[1]))
GROUPS = st.builds(
    lambda number, role: WorkerGroup(number, role[0], *role[1]),
    st.one_of(st.none(), st.integers(1, 9)),
    ROLES,
)
CONFIGS = st.builds(Dask, SCHEDULERS, GROUPS)


class TestMerge:
    """``a | b`` is *a* with all that *b* says in its place."""

    @given(CONFIGS)
    def test_a_silent_config_changes_nothing(self, config: Dask) -> None:
        assert Dask() | config == config == config | Dask()

    @given(CONFIGS)
    def test_merging_with_itself_changes_nothing(self, config: Dask) -> None:
        assert config | config == config

    @given(CONFIGS, CONFIGS, CONFIGS)
    def test_is_associative(self, a: Dask, b: Dask, c: Dask) -> None:
        assert (a | b) | c == a | (b | c)

    @given(CONFIGS)
    def test_what_it_is_made_of_pickles_and_prints(self, config: Dask) -> None:
        assert pickle.loads(pickle.dumps(config)) == config == eval(repr(config))

    def test_request_and_limit_of_a_dimension_go_together(self) -> None:
        base = WorkerGroup(2, "a", Resources(cpu="1", mem="1Gi"), Resources(cpu="2", mem="2Gi"))
        assert base | WorkerGroup(requests=Resources(cpu="4")) == WorkerGroup(
            2, "a", Resources(cpu="4", mem="1Gi"), Resources(mem="2Gi")
        )

    @pytest.mark.parametrize("config", [Dask(), Scheduler(), WorkerGroup()])
    def test_only_configs_of_one_kind_merge(self, config: Any) -> None:
        with pytest.raises(TypeError, match="unsupported operand"):
            config | Resources()
