"""Nodes of workflows that override the resources or the image of a Dask task."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, final

import attrs
from flytekit.core.condition import BranchNode
from flytekit.core.node import Node
from flytekit.core.workflow import WorkflowBase

from flyte_dask.errors import InvalidConfig
from flyte_dask.errors.call_site import CallSite
from flyte_dask.explanation.summary import Json
from flyte_dask.inheritance.parent import NodeOverrides
from flyte_dask_cli.loading.findings import from_error
from flytekitplugins.dask.flytekit_internals import branches_of
from flytekitplugins.dask.nodes import overrides_of
from flytekitplugins.dask.task import DaskTask

__all__ = ["OverriddenNode", "Subject", "overridden_nodes"]


class Subject(NamedTuple):
    """What findings are about: a task or a node, and its line."""

    name: str
    call_site: CallSite | None


@final
@attrs.frozen
class OverriddenNode:
    """A node that overrides the resources or the image of its task."""

    workflow: str
    """The name of its workflow."""
    id: str
    """Its id, after those of the conditions that contain it."""
    task: DaskTask
    """Its task; for a node with a config of its own, the variant."""
    overrides: NodeOverrides

    @property
    def subject(self) -> Subject:
        """Its name, and the line of its overrides; if that is unknown, the task's."""
        call_site = self.overrides.call_site or self.task.call_site
        return Subject(_name(self.workflow, self.id), call_site)

    def as_dict(self) -> Json:
        """Its workflow, its id and its task, as JSON."""
        return {"workflow": self.workflow, "id": self.id, "task": self.task.name}


def overridden_nodes(workflow: WorkflowBase) -> Iterator[OverriddenNode | list[Json]]:
    """All such nodes of *workflow* and of its sub-workflows; for an invalid one, its findings."""
    for place, node in _nodes_of(workflow):
        task = node.run_entity
        if not isinstance(task, DaskTask):
            continue
        try:
            overrides = overrides_of(node)
        except InvalidConfig as error:
            yield list(from_error(error, "", _name(*place), task.call_site))
            continue
        if overrides is not None:
            yield OverriddenNode(*place, task, overrides)


def _name(workflow: str, node: str) -> str:
    return f"{workflow}[{node}]"


def _nodes_of(workflow: WorkflowBase) -> Iterator[tuple[tuple[str, str], Node]]:
    """All nodes, each with the name of its workflow and its id in that."""
    for node in workflow.nodes:
        yield from _nodes_in(workflow, node, node.id)


def _nodes_in(
    workflow: WorkflowBase, node: Node, path: str
) -> Iterator[tuple[tuple[str, str], Node]]:
    entity: Any = node.flyte_entity
    yield (workflow.name, path), node
    if isinstance(entity, WorkflowBase):
        yield from _nodes_of(entity)
    elif isinstance(entity, BranchNode):
        for each in branches_of(entity):
            yield from _nodes_in(workflow, each, f"{path}-{each.id}")
