"""What reads the official plugin's configs, which are dataclasses, reads these too."""

from __future__ import annotations

import dataclasses
import json
from pprint import pformat
from typing import Any

import attrs
import flytekit
import pytest
from flytekit.core.resources import convert_resources_to_resource_model
from hypothesis import given

from flyte_dask import Dask, Resources, Scheduler, WorkerGroup, presets
from flyte_dask.config.runtime import Runtime
from tests.support.configs import CONFIGS

CONFIG = Dask(
    Scheduler(image="acme/etl:3", requests=Resources(cpu=1)),
    WorkerGroup(4, limits=Resources(cpu="500m", mem="8Gi")),
    runtime=Runtime(worker_timeout=60),
)


class TestAConfig:
    """A config with values of each part."""

    def test_as_a_dict_is_json(self) -> None:
        found = json.loads(json.dumps(dataclasses.asdict(CONFIG)))
        runtime = found.pop("runtime")
        assert found == {
            "scheduler": {
                "image": "acme/etl:3",
                "requests": {"cpu": "1", "mem": None, "gpu": None, "ephemeral_storage": None},
                "limits": None,
            },
            "workers": {
                "number_of_workers": 4,
                "image": None,
                "requests": None,
                "limits": {"cpu": "500m", "mem": "8Gi", "gpu": None, "ephemeral_storage": None},
            },
            "inherit": "fill",
            "silence": [],
        }
        assert runtime == {**runtime, "worker_timeout": 60.0, "min_workers": 1}

    def test_its_variables_are_its_arguments(self) -> None:
        assert vars(CONFIG) == {
            "scheduler": CONFIG.scheduler,
            "workers": CONFIG.workers,
            "inherit": "fill",
            "runtime": CONFIG.runtime,
            "silence": (),
        }
        assert vars(CONFIG.scheduler) == {
            "image": "acme/etl:3",
            "requests": Resources(cpu=1),
            "limits": None,
        }

    def test_a_changed_dict_does_not_change_it(self) -> None:
        vars(CONFIG)["silence"] = ("tiny-memory",)
        assert CONFIG.silence == ()

    def test_a_copy_is_changed_like_a_dataclass(self) -> None:
        changed = dataclasses.replace(CONFIG.workers, number_of_workers=8)
        assert changed == attrs.evolve(CONFIG.workers, number_of_workers=8)

    def test_it_is_printed_as_ever(self) -> None:
        assert pformat(CONFIG, width=1000) == repr(CONFIG)

    @given(config=CONFIGS)
    def test_a_copy_resolves_to_the_same(self, config: Dask) -> None:
        assert dataclasses.replace(config).resolve() == config.resolve()


@pytest.mark.parametrize("kind", [Dask, Scheduler, WorkerGroup, Resources, Runtime])
def test_classes_have_the_fields_of_their_arguments(kind: Any) -> None:
    assert [each.name for each in dataclasses.fields(kind)] == [*vars(kind())]


class TestResources:
    """Amounts."""

    def test_flytekit_converts_them(self) -> None:
        workers = presets.gpu_heavy(2).workers
        theirs = flytekit.Resources(**vars(workers.limits))
        assert convert_resources_to_resource_model(
            requests=workers.requests,  # type: ignore[arg-type]  # what users pass
            limits=workers.limits,  # type: ignore[arg-type]
        ) == convert_resources_to_resource_model(theirs, theirs)

    def test_they_are_equal_to_flytekits(self) -> None:
        ours, theirs = Resources(cpu="1000m", mem="1Gi"), flytekit.Resources(cpu=1, mem="1024Mi")
        assert ours == theirs
        assert theirs == ours
        assert ours != flytekit.Resources(cpu=2, mem="1Gi")
        assert flytekit.Resources() == Resources()

    @pytest.mark.parametrize("other", [flytekit.Resources(cpu="much"), "1", None, 1, flytekit])
    def test_they_differ_from_what_has_no_amounts(self, other: object) -> None:
        assert Resources(cpu=1) != other
