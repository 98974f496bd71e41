"""``Dask.from_custom``: registered templates are read back strictly."""

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
    """A custom with these roles; by default, without resources."""
    unset: dict[str, Any] = {"resources": {}}
    return {
        "scheduler": unset if scheduler is None else scheduler,
        "workers": {"numberOfWorkers": 1, **unset} if workers is None else workers,
    }


def with_requests(entries: object) -> Any:
    """A custom whose workers have these requests."""
    return job(workers={"numberOfWorkers": 1, "resources": {"requests": entries}})


def test_reads_the_template_with_inherit_off() -> None:
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
def test_reads_templates_of_the_official_plugin(name: str) -> None:
    config = Dask.from_custom(OFFICIAL[name])
    assert wire.custom(config, config.resolve()) == OFFICIAL[name]


@given(CONFIGS, PARENTS)
def test_reads_back_a_resolved_config(config: Dask, parent: Parent) -> None:
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


_MISSING = "is required: add the key"

_OBJECT = "write an object with image, resources"

BAD: list[tuple[Any, dict[str, str]]] = [
    (None, {"custom": "None is not an object: write an object with scheduler, workers"}),
    ({}, {"scheduler": _MISSING, "workers": _MISSING}),
    (
        {**job(), "worker": {}},
        {"worker": "{} is under an unknown key: did you mean 'workers'?"},
    ),
    ({**job(), "scheduler": None}, {"scheduler": "None is not an object: " + _OBJECT}),
    (
        with_requests((CPU,)),
        {
            "workers.resources.requests": "({'name': 'CPU', 'value': '2'},) is not a list of "
            "amounts: write a list of {'name': ..., 'value': ...}, or omit the key"
        },
    ),
    (job("img"), {"scheduler": "'img' is not an object: write an object with image, resources"}),
    (job({}), {"scheduler.resources": _MISSING}),
    (
        job({"resources": {}, "numberOfWorkers": 1}),
        {"scheduler.numberOfWorkers": "1 is under an unknown key: use one of image, resources"},
    ),
    (
        job(workers={"number_of_workers": 4, "resources": {}}),
        {
            "workers.number_of_workers": "4 is under an unknown key: "
            "did you mean 'numberOfWorkers'?",
            "workers.numberOfWorkers": _MISSING,
        },
    ),
    (
        job(workers={"numberOfWorkers": 0, "image": "", "resources": {}}),
        {
            "workers.numberOfWorkers": "0 must be an integer from 1 to 4294967295: use 1 or more",
            "workers.image": "'' is an empty image reference: use a reference such as "
            "'acme/etl:3', or omit it to use the task's image",
        },
    ),
    (
        job(workers={"numberOfWorkers": None, "resources": {}}),
        {
            "workers.numberOfWorkers": "None must be an int, not NoneType: use 1 or more",
        },
    ),
    (
        job(workers={"numberOfWorkers": 2.5, "resources": []}),
        {
            "workers.numberOfWorkers": "2.5 must be an int, not float: use 1 or more",
            "workers.resources": "[] is not an object: write an object with requests, limits",
        },
    ),
    (
        with_requests([]),
        {
            "workers.resources.requests": "[] is not a list of amounts: "
            "write a list of {'name': ..., 'value': ...}, or omit the key"
        },
    ),
    (
        with_requests([{"name": "CPUS", "value": "1"}, {"name": "STORAGE", "value": "1Gi"}, 5]),
        {
            "workers.resources.requests[0].name": "'CPUS' is an unknown resource of a Dask pod: "
            "did you mean 'CPU'?",
            "workers.resources.requests[1].name": "'STORAGE' is a resource that Flyte ignores: "
            "omit the entry",
            "workers.resources.requests[2]": "5 is not an object: write an object with name, value",
        },
    ),
    (
        with_requests([{"name": 1, "value": "1"}, {"name": "MEMORY", "value": 4}, {"name": "GPU"}]),
        {
            "workers.resources.requests[0].name": "1 is an unknown resource of a Dask pod: "
            "use one of CPU, MEMORY, GPU, EPHEMERAL_STORAGE",
            "workers.resources.requests[1].value": "4 must be a str, not int: "
            "write the quantity as text, such as '16Gi'",
            "workers.resources.requests[2].value": _MISSING,
        },
    ),
    (
        with_requests([MEMORY, CPU, CPU]),
        {
            "workers.resources.requests": "['MEMORY', 'CPU', 'CPU'] has duplicates or the wrong "
            "order: list each once, in the order CPU, MEMORY, GPU, EPHEMERAL_STORAGE"
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
def test_other_input_is_an_error(custom: Any, problems: dict[str, str]) -> None:
    with pytest.raises(InvalidConfig) as caught:
        Dask.from_custom(custom)
    assert {problem.path: str(problem) for problem in caught.value.problems} == problems
    assert caught.value.subject == "from_custom(...)"
