"""The pods that the backends create for a task: worked cases, invariants, and their total."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, InvalidConfig, Parent, Resources, Scheduler, WorkerGroup, presets
from flyte_dask.advice import advise
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.policy import Policy, violations
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.footprint import footprint
from flyte_dask.prediction.platform import Backend, Platform
from flyte_dask.prediction.remarks import BACKEND_RULES
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask_engine.registration import serialization as wire
from tests.prediction.replay import WORKED, replayed
from tests.recorded.official_plugin.cases import cases as golden_cases
from tests.recorded.official_plugin.quantities import QUANTITIES
from tests.support.configs import CONFIGS, PARENTS

BACKENDS: tuple[Backend, ...] = ("v1", "v2")

PLATFORMS = st.builds(
    lambda backend, defaults, limits: Platform(
        backend=backend, defaults=defaults, limits=limits, hypothetical=backend == "v2"
    ),
    st.sampled_from(["v1", "v2"]),
    st.none() | st.just(Resources(cpu="500m", mem="1Gi", ephemeral_storage="5Gi")),
    st.none() | st.just(Resources(cpu=2, mem="2Gi", gpu=1, ephemeral_storage="10Gi")),
)


def _limits() -> Resources:
    return Resources(mem="16Gi")


class TestPrediction:
    """`predict`, case by case."""

    @pytest.mark.parametrize("case", WORKED, ids=[case["name"] for case in WORKED])
    def test_pods_are_as_worked_out(self, case: dict[str, Any]) -> None:
        pods = replayed(case)
        assert pods.as_dict() == case["pods"], case["rule"]
        if "remarks" in case:
            assert [list(remark) for remark in pods.remarks] == case["remarks"]

    def test_every_rule_has_a_case(self) -> None:
        rules = {remark.rule for case in WORKED for remark in replayed(case).remarks}
        assert rules == set(BACKEND_RULES)

    def test_a_remark_reads_as_a_sentence(self) -> None:
        pods = predict(Dask().with_workers(cpu=1, mem="32Gi"), None, Platform(limits=_limits()))
        why = "above the platform's limit: silently clamped to it"
        assert [str(remark) for remark in pods.workers.remarks] == [
            f"workers.requests.mem: 32Gi -> 16Gi: {why}",
            f"workers.limits.mem: 32Gi -> 16Gi: {why}",
        ]

    def test_sidecars_are_in_every_pod_and_only_clamped(self) -> None:
        proxy = Sidecar("proxy", Resources(cpu="100m"), Resources(cpu=1, mem="32Gi"))
        pods = predict(Dask(workers=3), Parent(sidecars=[proxy]), Platform(limits=_limits()))
        copies = {"proxy": {"requests": {"cpu": "100m"}, "limits": {"cpu": "1", "memory": "16Gi"}}}
        assert [pod.as_dict()["sidecars"] for pod in pods] == [copies] * 3
        assert [remark.path for remark in pods.remarks if "proxy" in remark.path] == [
            "sidecars.proxy.limits.mem"
        ]

    def test_an_image_that_is_not_built_is_unknown(self) -> None:
        from flytekit import ImageSpec

        pods = predict(Dask().with_workers(image=ImageSpec(name="etl")), Parent(image="acme/etl:1"))
        assert [pod.image for pod in pods] == ["acme/etl:1", "acme/etl:1", None]

    @pytest.mark.parametrize("cpu", ["1e-999", "1e999", "999E", "1n"])
    @pytest.mark.parametrize("mem", ["1e-999", "1e999", "16Ei", "1"])
    def test_amounts_beyond_any_machine_go_through(self, cpu: str, mem: str) -> None:
        config = presets.small().with_workers(cpu=cpu, mem=mem)
        for backend in BACKENDS:
            platform = Platform(backend=backend)
            assert str(footprint(predict(config, None, platform)))
            assert advise(config, None, platform)
            policy = Policy(total=Resources(cpu=1, mem="1Gi"), per_worker=Resources(cpu=1))
            assert [*violations(policy, config, Parent(), platform)]

    def test_a_fraction_of_a_billionth_is_rounded_up(self) -> None:
        pods = predict(presets.small().with_workers(cpu="1e-999"))
        assert pods.workers.container.resources["limits"]["cpu"] == "1e-9"


class TestInvariants:
    """Properties of all configs, tasks and platforms."""

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_a_config_and_its_template_get_the_same_pods(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        """A config that is read back from its template gets the same pods."""
        read = Dask.from_custom(wire.custom(config, config.resolve(parent)))
        assert predict(read, parent, platform) == predict(config, parent, platform)

    @given(CONFIGS, PARENTS, PLATFORMS)
    def test_no_pod_has_more_than_the_platform_allows(
        self, config: Dask, parent: Parent, platform: Platform
    ) -> None:
        for pod in predict(config, parent, platform):
            for name, (request, limit) in pod.container.amounts.items():
                most = platform.allowed.get(name)
                assert request is None or limit is None or request <= limit
                if most is not None and pod.container.gpu_name != "gpu":
                    assert limit is None or limit <= most

    @given(CONFIGS, PARENTS)
    def test_without_limits_a_pod_has_its_effective_amounts(
        self, config: Dask, parent: Parent
    ) -> None:
        resolved, pods = config.resolve(parent), predict(config, parent)
        for role, pod in ((resolved.scheduler, pods.scheduler), (resolved.workers, pods.workers)):
            for name, pair in zip(role._fields, role, strict=True):
                effective = tuple(amount for amount in pair.effective if amount)
                if any(amount.value for amount in effective):
                    assert pod.container.amounts[name] == pair.effective

    @pytest.mark.parametrize("name", golden_cases())
    def test_configs_of_the_official_plugin_have_pods(self, name: str) -> None:
        """Whatever the backend; the configs are those of the golden file."""
        config: Any = golden_cases()[name]
        for backend in BACKENDS:
            platform = Platform(backend=backend, limits=Resources(cpu=2, mem="1Gi", gpu=1))
            pods = predict(config, None, platform)
            assert pods.workers.replicas == config.workers.number_of_workers
            assert footprint(pods).pods == config.workers.number_of_workers + 2


class TestPlatform:
    """A platform."""

    def test_flytes_own_defaults_stay_where_the_platform_has_none(self) -> None:
        assert Platform(defaults=Resources(mem="1Gi")).given == {
            "cpu": Quantity("2"),
            "mem": Quantity("1Gi"),
        }

    def test_a_default_of_zero_gpus_is_unset(self) -> None:
        pods = predict(Dask(), None, Platform(defaults=Resources(gpu=0)))
        assert "nvidia.com/gpu" not in pods.workers.container.resources["limits"]

    def test_a_limit_of_zero_is_rejected(self) -> None:
        with pytest.raises(InvalidConfig, match="is zero, which Flyte treats as no limit"):
            Platform(limits=Resources(gpu=0))

    def test_has_origins(self) -> None:
        origin = Platform(limits=Resources(mem="1Gi")).origins["limits.mem"]
        assert (origin.by, origin.call_site and Path(origin.call_site.file)) == (
            "Platform(...)",
            Path(__file__),
        )

    def test_all_problems_are_reported_at_once(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Platform(backend="v3", limits=5, defaults=Resources)  # type: ignore[arg-type]
        assert [(problem.path, problem.rule) for problem in caught.value.problems] == [
            ("backend", "is an unknown backend"),
            ("defaults", "is not a Resources"),
            ("limits", "is not a Resources"),
        ]


class TestFootprint:
    """The whole job."""

    def test_counts_all_pods(self) -> None:
        total = footprint(predict(presets.gpu_heavy(3), Parent(limits=Resources(cpu=1, mem="2Gi"))))
        assert str(total) == "5 pods, 15 CPUs, 82Gi memory, 3 GPUs"
        assert total.requests == total.limits

    def test_shows_limits_where_they_differ(self) -> None:
        config = Dask(
            Scheduler(requests=Resources(cpu="500m", mem="1Gi")),
            WorkerGroup(4, None, Resources(cpu=1, mem="4Gi"), Resources(cpu=2, mem="8Gi")),
        )
        task = Parent(limits=Resources(cpu=1, mem="1Gi", ephemeral_storage="10Gi"))
        assert str(footprint(predict(config, task))) == (
            "6 pods, 5.5 CPUs, 18Gi memory, 60Gi disk, up to 10 CPUs, 34Gi memory, 60Gi disk"
        )

    def test_counts_sidecars_in_every_pod(self) -> None:
        task = Parent(limits=Resources(cpu=1, mem="1Gi"), sidecars=[_proxy()])
        with_proxies = footprint(predict(Dask(workers=3), task))
        assert str(with_proxies) == "5 pods, 7.5 CPUs, 5Gi memory, up to 10 CPUs, 5Gi memory"


def _proxy() -> Sidecar:
    return Sidecar("proxy", Resources(cpu="500m"), Resources(cpu=1))


_CANONICAL = json.loads(QUANTITIES.read_text(encoding="utf-8"))["canonical"]


def test_amounts_are_canonical_as_in_kubernetes() -> None:
    """By the recorded answers of its own parser."""
    answers = {text: answer for text, answer in _CANONICAL.items() if answer is not None}
    assert len(answers) > 300
    assert {text: canonical(Quantity(text)) for text in answers} == answers
