"""Tasks whose config is not that of their module: ``task.override(plugin_config=...)``.

The entrypoint of a pod imports the module, and runs the task that it defines. So the config travels
in the arguments of the container, from which a resolver of ours makes the same task again.
"""

from __future__ import annotations

import copy
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import flyte

from flyte_dask.config.dask import Dask
from flyte_dask.roles.base import set_fields
from flyteplugins.flyte_dask.flyte_internals import default_resolver

__all__ = ["ConfigResolver", "with_own_config"]


def with_own_config(task: Any) -> Any:
    """*task*, or a copy that is loaded with its config, if that is not the one of its module."""
    module = sys.modules.get(task.func.__module__)
    defined = getattr(module, task.func.__name__, None)
    is_task = isinstance(defined, flyte.TaskTemplate)
    if not is_task or _config_of(defined) == _config_of(task):
        return task
    loaded = copy.copy(task)
    loaded.task_resolver = ConfigResolver(task.task_resolver or default_resolver())
    return loaded


def _config_of(task: object) -> str:
    """The config of *task* as text: those that are equal may be written in different ways."""
    return repr(getattr(task, "plugin_config", None))


class ConfigResolver:
    """Loads a task by another resolver, with the config that is in its arguments."""

    def __init__(self, others: Any = None) -> None:
        self._others = others

    @property
    def import_path(self) -> str:
        """The import path by which the entrypoint finds it."""
        return f"{__name__}.{type(self).__name__}"

    def loader_args(self, task: Any, root_dir: Path) -> list[str]:
        """The arguments from which `load_task` makes *task* again."""
        config = task.cluster_config
        return [
            *("custom", json.dumps(task.cluster().custom)),
            # which are not in there
            *("runtime", json.dumps(set_fields(config.runtime))),
            *("silence", json.dumps(config.silence)),
            *("resolver", self._others.import_path),
            *self._others.loader_args(task=task, root_dir=root_dir),
        ]

    def load_task(self, loader_args: list[str]) -> Any:
        """The task with these *loader_args*."""
        _, custom, _, runtime, _, silence, _, path, *others = loader_args
        module, _, name = path.rpartition(".")
        task = getattr(import_module(module), name)().load_task(others)
        config = Dask.from_custom(json.loads(custom)).with_runtime(**json.loads(runtime))
        return task.override(plugin_config=config.without_advice(*json.loads(silence)))
