"""The laws of the algebra: merging, ``with_*`` methods, evolving, and copies of all kinds."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import (
    Dask,
    InvalidConfig,
    MergeConflict,
    Resources,
    Runtime,  # noqa: F401  # for `eval`
    Scheduler,
    WorkerGroup,
    merge,
    presets,
)
from flyte_dask.inheritance import Inherit
from tests.support.configs import (
    ALL_PAIRS,
    CONFIGS,
    COUNTS,
    GROUPS,
    IMAGES,
    MODES,
    SCHEDULERS,
    sides,
)

Pairs = dict[str, tuple[str | None, str | None]]


class TestMerge:
    """``a | b`` is *a*, overridden by all that *b* sets."""

    @given(CONFIGS)
    def test_an_unset_config_changes_nothing(self, config: Dask) -> None:
        assert Dask() | config == config == config | Dask()

    @given(CONFIGS)
    def test_merging_with_itself_changes_nothing(self, config: Dask) -> None:
        assert config | config == config

    @given(CONFIGS, CONFIGS, CONFIGS)
    def test_is_associative(self, a: Dask, b: Dask, c: Dask) -> None:
        assert (a | b) | c == a | (b | c)

    @given(CONFIGS, CONFIGS)
    def test_of_valid_configs_is_valid(self, a: Dask, b: Dask) -> None:
        """Recreating it from its repr validates it, and yields an equal config."""
        assert eval(repr(a | b)) == a | b

    @given(CONFIGS, CONFIGS)
    def test_the_right_side_wins(self, a: Dask, b: Dask) -> None:
        assert (a | b) | b == a | b
        assert {path: origin.value for path, origin in (a | b).origins.items()} == {
            path: origin.value for path, origin in {**a.origins, **b.origins}.items()
        }

    @given(CONFIGS, CONFIGS)
    def test_changes_neither_side(self, a: Dask, b: Dask) -> None:
        before = [(repr(each), hash(each), each.origins) for each in (a, b)]
        assert (a | b).scheduler is not None
        assert [(repr(each), hash(each), each.origins) for each in (a, b)] == before

    @given(SCHEDULERS, SCHEDULERS, GROUPS, GROUPS)
    def test_is_that_of_the_roles(
        self, s: Scheduler, t: Scheduler, v: WorkerGroup, w: WorkerGroup
    ) -> None:
        assert Dask(s, v) | Dask(t, w) == Dask(s | t, v | w)

    @given(CONFIGS, CONFIGS)
    def test_respects_equality(self, a: Dask, b: Dask) -> None:
        """Equal sides merge into equal configs, however they are written or created."""
        other: Dask = eval(repr(a).replace("'1000m'", "'1'").replace("'1Gi'", "'1024Mi'"))
        assert other == a
        assert (other | b, b | other) == (a | b, b | a)
        assert hash(other | b) == hash(a | b)

    def test_request_and_limit_of_a_dimension_go_together(self) -> None:
        base = WorkerGroup(2, "a", Resources(cpu="1", mem="1Gi"), Resources(cpu="2", mem="2Gi"))
        assert base | WorkerGroup(requests=Resources(cpu="4")) == WorkerGroup(
            2, "a", Resources(cpu="4", mem="1Gi"), Resources(mem="2Gi")
        )

    @pytest.mark.parametrize("config", [Dask(), Scheduler(), WorkerGroup()])
    def test_only_configs_of_one_type_merge(self, config: Any) -> None:
        with pytest.raises(TypeError, match="unsupported operand"):
            config | Resources()


class TestStrictMerge:
    """``merge(a, b, strict=True)`` raises on conflicts."""

    @given(CONFIGS, CONFIGS)
    def test_is_the_merge_or_a_conflict(self, a: Dask, b: Dask) -> None:
        assert merge(a, b) == a | b
        both = a.origins.keys() & b.origins.keys()
        differing = {path for path in both if a.origins[path].value != b.origins[path].value}
        if not differing:
            assert merge(a, b, strict=True) == a | b == b | a
            return
        with pytest.raises(MergeConflict) as caught:
            merge(a, b, strict=True)
        assert {problem.path for problem in caught.value.problems} == differing

    def test_names_the_origins_of_both_sides(self) -> None:
        config, other = presets.medium(), Dask().with_workers(mem="16Gi")
        with pytest.raises(MergeConflict) as caught:
            merge(config, other, strict=True)
        (problem,) = caught.value.problems
        left, right = config.origins["workers.mem"], other.origins["workers.mem"]
        assert (problem.path, problem.value) == ("workers.mem", "16Gi")
        assert problem.rule == f"set by {right} conflicts with '8Gi' set by {left}"

    def test_accepts_roles_too(self) -> None:
        assert merge(Scheduler("a"), Scheduler("a"), strict=True) == Scheduler("a")
        other: Any = WorkerGroup()
        with pytest.raises(InvalidConfig, match="merge two of one type"):
            merge(Scheduler(), other)


class TestWithMethods:
    """A ``with_*`` method is a merge with its arguments."""

    @given(CONFIGS, COUNTS, ALL_PAIRS, IMAGES)
    def test_with_workers(
        self, config: Dask, count: int | None, pairs: Pairs, image: str | None
    ) -> None:
        amounts: dict[str, Any] = {name: pair for name, pair in pairs.items() if any(pair)}
        assert config.with_workers(count, image=image, **amounts) == config | Dask(
            workers=WorkerGroup(count, image, *sides(pairs))
        )

    @given(CONFIGS, ALL_PAIRS, IMAGES)
    def test_with_scheduler(self, config: Dask, pairs: Pairs, image: str | None) -> None:
        amounts: dict[str, Any] = {name: pair for name, pair in pairs.items() if any(pair)}
        assert config.with_scheduler(image=image, **amounts) == config | Dask(
            Scheduler(image, *sides(pairs))
        )

    @given(CONFIGS, st.sampled_from(["a", "b"]))
    def test_with_image(self, config: Dask, image: str) -> None:
        both = Dask(Scheduler(image), WorkerGroup(image=image))
        assert config.with_image(image) == config | both

    @given(CONFIGS, MODES)
    def test_with_inherit(self, config: Dask, inherit: Inherit) -> None:
        assert config.with_inherit(inherit) == config | Dask(inherit=inherit)
        assert config.with_inherit(inherit).inherit == inherit

    @given(CONFIGS)
    def test_without_arguments_changes_nothing(self, config: Dask) -> None:
        assert config.with_workers().with_scheduler() == config

    def test_one_amount_is_request_and_limit(self) -> None:
        sizes = Resources(cpu=0.5, mem="32Gi", gpu=1, ephemeral_storage="50Gi")
        config = Dask().with_workers(5, cpu=0.5, mem="32Gi", gpu=1, ephemeral_storage="50Gi")
        assert config == Dask(workers=WorkerGroup(5, None, sizes, sizes))

    def test_a_pair_is_request_and_limit(self) -> None:
        config = Dask().with_scheduler(cpu=(1, "2"), mem=("1Gi", None), gpu=(None, 0))
        assert config == Dask(
            Scheduler(requests=Resources(cpu=1, mem="1Gi"), limits=Resources(cpu=2, gpu=0))
        )

    def test_methods_chain_as_documented(self) -> None:
        sizes = Resources(cpu=2, mem="32Gi")
        scheduler = Resources(cpu=1, mem="8Gi")
        built = presets.medium(5).with_workers(mem="32Gi").with_scheduler(mem="8Gi")
        assert built.with_image("acme/etl:3") == Dask(
            Scheduler("acme/etl:3", scheduler, scheduler),
            WorkerGroup(5, "acme/etl:3", sizes, sizes),
        )


class TestCopies:
    """A copy is equal, and has the same origins."""

    @given(CONFIGS)
    def test_by_pickle_copy_and_repr(self, config: Dask) -> None:
        copies = [pickle.loads(pickle.dumps(config, protocol)) for protocol in (2, 4, 5)]
        for each in [*copies, copy.copy(config), copy.deepcopy(config)]:
            assert (each, hash(each), repr(each)) == (config, hash(config), repr(config))
            assert each.origins == config.origins
        assert eval(repr(config)) == config

    @given(CONFIGS, CONFIGS)
    def test_equal_configs_have_equal_hashes(self, a: Dask, b: Dask) -> None:
        for one, two in [(a, b), (a, eval(repr(a))), (a | b, eval(repr(a | b)))]:
            if one == two:
                assert hash(one) == hash(two)
            assert (repr(one) == repr(two)) <= (one == two)

    @given(CONFIGS, COUNTS, GROUPS)
    def test_evolve_changes_one_argument(
        self, config: Dask, count: int | None, group: WorkerGroup
    ) -> None:
        assert attrs.evolve(config) == config
        set_inherit = config.inherit if "inherit" in config.origins else None
        runtime, silence = config.runtime, config.silence
        other = Dask(config.scheduler, group, inherit=set_inherit, runtime=runtime, silence=silence)
        assert attrs.evolve(config, workers=group) == other
        workers = config.workers
        assert attrs.evolve(workers, number_of_workers=count) == WorkerGroup(
            count, workers.image, workers.requests, workers.limits
        )

    def test_evolve_validates(self) -> None:
        with pytest.raises(InvalidConfig, match="is below the request"):
            attrs.evolve(presets.medium().workers, limits=Resources(cpu=1))
