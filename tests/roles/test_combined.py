"""Requests and limits of a role in one value: ``resources=``, as the SDKs have them."""

from __future__ import annotations

import pickle
from typing import Any, cast

import attrs
import flytekit
import pytest

from flyte_dask import InvalidConfig, Resources, Scheduler, WorkerGroup


@attrs.define
class OfFlyte2:
    """The shape of ``flyte.Resources``."""

    cpu: Any = None
    memory: Any = None
    gpu: Any = None
    disk: Any = None
    shm: Any = None


@attrs.frozen
class Device:
    """The shape of ``flyte.Device``."""

    quantity: int
    device: str | None = None


@pytest.mark.parametrize(
    ("given", "requests", "limits"),
    [
        (OfFlyte2(cpu=2, memory="4Gi"), Resources(cpu=2, mem="4Gi"), None),
        (
            OfFlyte2(cpu=(1, 2), memory=("2Gi", "4Gi")),
            Resources(cpu=1, mem="2Gi"),
            Resources(cpu=2, mem="4Gi"),
        ),
        (OfFlyte2(cpu=(1, 2), disk="9Gi"), Resources(1, ephemeral_storage="9Gi"), Resources(2)),
        (OfFlyte2(gpu=2), Resources(gpu=2), None),
        (OfFlyte2(gpu="2"), Resources(gpu=2), None),
        (OfFlyte2(gpu=Device(2)), Resources(gpu=2), None),
        (OfFlyte2(gpu=0), Resources(gpu=0), None),
        (OfFlyte2(), None, None),
        (
            flytekit.Resources(cpu=("1", "2"), mem="4Gi"),
            Resources(cpu=1, mem="4Gi"),
            Resources(cpu=2),
        ),
        (Resources(cpu=1), Resources(cpu=1), None),
    ],
)
def test_an_amount_is_a_request_and_a_pair_is_both(
    given: Any, requests: Resources | None, limits: Resources | None
) -> None:
    assert WorkerGroup(3, resources=given) == WorkerGroup(3, None, requests, limits)
    assert Scheduler(resources=given) == Scheduler(None, requests, limits)


def test_only_requests_and_limits_are_kept() -> None:
    """In copies too, and in all that a role is written to."""
    group = WorkerGroup(3, resources=OfFlyte2(cpu=(1, 2)))
    kept = "requests=Resources(cpu='1'), limits=Resources(cpu='2')"
    assert repr(group) == f"WorkerGroup(number_of_workers=3, {kept})"
    assert pickle.loads(pickle.dumps(group)) == group
    assert attrs.evolve(group, limits=Resources(cpu=4)).limits == Resources(cpu=4)
    assert {*group.origins} == {"number_of_workers", "cpu"}


def test_all_problems_at_once_by_the_names_that_were_written() -> None:
    given = OfFlyte2(cpu=(4, 2), memory="16GB", gpu="A100:2", disk=0, shm="auto")
    with pytest.raises(InvalidConfig) as caught:
        WorkerGroup(0, resources=given)
    assert {each.path: str(each) for each in caught.value.problems} == {
        "number_of_workers": "0 must be an integer from 1 to 4294967295: use 1 or more",
        "resources.cpu": "'2' is below the request '4': raise the limit or lower the request",
        "resources.memory": "'16GB' is not a Kubernetes quantity: did you mean '16Gi' (or '16G')?",
        "resources.gpu": (
            "'A100:2' names a type of device, which a role cannot have: write gpu=2, and set the "
            "type in the resources of the environment"
        ),
        "resources.disk": (
            "'0' must be above zero (Flyte drops other amounts): set what the pod needs, or omit it"
        ),
        "resources.shm": (
            "'auto' is shared memory, which a role cannot set: set it in the resources of the "
            "environment, whose pod the roles copy"
        ),
    }


@pytest.mark.parametrize("given", [3, "4Gi", OfFlyte2, {"cpu": 1}])
def test_what_is_no_resources(given: Any) -> None:
    with pytest.raises(InvalidConfig, match="is not a Resources of an SDK"):
        Scheduler(resources=given)


def test_it_excludes_the_sides() -> None:
    with pytest.raises(InvalidConfig, match="set together with requests or limits"):
        Scheduler(resources=OfFlyte2(cpu=1), limits=Resources(mem="1Gi"))


def test_that_of_flyte_2_is_not_one_side() -> None:
    with pytest.raises(InvalidConfig, match="pass it as resources=, which sets requests and"):
        Scheduler(requests=cast("Any", OfFlyte2(cpu=1)))
