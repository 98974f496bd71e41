"""The pods that the backends create for a task: worked cases, invariants, and their total."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyte_dask import Dask, Parent, Resources, Scheduler, WorkerGroup, presets
from flyte_dask.advice import advise
from flyte_dask.inheritance.parent import Sidecar
from flyte_dask.policy import Policy, violations
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.footprint import footprint
from flyte_dask.prediction.platform import BASES, Backend, Platform
from flyte_dask.prediction.steps import SIDES
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.quantities.spelling import canonical
from flyte_dask_engine.registration import serialization as wire
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

    def test_a_remark_reads_as_a_sentence(self) -> None:
        pods = predict(Dask().with_workers(cpu=1, mem="32Gi"), None, Platform(limits=_limits()))
        why = "above the platform's limit: silently clamped to it"
        assert [str(remark) for remark in pods.workers.remarks] == [
            f"workers.requests.mem: 32Gi -> 16Gi: {why}",
            f"workers.limits.mem: 32Gi -> 16Gi: {why}",
        ]

    def test_sidecars_are_in_every_pod_with_zeros_and_clamped(self) -> None:
        proxy = Sidecar("proxy", Resources(cpu="100m"), Resources(cpu=1, mem="32Gi"))
        pods = predict(Dask(workers=3), Parent(sidecars=[proxy]), Platform(limits=_limits()))
        requests, limits = {"cpu": "100m", "memory": "0"}, {"cpu": "1", "memory": "16Gi"}
        copies = {"proxy": {"requests": requests, "limits": limits}}
        assert [pod.as_dict()["sidecars"] for pod in pods] == [copies] * 3
        of_proxy = [remark for remark in pods.remarks if "proxy" in remark.path]
        assert [(remark.path, remark.rule) for remark in of_proxy] == [
            ("sidecars.proxy.limits.mem", "clamped-to-platform"),
            ("sidecars.proxy.requests.mem", "sidecar-zero"),
        ]

    def test_all_pods_have_init_containers_and_the_accelerator(self) -> None:
        fetch = Sidecar("fetch", limits=Resources(cpu=1, mem="1Gi"))
        gpu = Resources(gpu=1)
        l4 = "nvidia-l4"
        parent = Parent(gpu, gpu, init_containers=[fetch], interruptible=True, accelerator=l4)
        pods = predict(Dask(), parent).as_dict()
        extra = {
            "init_containers": {"fetch": {side: {"cpu": "1", "memory": "1Gi"} for side in SIDES}},
            "accelerator": l4,
        }
        plain = predict(Dask(), Parent(gpu, gpu)).as_dict()
        assert pods["runner"] == {**plain["runner"], **extra}
        assert pods["scheduler"] == {**plain["scheduler"], **extra}
        assert pods["workers"] == {**plain["workers"], **extra, "interruptible": True}

    def test_an_accelerator_without_gpus_restricts_no_pod(self) -> None:
        """Flyte applies it only to pods of which a container has GPUs by the platform's name."""
        l4, gpu = "nvidia-l4", Resources(gpu=1)
        on_amd = Platform(gpu_resource="amd.com/gpu")
        with_gpu = Parent(sidecars=[Sidecar("infer", gpu, gpu)], accelerator=l4)
        assert predict(Dask(), Parent(accelerator=l4)).workers.accelerator is None
        assert predict(Dask(), Parent(gpu, gpu, accelerator=l4), on_amd).workers.accelerator is None
        assert predict(Dask(), with_gpu).workers.accelerator == l4

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
        """Whatever the platform; the configs are those of the golden file."""
        config: Any = golden_cases()[name]
        for base in BASES:
            platform = Platform(base=base)
            pods = predict(config, None, platform)
            assert pods.workers.replicas == config.workers.number_of_workers
            assert footprint(pods).pods == config.workers.number_of_workers + 2


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

    def test_an_init_container_counts_if_it_is_larger(self) -> None:
        fetch = Sidecar("fetch", limits=Resources(cpu="500m", mem="4Gi"))
        task = Parent(limits=Resources(cpu=1, mem="1Gi"), init_containers=[fetch])
        assert str(footprint(predict(Dask(workers=3), task))) == "5 pods, 5 CPUs, 20Gi memory"

    def test_zero_is_no_limit(self) -> None:
        task = Parent(limits=Resources(cpu=1, mem="1Gi"), sidecars=[Sidecar("proxy")])
        assert str(footprint(predict(Dask(workers=3), task))) == "5 pods, 5 CPUs, 5Gi memory"

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
