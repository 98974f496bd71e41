"""Platforms: what a deployment of Flyte configures, and what it keeps of Flyte's own amounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from flyte_dask import Dask, InvalidConfig, Resources
from flyte_dask.prediction.backend import predict
from flyte_dask.prediction.platform import BASES, Base, Platform


def amounts(platform: Platform) -> tuple[dict[str, str], dict[str, str]]:
    """The defaults and limits of *platform*, as text."""
    defaults, limits = (
        {name: amount.text for name, amount in side.items()}
        for side in (platform.given, platform.allowed)
    )
    return defaults, limits


FLYTEADMIN = {"cpu": "2", "mem": "1Gi", "gpu": "1"}
"""The limits of flyteadmin without configuration."""


class TestBases:
    """Named starting points."""

    @pytest.mark.parametrize(
        ("base", "backend", "defaults", "limits"),
        [
            ("flyteadmin", "v1", {"cpu": "2", "mem": "200Mi"}, FLYTEADMIN),
            ("flyte-core", "v1", {"cpu": "100m", "mem": "500Mi"}, FLYTEADMIN),
            ("flyte-binary", "v1", {"cpu": "2", "mem": "200Mi"}, FLYTEADMIN),
            ("sandbox", "v1", {"cpu": "500m", "mem": "1Gi"}, {}),
            ("attributes", "v1", {"cpu": "0", "mem": "0"}, {}),
            ("flyte-2", "v2", {"cpu": "1", "mem": "1Gi"}, {}),
        ],
    )
    def test_has_its_amounts(
        self, base: Base, backend: str, defaults: dict[str, str], limits: dict[str, str]
    ) -> None:
        platform = Platform(base=base)
        assert (platform.backend, *amounts(platform)) == (backend, defaults, limits)

    def test_amounts_are_set_on_top(self) -> None:
        platform = Platform(
            base="flyte-core", defaults=Resources(mem="2Gi"), limits=Resources(cpu=16)
        )
        assert amounts(platform) == (
            {"cpu": "100m", "mem": "2Gi"},
            {"cpu": "16", "mem": "1Gi", "gpu": "1"},
        )

    def test_attributes_replace_everything(self) -> None:
        platform = Platform(
            base="attributes", defaults=Resources(cpu=1), limits=Resources(mem="8Gi")
        )
        assert amounts(platform) == ({"cpu": "1", "mem": "0"}, {"mem": "8Gi"})

    def test_all_are_listed(self) -> None:
        assert {Platform(base=base).base for base in BASES} == set(BASES)


class TestFlyteadmin:
    """Flyte 1, by flyteadmin's configuration."""

    def test_without_limits_they_are_unknown(self) -> None:
        assert amounts(Platform()) == ({"cpu": "2", "mem": "200Mi"}, {})
        assert amounts(Platform(defaults=Resources(mem="1Gi"))) == ({"cpu": "2", "mem": "1Gi"}, {})

    def test_an_unset_limit_keeps_flyteadmins_own(self) -> None:
        assert amounts(Platform(limits=Resources(cpu=16)))[1] == {**FLYTEADMIN, "cpu": "16"}

    def test_unlimited_dimensions_have_no_limit(self) -> None:
        platform = Platform(limits=Resources(cpu=16), unlimited=["gpu", "mem"])
        assert amounts(platform)[1] == {"cpu": "16"}
        assert platform.unlimited == ("mem", "gpu")
        assert platform == Platform(limits=Resources(cpu=16), unlimited=("mem", "gpu"))

    def test_a_limit_of_zero_gpus_is_none(self) -> None:
        assert amounts(Platform(limits=Resources(cpu=16, gpu=0)))[1] == {"cpu": "16", "mem": "1Gi"}

    def test_a_default_of_zero_gpus_is_unset(self) -> None:
        pods = predict(Dask(), None, Platform(defaults=Resources(gpu=0)))
        assert "nvidia.com/gpu" not in pods.workers.container.resources["limits"]

    def test_without_limits(self) -> None:
        platform = Platform(base="flyte-core", limits=Resources(cpu=16)).without_limits
        assert amounts(platform) == ({"cpu": "100m", "mem": "500Mi"}, {})
        assert Platform().without_limits == Platform()


class TestFlyte2:
    """Flyte 2, whose executor has defaults of CPUs and memory only."""

    def test_has_defaults_of_cpus_and_memory(self) -> None:
        platform = Platform(backend="v2", defaults=Resources(cpu=2))
        assert amounts(platform) == ({"cpu": "2", "mem": "1Gi"}, {})

    def test_all_else_is_an_error_with_its_remedy(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Platform(
                base="flyte-2",
                defaults=Resources(gpu=1, ephemeral_storage="1Gi"),
                limits=Resources(mem="1Gi"),
                unlimited=["cpu"],
            )
        remedies = {each.path: each.remedy for each in caught.value.problems}
        assert remedies == {
            "limits.mem": "omit it, and set a policy instead",
            "unlimited": "omit it",
            "defaults.gpu": "omit it, and set it on the tasks",
            "defaults.ephemeral_storage": "omit it, and set it on the tasks",
        }

    def test_amounts_can_be_assumed_to_be_given_to_the_plugin(self) -> None:
        platform = Platform(
            backend="v2",
            defaults=Resources(gpu=1),
            limits=Resources(mem="512Mi"),
            hypothetical=True,
        )
        pods = predict(Dask(), None, platform)
        assert pods.workers.container.resources["limits"] == {
            "cpu": "1",
            "memory": "512Mi",
            "nvidia.com/gpu": "1",
        }


class TestPlatform:
    """Any platform."""

    def test_has_origins(self) -> None:
        origin = Platform(limits=Resources(mem="1Gi")).origins["limits.mem"]
        assert (origin.by, origin.call_site and Path(origin.call_site.file)) == (
            "Platform(...)",
            Path(__file__),
        )

    @pytest.mark.parametrize("name", ["gpu", "", " /gpu", "a/b/c", "amd.com/", "amd.com/gpu x", 5])
    def test_the_resource_of_gpus_has_a_domain(self, name: str) -> None:
        with pytest.raises(InvalidConfig, match="is not the name of a GPU resource"):
            Platform(gpu_resource=name)

    @pytest.mark.parametrize("value", [1, "yes", [], None])
    def test_hypothetical_is_a_bool(self, value: bool) -> None:
        with pytest.raises(InvalidConfig, match="is not a bool"):
            Platform(backend="v2", hypothetical=value)

    def test_all_problems_are_reported_at_once(self) -> None:
        with pytest.raises(InvalidConfig) as caught:
            Platform(backend="v3", limits=5, defaults=Resources)  # type: ignore[arg-type]
        assert [(problem.path, problem.rule) for problem in caught.value.problems] == [
            ("backend", "is an unknown backend"),
            ("defaults", "is not a Resources"),
            ("limits", "is not a Resources"),
        ]
