"""``Dask.from_custom``: what registered templates say, read back, strictly."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from flyte_dask import Dask, InvalidConfig, Parent, Resources, Scheduler, WorkerGroup, presets
from flyte_dask_engine.registration import serialization as wire
from tests.registration.test_serialization import OFFICIAL
from tests.support.configs import CONFIGS, PARENTS

CPU = {"name": "CPU", "value": "2"}
MEMORY = {"name": "MEMORY", "value": "8Gi"}


def job(scheduler: object = None, workers: object = None) -> Any:
    """A custom of those roles; if None, of silent ones."""
    silent: dict[str, Any] = {"resources": {}}
    return {
        "scheduler": silent if scheduler is None else scheduler,
        "workers": {"numberOfWorkers": 1, **silent} if workers is None else workers,
    }


def with_requests(entries: object) -> Any:
    """A custom whose workers request that."""
    return job(workers={"numberOfWorkers": 1, "resources": {"requests": entries}})


def test_reads_what_is_said_and_inherits_nothing() -> None:
    custom = job(
        {"image": "acme/dask:1", "resources": {"limits": [MEMORY]}},
        {"numberOfWorkers": 5.0, "resources": {"requests": [CPU, MEMORY], "limits": [CPU]}},
    )
    config = Dask.from_custom(custom)
    assert config == Dask(
        Scheduler("acme/dask:1", limits=Resources(mem="8Gi")),
        WorkerGroup(5, None, Resources(cpu=2, mem="8Gi"), Resources(cpu=2)),
        inherit="off",
    )
    assert {origin.by for origin in config.origins.values()} == {"from_custom(...)"}


@pytest.mark.parametrize("name", OFFICIAL)
def test_reads_the_incumbents_templates(name: str) -> None:
    config = Dask.from_custom(OFFICIAL[name])
    assert wire.custom(config, config.resolve()) == OFFICIAL[name]


@given(CONFIGS, PARENTS)
def test_reads_what_was_resolved(config: Dask, parent: Parent) -> None:
    resolved = config.resolve(parent)
    read = Dask.from_custom(wire.custom(config, resolved))
    assert read.workers.number_of_workers == config.workers.number_of_workers
    assert (read.scheduler.image, read.workers.image) == (
        config.scheduler.image,
        config.workers.image,
    )
    assert [role.emitted for role in read.resolve(parent)] == [role.emitted for role in resolved]


def test_what_was_read_is_changed_like_any_config() -> None:
    custom = json.loads(json.dumps(OFFICIAL["the document's sizes"]))
    config = Dask.from_custom(custom).with_workers(8).with_inherit("fill")
    assert (config.workers.number_of_workers, config.inherit) == (8, "fill")
    assert (presets.small() | Dask.from_custom(custom)).inherit == "off"


_NOTHING = "NOTHING is here, and every template has this key: write it"

_OBJECT = "write an object with image, resources"

BAD: list[tuple[Any, dict[str, str]]] = [
    (None, {"custom": "None is no object: write an object with scheduler, workers"}),
    ({}, {"scheduler": _NOTHING, "workers": _NOTHING}),
    (
        {**job(), "worker": {}},
        {"worker": "{} has a key that no template has: did you mean 'workers'?"},
    ),
    ({**job(), "scheduler": None}, {"scheduler": "None is no object: " + _OBJECT}),
    (
        with_requests((CPU,)),
        {
            "workers.resources.requests": "({'name': 'CPU', 'value': '2'},) is no list of amounts: "
            "write a list of {'name': ..., 'value': ...}, or leave the key out"
        },
    ),
    (job("img"), {"scheduler": "'img' is no object: write an object with image, resources"}),
    (job({}), {"scheduler.resources": _NOTHING}),
    (
        job({"resources": {}, "numberOfWorkers": 1}),
        {"scheduler.numberOfWorkers": "1 has a key that no template has: it has image, resources"},
    ),
    (
        job(workers={"number_of_workers": 4, "resources": {}}),
        {
            "workers.number_of_workers": "4 has a key that no template has: "
            "did you mean 'numberOfWorkers'?",
            "workers.numberOfWorkers": _NOTHING,
        },
    ),
    (
        job(workers={"numberOfWorkers": 0, "image": "", "resources": {}}),
        {
            "workers.numberOfWorkers": "0 is out of range: "
            "write a whole number from 1 to 4294967295",
            "workers.image": "'' is an empty image reference: write a reference such as "
            "'acme/etl:3', or leave it out for the task's image",
        },
    ),
    (
        job(workers={"numberOfWorkers": None, "resources": {}}),
        {
            "workers.numberOfWorkers": "None is of type NoneType, not int: "
            "write a whole number from 1 to 4294967295",
        },
    ),
    (
        job(workers={"numberOfWorkers": 2.5, "resources": []}),
        {
            "workers.numberOfWorkers": "2.5 is of type float, not int: "
            "write a whole number from 1 to 4294967295",
            "workers.resources": "[] is no object: write an object with requests, limits",
        },
    ),
    (
        with_requests([]),
        {
            "workers.resources.requests": "[] is no list of amounts: "
            "write a list of {'name': ..., 'value': ...}, or leave the key out"
        },
    ),
    (
        with_requests([{"name": "CPUS", "value": "1"}, {"name": "STORAGE", "value": "1Gi"}, 5]),
        {
            "workers.resources.requests[0].name": "'CPUS' is no resource of a Dask pod: "
            "did you mean 'CPU'?",
            "workers.resources.requests[1].name": "'STORAGE' is a resource that Flyte ignores: "
            "leave the entry out",
            "workers.resources.requests[2]": "5 is no object: write an object with name, value",
        },
    ),
    (
        with_requests([{"name": 1, "value": "1"}, {"name": "MEMORY", "value": 4}, {"name": "GPU"}]),
        {
            "workers.resources.requests[0].name": "1 is no resource of a Dask pod: "
            "write one of CPU, MEMORY, GPU, EPHEMERAL_STORAGE",
            "workers.resources.requests[1].value": "4 is of type int, not str: "
            "write the quantity as text, such as '16Gi'",
            "workers.resources.requests[2].value": _NOTHING,
        },
    ),
    (
        with_requests([MEMORY, CPU, CPU]),
        {
            "workers.resources.requests": "['MEMORY', 'CPU', 'CPU'] is not the order of a config's "
            "amounts: write each once, in the order CPU, MEMORY, GPU, EPHEMERAL_STORAGE"
        },
    ),
    (
        with_requests([{"name": "MEMORY", "value": "16GB"}]),
        {
            "workers.requests.mem": "'16GB' is not a Kubernetes quantity: "
            "did you mean '16Gi' (or '16G')?"
        },
    ),
    (
        job({"resources": {"requests": [MEMORY], "limits": [{"name": "MEMORY", "value": "4Gi"}]}}),
        {
            "scheduler.limits.mem": "'4Gi' is below the request '8Gi': "
            "raise the limit or lower the request"
        },
    ),
]


@pytest.mark.parametrize(("custom", "problems"), BAD, ids=[str(custom) for custom, _ in BAD])
def test_anything_else_is_an_error(custom: Any, problems: dict[str, str]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Dask.from_custom(custom)
    assert {problem.path: str(problem) for problem in caught.value.problems} == problems
    assert caught.value.subject == "from_custom(...)"
