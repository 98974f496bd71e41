"""What keeps a config and a function from being a task of flytekit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import iscoroutinefunction
from typing import Any

from flyte_dask.config.dask import Dask
from flyte_dask.errors import Problem
from flyte_dask_engine.task_configs import rejection, runtime_problems

__all__ = ["deck_problems", "deck_setting", "task_problems"]


def deck_setting(arguments: Mapping[str, Any]) -> bool | None:
    """Whether the arguments of ``@task`` enable a deck; None if they do not set it."""
    enabled, disabled = arguments.get("enable_deck"), arguments.get("disable_deck")
    return enabled if disabled is None else not disabled


def task_problems(
    config: object, function: Callable[..., Any], is_dynamic: bool, enables_deck: bool | None
) -> Iterator[Problem]:
    """What keeps *config* and *function* from being a task."""
    if not isinstance(config, Dask):
        yield rejection(config, "task_config")
    else:
        yield from runtime_problems(config)
        yield from deck_problems(config, enables_deck)
    if is_dynamic and iscoroutinefunction(function):
        rule = "is a coroutine function, which flytekit does not support for dynamic tasks"
        remedy = "use def: calls in it create nodes, so there is nothing to await"
        yield Problem("task_function", function, rule, remedy)


def deck_problems(config: Dask, enables_deck: bool | None) -> Iterator[Problem]:
    """The problem if *config* wants a report, and the task has no deck to show it in."""
    report = config.runtime.report
    if report and enables_deck is False:
        rule = "is shown in the task's deck, which enable_deck=False disables"
        remedy = "omit enable_deck, or use with_runtime(report=False)"
        yield Problem("runtime.report", report, rule, remedy)
