"""Requests and limits in one value, as the SDKs have them for tasks: ``resources=``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, TypeAlias

from flyte_dask.errors import Problem
from flyte_dask.roles.resources import Resources, ResourcesLike, parsed_pair, sides

__all__ = ["CombinedResources", "split"]


class _OfFlyte2(Protocol):
    """The ``Resources`` of Flyte 2."""

    @property
    def cpu(self) -> object:
        """CPUs."""

    @property
    def memory(self) -> object:
        """Bytes of memory."""

    @property
    def gpu(self) -> object:
        """GPUs or other devices."""

    @property
    def disk(self) -> object:
        """Bytes of the node's local disk."""


CombinedResources: TypeAlias = ResourcesLike | _OfFlyte2
"""An object whose amounts are requests, or pairs of request and limit: an SDK's ``Resources``."""

_FLYTE_2 = {"cpu": "cpu", "mem": "memory", "gpu": "gpu", "ephemeral_storage": "disk"}
"""The names of the dimensions in Flyte 2."""
_FLYTEKIT = {name: name for name in _FLYTE_2}

Sides: TypeAlias = tuple[Resources | None, Resources | None]


def split(combined: object) -> tuple[Sides, list[Problem]]:
    """The requests and limits of *combined*, and its problems."""
    names = _names_in(combined)
    if names is None:
        rule = "is not a Resources of an SDK"
        remedy = "write flyte.Resources(cpu=..., memory=...), or use requests= and limits="
        return (None, None), [Problem("resources", combined, rule, remedy)]
    values = {name: getattr(combined, theirs) for name, theirs in names.items()}
    problems = [*_unsupported(combined, values)]
    pairs = {}
    for name, value in values.items():
        if value is None or any(each.path.endswith(f".{names[name]}") for each in problems):
            continue
        pair = value if isinstance(value, (tuple, list)) else (value, None)
        pairs[name], found = parsed_pair("resources", name, pair)
        problems += [_renamed(each, names) for each in found]
    return ((None, None) if problems else sides(pairs)), problems


def _names_in(combined: object) -> Mapping[str, str] | None:
    """The names of its attributes, by dimension; None if it is of neither SDK."""
    if isinstance(combined, type):
        return None
    for names in (_FLYTEKIT, _FLYTE_2):
        if all(hasattr(combined, each) for each in names.values()):
            return names
    return None


def _unsupported(combined: object, values: dict[str, Any]) -> Iterator[Problem]:
    """What Flyte 2 can set for a task, but not for a role; a number of GPUs is made a plain one."""
    gpu = values["gpu"]
    kind, count = getattr(gpu, "device", None), getattr(gpu, "quantity", gpu)
    if isinstance(gpu, str) and not gpu.isdigit():
        kind, _, count = gpu.partition(":")
    values["gpu"] = count
    if kind is not None:
        rule = "names a type of device, which a role cannot have"
        remedy = f"write gpu={count or 1}, and set the type in the resources of the environment"
        yield Problem("resources.gpu", gpu, rule, remedy)
    shm = getattr(combined, "shm", None)
    if shm is not None:
        rule = "is shared memory, which a role cannot set"
        remedy = "set it in the resources of the environment, whose pod the roles copy"
        yield Problem("resources.shm", shm, rule, remedy)


def _renamed(problem: Problem, names: Mapping[str, str]) -> Problem:
    """*problem* with the path of what the user wrote."""
    *_, name = problem.path.split(".")
    return problem._replace(path=f"resources.{names[name]}")
