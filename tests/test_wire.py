"""The custom struct: what the incumbent writes, and what protobuf itself would write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flyteidl.plugins import dask_pb2
from google.protobuf.json_format import MessageToDict, ParseDict
from hypothesis import given

from flyte_dask import Dask
from flytekitplugins.dask import wire
from tests.configs import CONFIGS
from tests.golden.cases import cases, customs
from tests.golden.record import GOLDEN

INCUMBENT: dict[str, Any] = json.loads(GOLDEN.read_text())["customs"]


@pytest.fixture(scope="module")
def ours() -> dict[str, Any]:
    """What our plugin writes for each case."""
    return customs()


def test_the_golden_file_has_every_case() -> None:
    assert list(INCUMBENT) == list(cases())


@pytest.mark.parametrize("name", INCUMBENT)
def test_equals_the_incumbents_key_for_key(ours: dict[str, Any], name: str) -> None:
    """The JSON text, so the order of the keys counts too."""
    assert json.dumps(ours[name]) == json.dumps(INCUMBENT[name])


def test_a_caller_may_change_what_it_gets() -> None:
    custom = wire.custom(Dask())
    custom["workers"]["numberOfWorkers"] = 9
    assert wire.custom(Dask()) == {
        "scheduler": {"resources": {}},
        "workers": {"numberOfWorkers": 1, "resources": {}},
    }


@given(CONFIGS)
def test_agrees_with_the_official_classes(config: Dask) -> None:
    """Bytes both ways, and the JSON form with the order of its keys."""
    message = wire.dask_job(config)
    official = dask_pb2.DaskJob.FromString(bytes(message))
    assert official.SerializeToString(deterministic=True) == bytes(message)
    assert json.dumps(MessageToDict(official)) == json.dumps(wire.custom(config))
    assert ParseDict(wire.custom(config), dask_pb2.DaskJob()) == official
