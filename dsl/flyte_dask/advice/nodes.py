"""Advice on what nodes of workflows override, and on overrides that would have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.advice.job import Advice, Job, Role
from flyte_dask.inheritance.parent import NodeOverrides
from flyte_dask.prediction.runner import effective_overrides
from flyte_dask.quantities.quantity import ZERO
from flyte_dask.roles.resources import amounts

__all__ = ["ineffective_node_override"]

_OWN_CONFIG = "node.with_overrides(task_config=...)"


def ineffective_node_override(job: Job) -> Iterator[Advice]:
    """Overrides of the node that change nothing; of other tasks, amounts that none can change."""
    node = job.parent.node
    if node is None:
        yield from _fixed_amounts(job)
        return
    if job.platform.backend != "v1":
        consequence = "Flyte 2 ignores what a node overrides"
        yield Advice("ineffective-node-override", "node", consequence, _OWN_CONFIG)
        return
    yield from _requests_alone(job, node)
    for role in job.roles:
        yield from _not_of_role(role, node)
    if zeros := _zeros(node):
        consequence = f"{', '.join(zeros)}: zero changes nothing"
        yield Advice("ineffective-node-override", "node", consequence, _OWN_CONFIG)


def _zeros(node: NodeOverrides) -> list[str]:
    """The paths of amounts of zero, GPUs included."""
    sides = {"requests": node.requests, "limits": node.limits}
    gpus = [f"{name}.gpu" for name, side in sides.items() if amounts(side).get("gpu") == ZERO]
    return [*node.zeros, *gpus]


def _fixed_amounts(job: Job) -> Iterator[Advice]:
    """Inherited amounts, which are fixed at registration and ignore overrides of a node."""
    if job.platform.backend != "v1":
        return
    for role in job.roles:
        inherited = [
            f"{side}s.{name}={getattr(pair, side).emitted}"
            for name, pair in role.pairs
            for side in pair._fields
            if getattr(pair, side).source == "task" and getattr(pair, side).emitted
        ]
        if inherited and not role.is_unset:
            consequence = (
                f"{', '.join(inherited)} {'is' if len(inherited) == 1 else 'are'} copied from the "
                "task at registration: with_overrides(requests=..., limits=...) of a node does not "
                "change that"
            )
            yield Advice("ineffective-node-override", role.name, consequence, _OWN_CONFIG)


def _requests_alone(job: Job, node: NodeOverrides) -> Iterator[Advice]:
    """Requests above the task's limit, to which Flyte clamps them."""
    clamped = {
        each.path.rpartition(".")[2]: each
        for each in job.pods.runner.remarks
        if each.rule == "request-clamped-to-limit" and each.path.startswith("runner.")
    }
    clamped = {name: each for name, each in clamped.items() if name in amounts(node.requests)}
    if clamped:
        listed = ", ".join(
            f"the request {each.before} of {name} is clamped to the task's limit {each.after}"
            for name, each in clamped.items()
        )
        requests = amounts(node.requests)
        remedy = job.with_node_amounts({name: requests[name] for name in clamped})
        yield Advice("ineffective-node-override", "node.requests", listed, remedy)


def _not_of_role(role: Role, node: NodeOverrides) -> Iterator[Advice]:
    """Overrides that a role with resources or an image of its own does not get."""
    names = [] if role.is_unset else list(effective_overrides(node))
    if node.image is not None and role.config.image is not None:
        names.append("image")
    if names:
        do = "does" if len(names) == 1 else "do"
        own = "sets its own" if role.name == "scheduler" else "set their own"
        consequence = f"the node's {', '.join(names)} {do} not reach {role.name}, which {own}"
        yield Advice("ineffective-node-override", role.name, consequence, _OWN_CONFIG)
