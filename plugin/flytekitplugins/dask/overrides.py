"""Nodes of one task with different configs: ``node.with_overrides(task_config=...)``.

flytekit would put such a config into the task, which all of its nodes share, so the last one would
apply to all. Here the node gets a variant of the task, which is registered separately under its own
name. In its pod a resolver creates the variant again, from the original task and the arguments in
its template.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any

from flytekit.configuration import SerializationSettings
from flytekit.core.base_task import TaskResolverMixin
from flytekit.core.node import Node
from flytekit.core.promise import Promise, VoidPromise
from flytekit.core.python_auto_container import DefaultNotebookTaskResolver
from flytekit.loggers import LOGGING_ENV_VAR
from flytekit.tools.module_loader import load_object_from_module

from flyte_dask.config.dask import Dask
from flyte_dask.errors import InvalidConfig, Problem, raise_if_any
from flyte_dask.errors.call_site import user_call_site
from flyte_dask.roles.base import set_fields
from flyte_dask_engine.host import make_visible
from flyte_dask_engine.task_configs import rejection, runtime_problems
from flytekitplugins.dask.flytekit_internals import override, set_task

__all__ = [
    "check",
    "give_own_config",
    "pickled_resolver",
    "resolver",
    "shared_config",
    "variant_name",
    "warn_of_overrides",
]

logger = logging.getLogger("flytekit.dask.overrides")


def give_own_config(node: Node) -> None:
    """Make an override of the config of *node*, whose task is a Dask task, apply to it alone."""
    override(node, partial(_with_overrides, node))


def _with_overrides(node: Node, *args: Any, **kwargs: Any) -> Node:
    """``Node.with_overrides``, except for *task_config*.

    Raises:
        InvalidConfig: if `DaskTask.variant` rejects *task_config*, or Kubernetes would reject the
            resources.
        PolicyViolation: with all violations of the team's policy, during a registration.
        AdviceIsFatal: with all advice that the team made fatal, during a registration.
    """
    bound = signature(Node.with_overrides).bind(node, *args, **kwargs)
    config = bound.arguments.pop("task_config", None)
    if config is not None:
        set_task(node, node.flyte_entity.variant(config))
    result: Node = Node.with_overrides(*bound.args, **bound.kwargs)
    # importing the plugin must stay fast, and few nodes have such overrides
    from flytekitplugins.dask.nodes import OVERRIDES, overridden  # noqa: PLC0415

    if any(bound.arguments.get(name) is not None for name in OVERRIDES):
        overridden(node)
    return result


def variant_name(name: str, config: Dask) -> str:
    """The name of the variant of task *name* with *config*; the same in every process."""
    return f"{name}-{config.fingerprint}"


def check(config: object) -> None:
    """Raise `InvalidConfig` if *config* cannot be that of a node."""
    problems = (
        runtime_problems(config) if isinstance(config, Dask) else [rejection(config, "task_config")]
    )
    raise_if_any("with_overrides(...)", problems)


def shared_config(name: str, config: object) -> InvalidConfig:
    """The error for a *config* that would replace the one that all nodes of task *name* share."""
    rule = f"would replace the config of every node of {name}, not only of this one"
    remedy = "define another @task function with this config, and use it here"
    problem = Problem("task_config", config, rule, remedy)
    return InvalidConfig("with_overrides(...)", [problem], user_call_site())


def warn_of_overrides(result: Any) -> Any:
    """Make *result*, from a task that ran locally, warn about overrides of its config."""
    first = result[0] if isinstance(result, tuple) and result else result
    if isinstance(first, (Promise, VoidPromise)):
        override(first, partial(_warn_and_override, first.with_overrides))
    return result


def _warn_and_override(proceed: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Warn if a config is overridden, since the task has run already."""
    config = kwargs.get("task_config")
    if config is not None:
        check(config)
        make_visible(logger, logging.WARNING, LOGGING_ENV_VAR)
        logger.warning("the task ran with its own config: a local run ignores overrides of it")
    return proceed(*args, **kwargs)


class _VariantResolver(TaskResolverMixin):
    """Loads a variant: the original task, by its own resolver, with the config of the template."""

    @property
    def location(self) -> str:
        """The import path by which ``pyflyte-execute`` finds it."""
        return f"{__name__}.resolver"

    def name(self) -> str:
        """Its name in logs."""
        return "flyte-dask variants"

    def loader_args(self, settings: SerializationSettings, t: Any) -> list[str]:
        """The arguments from which `load_task` creates the variant *t* again."""
        original, config = t.original, t.task_config
        return [
            *("variant", t.name, "custom", json.dumps(t.cluster(settings).custom)),
            # which are not in there
            *("runtime", json.dumps(set_fields(config.runtime))),
            *("silence", json.dumps(config.silence)),
            *("resolver", original.task_resolver.location),
            *original.task_resolver.loader_args(settings, original),
        ]

    def get_all_tasks(self) -> list[Any]:
        """Always empty: flytekit asks for variants one by one."""
        return []

    def load_task(self, loader_args: list[str]) -> Any:
        """Load the variant with these *loader_args*."""
        _, name, _, custom, _, runtime, _, silence, _, location, *others = loader_args
        original = load_object_from_module(location).load_task(others)
        config = Dask.from_custom(json.loads(custom)).with_runtime(**json.loads(runtime))
        return original.make_variant(name, config.without_advice(*json.loads(silence)))


class _PickledResolver(DefaultNotebookTaskResolver):
    """Loads a variant that flytekit pickled, as in notebooks."""

    @property
    def location(self) -> str:
        """The import path by which ``pyflyte-execute`` finds it."""
        return f"{__name__}.pickled_resolver"

    def loader_args(self, settings: SerializationSettings, task: Any) -> list[str]:  # noqa: ARG002
        """The variant's key in the pickle; flytekit would use the original task's."""
        return ["entity-name", task.name]


resolver = _VariantResolver()
pickled_resolver = _PickledResolver()  # type: ignore[no-untyped-call]  # flytekit's
