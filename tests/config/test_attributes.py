"""Attributes that a config does not have: the error names the nearest, or where it is."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy

import pytest

from flyte_dask import Dask, Resources, Runtime, WorkerGroup, presets

CONFIG = presets.medium()


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        (CONFIG, "with_worker", ": did you mean 'with_workers'?"),
        (CONFIG, "worker", ": did you mean 'workers'?"),
        (CONFIG, "number_of_workers", ": did you mean 'workers.number_of_workers'?"),
        (CONFIG, "image", ": did you mean 'scheduler.image' or 'workers.image'?"),
        (CONFIG, "xyz", ""),
        (CONFIG, "_workers", ""),
        (CONFIG.workers, "mem", ": did you mean 'requests.mem' or 'limits.mem'?"),
        (WorkerGroup(), "count", ": did you mean 'number_of_workers'?"),
        (Resources(mem="1Gi"), "memory", ": did you mean 'mem'?"),
        (Runtime(), "min_worker", ": did you mean 'min_workers'?"),
        (presets.medium, "confg", ": did you mean 'config'?"),
        (presets.medium, "with_workers", ": call the preset first: preset().with_workers"),
    ],
)
def test_the_error_says_what_was_meant(value: object, name: str, expected: str) -> None:
    with pytest.raises(AttributeError) as caught:
        getattr(value, name)
    assert type(caught.value) is AttributeError
    kind = type(value).__name__
    assert str(caught.value) == f"'{kind}' object has no attribute '{name}'{expected}"


@pytest.mark.parametrize(
    "value",
    [CONFIG, CONFIG.workers, Resources(mem="1Gi"), Runtime(local="processes"), presets.medium],
)
def test_what_asks_for_attributes_gets_no_for_an_answer(value: object) -> None:
    assert not hasattr(value, "xyz")
    assert getattr(value, "xyz", 5) == 5
    assert copy(value) == deepcopy(value) == pickle.loads(pickle.dumps(value)) == value


def test_a_config_without_values_has_no_attributes() -> None:
    """As when a copy is made: no value is looked for in those that are not there yet."""
    with pytest.raises(AttributeError, match=r"^'Dask' object has no attribute 'origins'$"):
        _ = object.__new__(Dask).origins
