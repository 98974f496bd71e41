"""Remedies for arguments that are set elsewhere: what they name exists."""

from __future__ import annotations

import inspect
import re
from typing import Any

import flyte
import flytekit
import pytest

from flyte_dask import Dask, FlyteDaskError, Resources, Runtime, Scheduler, WorkerGroup, presets
from flyte_dask.config.runtime import SETTINGS
from flyte_dask.errors import misplaced

CALLS: list[Any] = [
    *(Dask, Scheduler, WorkerGroup, Resources, Runtime, presets.medium),
    *(Dask().with_workers, Dask().with_scheduler, Dask().with_runtime),
]

ARGUMENTS: dict[str, Any] = {
    "@task": flytekit.task,
    "@env.task": flyte.TaskEnvironment.task,
    "TaskEnvironment": flyte.TaskEnvironment,
    "flyte.Resources": flyte.Resources,
    "Dask": Dask,
    "WorkerGroup": WorkerGroup,
    "Scheduler": Scheduler,
    **{f".{each}": getattr(Dask, each) for each in dir(Dask) if each.startswith("with_")},
}
"""The callables that remedies name."""


def remedies(name: str) -> list[str]:
    """The remedy for the argument *name* in each of the calls that do not have it."""
    found = []
    for call in CALLS:
        if name not in inspect.signature(call).parameters:
            with pytest.raises(FlyteDaskError) as caught:
                call(**{name: 1})
            found.append(str(caught.value))
    return found


@pytest.mark.parametrize("name", [*misplaced._TASKS])
def test_what_a_task_sets_is_set_by_an_argument_of_both_sdks(name: str) -> None:
    texts = remedies(name)
    assert len(texts) == len(CALLS)
    for text in texts:
        assert "@task(" in text
        assert "Flyte 2" in text
        _exists(text)


@pytest.mark.parametrize(
    "name", [*SETTINGS, "timeout", "resources", "nthreads", "minimum", "worker_groups", "inherit"]
)
def test_what_a_config_sets_is_set_by_an_argument_of_it(name: str) -> None:
    for text in remedies(name):
        _exists(text)


def test_a_runtime_has_a_timeout_for_each_kind_of_wait() -> None:
    (text,) = [each for each in remedies("timeout") if "with_runtime(...):" in each]
    timeouts = [name for name in SETTINGS if name.endswith("_timeout")]
    assert re.findall(r"\w+_timeout", text) == timeouts


def _exists(text: str) -> None:
    """Assert that the calls in a remedy have the arguments that it names."""
    remedy = text.partition("unexpected keyword argument")[2].partition(": ")[2]
    for call, argument in re.findall(r"(@?\.?[\w.]+)\((\w+)=", remedy):
        if call != "Resources":
            assert argument in inspect.signature(ARGUMENTS[call]).parameters, (call, argument)
