"""The custom struct equals that of the official plugin, and what protobuf itself would write."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from flyteidl.plugins import dask_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from flyte_dask import Dask, Parent
from flyte_dask_engine.registration import serialization as wire
from flyte_dask_idl import DaskJob
from tests.recorded.official_plugin.cases import cases, customs
from tests.recorded.official_plugin.record import GOLDEN
from tests.support.configs import CONFIGS, PARENTS

OFFICIAL: dict[str, Any] = json.loads(GOLDEN.read_text())["customs"]


def custom(config: Dask, parent: Parent | None = None) -> dict[str, Any]:
    """The custom of a template with *config*, in a task *parent*."""
    return wire.custom(config, config.resolve(parent))


class TestGolden:
    """Recorded from the official plugin."""

    def test_every_case_is_recorded(self) -> None:
        assert list(OFFICIAL) == list(cases())

    @pytest.mark.parametrize("name", OFFICIAL)
    def test_without_inheritance_it_equals_the_official_one(self, name: str) -> None:
        """The JSON text, so the order of the keys counts too."""
        ours = custom(cases()[name].with_inherit("off"))
        assert json.dumps(ours) == json.dumps(OFFICIAL[name])

    def test_in_a_task_without_resources_only_gpus_on_one_side_differ(self) -> None:
        differing = {name for name, ours in customs().items() if ours != OFFICIAL[name]}
        assert differing == {
            name
            for name in OFFICIAL
            if ("gpu" in name and not name.startswith("both")) or name == "no GPU, set"
        }

    @pytest.mark.parametrize("name", ["requests gpu", "limits cpu+gpu", "no GPU, set"])
    def test_and_those_have_both_sides(self, name: str) -> None:
        ours = customs()[name]
        for role in ("scheduler", "workers"):
            sides = [ours[role]["resources"].get(side, []) for side in ("requests", "limits")]
            gpus = [[each for each in side if each["name"] == "GPU"] for side in sides]
            assert gpus[0] == gpus[1]


def test_a_caller_may_modify_the_result() -> None:
    config = Dask().with_workers(cpu=1)
    for _ in range(2):
        got = custom(config)
        entry = {"name": "CPU", "value": "1"}
        assert got == {
            "scheduler": {"resources": {}},
            "workers": {
                "numberOfWorkers": 1,
                "resources": {"requests": [entry], "limits": [entry]},
            },
        }
        got["workers"]["numberOfWorkers"] = 9
        got["workers"]["resources"]["requests"][0]["value"] = "9"
        got["workers"]["resources"]["limits"].clear()


def test_each_spelling_stays_its_own() -> None:
    """Even though the two configs are equal."""
    one, other = Dask().with_workers(cpu="1"), Dask().with_workers(cpu="1000m")
    assert one == other
    for config, text in [(one, "1"), (other, "1000m"), (one, "1")]:
        assert custom(config)["workers"]["resources"]["limits"][0]["value"] == text


class TestAgainstProtobuf:
    """Conformance with the official classes."""

    @given(CONFIGS, PARENTS)
    def test_of_any_config_in_any_task(self, config: Dask, parent: Parent) -> None:
        agrees(config, parent)
        resolved = config.resolve(parent)
        ours = wire.custom(config, resolved)
        assert json.dumps(wire.dask_job(config, resolved).to_dict()) == json.dumps(ours)
        assert custom(Dask.from_custom(as_struct(ours))) == ours

    @pytest.mark.once
    @settings(max_examples=100)
    @given(st.integers(0, 2**64 - 1))
    def test_of_thousands_of_jobs(self, seed: int) -> None:
        """Each of amounts that are seldom or never drawn twice."""
        for config in jobs(random.Random(seed), 30):
            agrees(config, None)


def agrees(config: Dask, parent: Parent | None) -> None:
    """Bytes both ways, the JSON form with the order of its keys, and back from it."""
    resolved = config.resolve(parent)
    message, ours = wire.dask_job(config, resolved), wire.custom(config, resolved)
    encoded = bytes(message)
    official = dask_pb2.DaskJob.FromString(encoded)
    assert official.SerializeToString(deterministic=True) == encoded
    assert DaskJob.FromString(encoded) == message
    assert json.dumps(MessageToDict(official)) == json.dumps(ours)
    assert ParseDict(ours, dask_pb2.DaskJob()) == official
    assert custom(Dask.from_custom(ours)) == ours


def as_struct(custom: dict[str, Any]) -> dict[str, Any]:
    """*custom* as it comes back from a template's message."""
    struct = Struct()
    struct.update(custom)
    return MessageToDict(struct)


def jobs(dice: random.Random, count: int) -> Iterator[Dask]:
    """Valid configs with random amounts, counts and images, some of them unset."""
    for _ in range(count):
        config = Dask(inherit=dice.choice(["fill", "pin", "off"]))
        config = config.with_scheduler(image=image(dice), **amounts(dice))
        count = dice.choice([1, 2**31, 2**32 - 1, dice.randrange(1, 2**32), dice.randrange(1, 999)])
        yield config.with_workers(dice.choice([None, count]), image=image(dice), **amounts(dice))


def image(dice: random.Random) -> str | None:
    """A reference, with characters from everywhere, or none."""
    alphabet = "abcxyz0189./:@_-äß€漢"
    text = "".join(dice.choices(alphabet, k=dice.randrange(1, 40)))
    return dice.choice([None, text])


def amounts(dice: random.Random) -> dict[str, Any]:
    """Some of the dimensions, each with one amount or with request and limit."""
    gpus = dice.randrange(9)
    low, high = sorted(dice.randrange(1, 10**6) for _ in range(2))
    suffix = dice.choice(["", "k", "Ki", "Mi", "Gi", "G", "e3", "E"])
    sizes = f"{low}{suffix}", f"{high}{suffix}"
    drawn: dict[str, Any] = {
        "cpu": dice.choice([f"{high}m", low / 1000, (f"{low}m", f"{high}m"), (None, high)]),
        "mem": dice.choice([sizes[0], sizes, (sizes[0], None)]),
        "gpu": dice.choice([gpus, (gpus, None), (None, gpus)]),
        "ephemeral_storage": dice.choice([sizes[1], sizes, (None, sizes[1])]),
    }
    return {name: amount for name, amount in drawn.items() if dice.random() < 0.5}
