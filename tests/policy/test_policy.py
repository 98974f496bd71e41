"""The policy of a team, and its violations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from flyte_dask import Dask, InvalidConfig, Parent, Resources, presets
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.policy import Policy, violations
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.footprint import footprint
from flyte_dask.prediction.platform import Platform
from tests.recorded.official_plugin.cases import cases as golden_cases
from tests.support.configs import CONFIGS, PARENTS

HERE = Path(__file__).name


def violation_texts(
    policy: Policy, config: Dask, parent: Parent | None = None, platform: Platform | None = None
) -> list[str]:
    """All violations, without the lines of this file."""
    found = violations(policy, config, parent or Parent(), platform or Platform())
    return [re.sub(r" at \S*:\d+", "", f"{each.path}: {each}") for each in found]


REMEDY = "request less, or change the policy"
ALLOWED = f"allowed by Policy(...): {REMEDY}"


class TestViolations:
    """Each names the origins of the value and of the limit."""

    def test_both_origins_are_named_with_their_lines(self) -> None:
        policy = Policy(max_workers=10)
        (problem,) = violations(policy, presets.medium(20), Parent(), Platform())
        assert re.fullmatch(
            rf"20 set by medium\(\.\.\.\) at \S*{HERE}:\d+ exceeds the 10 allowed by "
            rf"Policy\(\.\.\.\) at \S*{HERE}:\d+: {REMEDY}",
            str(problem),
        )

    def test_workers(self) -> None:
        assert violation_texts(Policy(max_workers=4), presets.medium()) == []
        assert violation_texts(Policy(max_workers=3), presets.medium()) == [
            f"workers.number_of_workers: 4 set by preset medium exceeds the 3 {ALLOWED}"
        ]

    def test_each_worker(self) -> None:
        policy = Policy(per_worker=Resources(cpu=4, mem="16Gi", gpu=0))
        assert violation_texts(policy, presets.medium()) == []
        assert violation_texts(policy, presets.gpu_heavy().with_workers(cpu=8)) == [
            f"workers.limits.cpu: '8' set by with_workers(...) exceeds the 4 {ALLOWED}",
            f"workers.limits.mem: '24Gi' set by preset gpu_heavy exceeds the 16Gi {ALLOWED}",
            f"workers.limits.gpu: '1' set by preset gpu_heavy exceeds the 0 {ALLOWED}",
        ]

    def test_what_a_worker_inherits(self) -> None:
        task = Parent(limits=Resources(cpu=8, mem="32Gi"))
        policy = Policy(per_worker=Resources(mem="16Gi"))
        assert violation_texts(policy, Dask().with_workers(cpu=2), task) == [
            f"workers.limits.mem: '32Gi' set by Parent(...) exceeds the 16Gi {ALLOWED}"
        ]

    def test_platform_defaults(self) -> None:
        platform = Platform(defaults=Resources(mem="32Gi"))
        policy = Policy(per_worker=Resources(mem="16Gi"))
        assert violation_texts(policy, Dask(), None, platform) == [
            (
                "workers.limits.mem: '32Gi' set by the default of Platform(...) exceeds the 16Gi "
                f"{ALLOWED}"
            )
        ]
        assert violation_texts(Policy(per_worker=Resources(mem="100Mi")), Dask()) == [
            f"workers.limits.mem: '200Mi' set by the platform default exceeds the 100Mi {ALLOWED}"
        ]

    def test_values_before_the_platform_clamps_them(self) -> None:
        platform = Platform(limits=Resources(mem="4Gi"))
        policy = Policy(per_worker=Resources(mem="4Gi"))
        assert len(violation_texts(policy, presets.medium(), None, platform)) == 1

    def test_the_whole_job(self) -> None:
        task = Parent(limits=Resources(cpu=1, mem="2Gi"))
        assert (
            violation_texts(Policy(total=Resources(cpu=10, mem="38Gi")), presets.medium(), task)
            == []
        )
        policy = Policy(total=Resources(cpu=10, mem="38Gi", gpu=0, ephemeral_storage="1Gi"))
        assert violation_texts(
            policy, presets.medium(8).with_workers(ephemeral_storage="1Gi"), task
        ) == [
            (
                "total.cpu: '18' for all 10 pods (largest: workers 16, set by preset medium) "
                f"exceeds the 10 {ALLOWED}"
            ),
            (
                "total.mem: '70Gi' for all 10 pods (largest: workers 64Gi, set by preset medium) "
                f"exceeds the 38Gi {ALLOWED}"
            ),
            (
                "total.ephemeral_storage: '8Gi' for all 10 pods (largest: workers 8Gi, set by "
                f"with_workers(...)) exceeds the 1Gi {ALLOWED}"
            ),
        ]
        assert violation_texts(Policy(total=Resources(mem="100Mi")), Dask()) == [
            (
                "total.mem: '600Mi' for all 3 pods (largest: runner 200Mi, set by the "
                f"platform default) exceeds the 100Mi {ALLOWED}"
            )
        ]

    def test_the_largest_share_is_named(self) -> None:
        policy = Policy(total=Resources(mem="100Gi"))
        config = presets.medium(2).with_scheduler(mem="500Gi")
        assert violation_texts(policy, config) == [
            (
                "total.mem: '528584Mi' for all 4 pods (largest: scheduler 500Gi, set by "
                f"with_scheduler(...)) exceeds the 100Gi {ALLOWED}"
            )
        ]
        assert violation_texts(policy, config.with_workers(mem="300Gi")) == [
            (
                "total.mem: '1126600Mi' for all 4 pods (largest: workers 600Gi, set by "
                f"with_workers(...)) exceeds the 100Gi {ALLOWED}"
            )
        ]

    def test_the_task_is_named(self) -> None:
        task = Parent(limits=Resources(cpu=64, mem="1Gi"))
        assert violation_texts(Policy(total=Resources(cpu=10)), Dask(), task) == [
            (
                "total.cpu: '192' for all 3 pods (largest: runner 64, set by "
                f"Parent(...)) exceeds the 10 {ALLOWED}"
            )
        ]

    def test_a_sidecar_in_each_pod_is_named(self) -> None:
        task = Parent(
            limits=Resources(cpu=1, mem="1Gi"),
            sidecars=[Sidecar("proxy", limits=Resources(cpu=20)), Sidecar("log")],
        )
        assert violation_texts(Policy(total=Resources(cpu=10)), Dask(), task) == [
            (
                "total.cpu: '63' for all 3 pods (largest: sidecar proxy in each pod 60) exceeds "
                f"the 10 {ALLOWED}"
            )
        ]

    def test_a_platform_default_is_named_with_its_line(self) -> None:
        platform = Platform(defaults=Resources(mem="32Gi"))
        policy = Policy(total=Resources(mem="40Gi"))
        assert violation_texts(policy, Dask().with_scheduler(cpu=1, mem="1Gi"), None, platform) == [
            (
                "total.mem: '65Gi' for all 3 pods (largest: runner 32Gi, set by the default of "
                f"Platform(...)) exceeds the 40Gi {ALLOWED}"
            )
        ]
        (problem,) = violations(policy, Dask(), Parent(), platform)
        assert re.search(rf"default of Platform\(\.\.\.\) at \S*{HERE}:\d+\) exceeds", str(problem))

    @pytest.mark.parametrize(
        ("image", "registries", "is_fine"),
        [
            ("ghcr.io/acme/etl:3", ["ghcr.io/acme"], True),
            ("ghcr.io/acme/etl:3", ["ghcr.io"], True),
            ("ghcr.io/acme/etl:3", ["ghcr.io/acme/"], True),
            ("ghcr.io/acmeevil/etl:3", ["ghcr.io/acme"], False),
            ("ghcr.io.evil.com/acme/etl:3", ["ghcr.io"], False),
            ("acme/etl:3", ["docker.io/acme"], True),
            ("acme/etl:3", ["acme"], True),
            ("acme/etl:3", ["ghcr.io/acme"], False),
            ("etl:3", ["docker.io/library"], True),
            ("etl:3", ["acme"], False),
            ("localhost/etl:3", ["localhost"], True),
            ("registry:5000/acme/dask@sha256:0a1b", ["registry:5000"], True),
            ("registry:5000/acme/dask@sha256:0a1b", ["registry"], False),
            ("ghcr.io/acme/etl:3", ["quay.io", "ghcr.io/acme"], True),
            ("ghcr.io/acme/etl:3", [], False),
            ("GHCR.io/acme/etl:3", ["ghcr.IO/acme"], True),
            ("docker.io/python:3", ["docker.io/library"], True),
            ("python:3", ["docker.io"], True),
            ("ghcr.io/acme/etl:3", ["ghcr.io/acme/etl"], True),
            ("ghcr.io/acme/etl", ["ghcr.io/acme/etl/"], True),
            ("registry:5000/etl:3@sha256:0a1b", ["registry:5000/etl"], True),
            ("ghcr.io/acme/etl-evil:3", ["ghcr.io/acme/etl"], False),
            ("ghcr.io/acme/etl.evil/x:3", ["ghcr.io/acme/etl"], False),
            ("python:3", ["docker.io/library/python"], True),
            ("pythonic:3", ["docker.io/library/python"], False),
            ("index.docker.io/acme/etl:3", ["acme"], True),
            ("{{.image.etl.fqn}}:{{.image.etl.version}}", ["ghcr.io/acme"], True),
        ],
    )
    def test_images(self, image: str, registries: list[str], is_fine: bool) -> None:
        found = violation_texts(Policy(registries=registries), Dask().with_workers(image=image))
        assert (found == []) == is_fine

    def test_without_a_limit_the_request_counts(self) -> None:
        config = Dask(workers=10, inherit="off").with_workers(gpu=(8, None), cpu=1, mem="1Gi")
        on_flyte_2 = Platform(backend="v2")
        policy = Policy(per_worker=Resources(gpu=1), total=Resources(gpu=4))
        found = [*violations(policy, config, Parent(), on_flyte_2)]
        assert [(each.path, each.value) for each in found] == [
            ("workers.requests.gpu", "8"),
            ("total.gpu", "80"),
        ]
        sidecars = [Sidecar("proxy", requests=Resources(mem="1Ti"))]
        found = [
            *violations(
                Policy(total=Resources(mem="1Ti")), Dask(), Parent(sidecars=sidecars), Platform()
            )
        ]
        assert [each.path for each in found] == ["total.mem"]

    def test_the_tasks_image_too(self) -> None:
        policy = Policy(registries=["ghcr.io/acme"])
        assert violation_texts(
            policy, presets.medium(image="acme/etl:3"), Parent(image="quay.io/x/y")
        ) == [
            (
                "scheduler.image: 'acme/etl:3' set by medium(...) is from no registry allowed by "
                "Policy(...): push it to ghcr.io/acme"
            ),
            (
                "workers.image: 'acme/etl:3' set by medium(...) is from no registry allowed by "
                "Policy(...): push it to ghcr.io/acme"
            ),
            (
                "task.image: 'quay.io/x/y' set by @task is from no registry allowed by "
                "Policy(...): push it to ghcr.io/acme"
            ),
        ]

    @given(CONFIGS, PARENTS)
    def test_an_empty_policy_allows_everything(self, config: Dask, parent: Parent) -> None:
        assert violation_texts(Policy(), config, parent) == []

    @given(CONFIGS, PARENTS)
    def test_a_policy_of_exactly_what_a_config_uses_allows_it(
        self, config: Dask, parent: Parent
    ) -> None:
        pods = predict(config, parent)
        most = {name: pair[1] for name, pair in pods.workers.container.amounts.items()}
        total = footprint(pods).limits._asdict()
        policy = Policy(
            max_workers=config.workers.number_of_workers,
            per_worker=Resources(**most),
            total=Resources(**{name: each for name, each in total.items() if each.value}),
        )
        assert violation_texts(policy, config, parent) == []

    @pytest.mark.parametrize("name", golden_cases())
    def test_configs_of_the_official_plugin_raise_nothing(self, name: str) -> None:
        policy = Policy(max_workers=1, per_worker=Resources(cpu=1, mem="1Gi", gpu=0))
        violation_texts(policy, golden_cases()[name])


def test_all_problems_of_a_policy_are_reported_at_once() -> None:
    with pytest.raises(InvalidConfig) as caught:
        Policy(max_workers=0, per_worker=5, total=Resources, registries="x")  # type: ignore[arg-type]
    assert [(problem.path, problem.rule) for problem in caught.value.problems] == [
        ("max_workers", "must be an integer from 1 to 4294967295"),
        ("per_worker", "is not a Resources"),
        ("total", "is not a Resources"),
        ("registries", "must be a list of registries"),
    ]


@pytest.mark.parametrize("registry", ["https://ghcr.io/acme", "", "a b", "ghcr.io//acme", 5])
def test_an_invalid_registry_is_rejected(registry: Any) -> None:
    with pytest.raises(InvalidConfig, match="is not a registry"):
        Policy(registries=[registry])
