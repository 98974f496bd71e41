"""What keeps a config from being that of a task; it is almost free to import."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.catalog.preset import Preset
from flyte_dask.config.dask import Dask
from flyte_dask.config.runtime import Runtime
from flyte_dask.errors import Problem
from flyte_dask.roles.base import ConfigType
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask.startup import REMEDY

__all__ = ["KINDS", "rejection", "runtime_problems"]

KINDS = (Dask, Preset, Resources, Runtime, Scheduler, WorkerGroup, ConfigType)
"""Classes that a user may mistake for configs; `ConfigType` is the type of these classes."""

_PARTS: dict[type, str] = {Scheduler: "scheduler", WorkerGroup: "workers", Runtime: "runtime"}


def rejection(config: object, path: str) -> Problem:
    """Why *config*, the argument *path*, cannot be a task's config: it is not a `Dask` of ours."""
    part = _PARTS.get(type(config))
    if isinstance(config, Preset):
        rule, remedy = "is a Preset, which makes configs", "call it, as in presets.medium()"
    elif part:
        rule = f"is a {type(config).__name__}, one part of a config"
        remedy = f"write Dask({part}=...)"
    elif isinstance(config, type):
        rule, remedy = "is a class, not a config", "call it: Dask(...)"
    elif isinstance(config, Dask):  # rejected only if flytekitplugins.dask is not ours
        rule, remedy = "has no plugin: flytekitplugins.dask is not flyte-dask's", REMEDY
    else:
        rule, remedy = "is not a Dask", "write Dask(...), or call a preset"
    return Problem(path, config, rule, remedy)


def runtime_problems(config: Dask) -> Iterator[Problem]:
    """What would keep a task with *config* from ever starting its function.

    It is not checked earlier, because configs that are only merged later may be incomplete.
    """
    minimum, number = config.runtime.min_workers, config.workers.number_of_workers
    if minimum > number:
        rule = f"is above the number of workers, {number}"
        yield Problem("runtime.min_workers", minimum, rule, "lower it, or set more workers")
