"""What is private elsewhere and used here: a change of it fails here, by its name."""

from __future__ import annotations

import importlib.metadata
import sys
from importlib.machinery import FileFinder
from typing import Any

import distributed
import flytekit
import pytest
from flytekit.core.context_manager import CompilationState, FlyteContextManager
from flytekit.core.node import Node

from flytekitplugins.dask import Dask
from flytekitplugins.dask.session import session
from tests.test_task import increment


def test_pythons_finders_list_their_folders_as_path_cache() -> None:
    """By which `flyte_dask` sees whether the incumbent is installed beside it."""
    finders = [each for each in sys.path_importer_cache.values() if isinstance(each, FileFinder)]
    listed = {name for finder in finders for name in getattr(finder, "_path_cache")}  # noqa: B009
    version = importlib.metadata.version("attrs")
    assert f"attrs-{version}.dist-info" in listed


@pytest.fixture
def node() -> Node:
    """A node of a plain task."""
    context = FlyteContextManager.current_context()
    state = CompilationState(prefix="")
    with FlyteContextManager.with_context(context.with_compilation_state(state)):
        task: Any = flytekit.task(increment)
        task(number=1)
    (made,) = state.nodes
    assert isinstance(made, Node)
    return made


def test_flytekit_compiles_in_the_first_mode(node: Node) -> None:
    """The default of `CompilationState.mode`, whose number flytekit has nowhere named."""
    assert CompilationState(prefix="").mode == CompilationState.mode
    assert node.flyte_entity.task_function is increment


def test_a_node_has_its_task_as_flyte_entity(node: Node) -> None:
    assert node._flyte_entity is node.flyte_entity is node.run_entity


def test_a_node_overrides_the_config_in_the_task(node: Node) -> None:
    node.run_entity._task_config = 1
    node.with_overrides(task_config=2)
    assert node.flyte_entity.task_config == node.run_entity._task_config == 2


def test_a_task_has_its_name_and_resolver_as_such(node: Node) -> None:
    task = node.flyte_entity
    task._name, task._task_resolver = f"{task.instantiated_in}.other", "resolver"
    assert (task.name, task.task_resolver) == (task._name, "resolver")


def test_distributed_lists_its_clients_and_its_scheduler_counts() -> None:
    """By which a session finds clients left open, and knows what was spilled and is undone."""
    with session(Dask(), "contract") as client:
        assert client in set(distributed.Client._instances)
        kinds = client.run_on_scheduler(
            lambda dask_scheduler: [
                type(each).__name__
                for each in (dask_scheduler.cumulative_worker_metrics, dask_scheduler.task_groups)
            ]
        )
    assert kinds == ["defaultdict", "dict"]
