"""What a pod asks for: an amount for each of four dimensions, as request and as limit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeGuard, cast, final, runtime_checkable

import attrs

from flyte_dask.arguments import ConfigType
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantity import Quantity, quantity_problem
from flyte_dask.said import said_repr

__all__ = ["DIMENSIONS", "Resources", "ResourcesLike"]

DIMENSIONS = ("cpu", "mem", "gpu", "ephemeral_storage")
"""In the order in which they stand on the wire."""


def _amount(value: str | int | float | Quantity | None) -> Quantity | None:
    return _quantity_if_valid(value, str, int, float)


def _whole_amount(value: str | int | Quantity | None) -> Quantity | None:
    return _quantity_if_valid(value, str, int)


def _quantity_if_valid(value: object, *types: type) -> Quantity | None:
    """A quantity with *value*'s own spelling; what cannot be one stays as it is, to be judged."""
    of_type = isinstance(value, types) and not isinstance(value, bool)
    if of_type and quantity_problem("", str(value)) is None:
        return Quantity(str(value))
    return cast("Quantity | None", value)


@final
@attrs.frozen(repr=False)
class Resources(metaclass=ConfigType):
    """Amounts of one side, requests or limits; None is unsaid.

    Says the same as flytekit's class of that name, which is accepted wherever this one is, but is
    checked when it is made. Equal amounts are equal in any spelling.

    Args:
        cpu: CPUs, such as ``2``, ``0.5`` or ``"500m"``; above zero.
        mem: bytes of memory, such as ``"16Gi"``; above zero.
        gpu: whole GPUs; ``0`` means none, explicitly.
        ephemeral_storage: bytes of the node's local disk; above zero.

    Raises:
        InvalidConfig: if an amount is no quantity, not above zero, or a part of a GPU.
    """

    cpu: Quantity | None = attrs.field(default=None, converter=_amount)
    mem: Quantity | None = attrs.field(default=None, converter=_whole_amount)
    gpu: Quantity | None = attrs.field(default=None, converter=_whole_amount)
    ephemeral_storage: Quantity | None = attrs.field(default=None, converter=_whole_amount)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Resources(...)", amount_problems(self))

    def __repr__(self) -> str:
        return said_repr(self)


@runtime_checkable
class ResourcesLike(Protocol):
    """Anything with the four dimensions: `Resources`, or flytekit's."""

    @property
    def cpu(self) -> object:
        """CPUs."""

    @property
    def mem(self) -> object:
        """Bytes of memory."""

    @property
    def gpu(self) -> object:
        """Whole GPUs."""

    @property
    def ephemeral_storage(self) -> object:
        """Bytes of the node's local disk."""


def as_resources(value: ResourcesLike | None) -> Resources | None:
    """*value* as `Resources`, None if it says nothing; what cannot be one stays, to be judged."""
    if isinstance(value, Resources):
        return value if amounts(value) else None
    if value is None:
        return None
    if not looks_like_resources(value) or any(amount_problems(value)):
        return cast("Resources | None", value)
    resources = Resources(**{name: getattr(value, name) for name in DIMENSIONS})
    return resources if amounts(resources) else None


def looks_like_resources(value: object) -> TypeGuard[ResourcesLike]:
    """Whether *value* is an instance (and no class) with the four dimensions."""
    return isinstance(value, ResourcesLike) and not isinstance(value, type)


def amounts(resources: Resources | None) -> dict[str, Quantity]:
    """The said amounts, by dimension."""
    if resources is None:
        return {}
    said = [(name, getattr(resources, name)) for name in DIMENSIONS]
    return {name: amount for name, amount in said if amount is not None}


def _valid_amounts(resources: object) -> dict[str, Quantity]:
    """The said amounts of what may be anything: without those that are no amounts."""
    if resources is None or isinstance(resources, Resources):
        return amounts(resources)
    if not looks_like_resources(resources):
        return {}
    said = {name: getattr(resources, name) for name in DIMENSIONS}
    return {
        name: Quantity(str(value))
        for name, value in said.items()
        if value is not None and not _amount_problem(name, value)
    }


def amount_problems(resources: ResourcesLike) -> Iterator[Problem]:
    """What is wrong with each amount by itself."""
    for name in DIMENSIONS:
        value = getattr(resources, name)
        problem = _amount_problem(name, value) if value is not None else None
        if problem:
            yield problem


def pair_problems(requests: object, limits: object) -> Iterator[Problem]:
    """What is wrong between request and limit, for each dimension in which both are amounts."""
    requested, limited = _valid_amounts(requests), _valid_amounts(limits)
    for name in DIMENSIONS:
        if name not in requested or name not in limited:
            continue
        request, limit = requested[name], limited[name]
        if name == "gpu" and request != limit:
            yield Problem(
                "limits.gpu",
                limit.text,
                f"differs from the request {request.text!r}, and Kubernetes needs them equal",
                "say the same for both, or only one of them",
            )
        elif request > limit:
            yield Problem(
                f"limits.{name}",
                limit.text,
                f"is below the request {request.text!r}",
                "raise the limit or lower the request",
            )


Pair = tuple[Resources | None, Resources | None]
"""Requests and limits of one pod."""


def merge_pairs(left: Pair, right: Pair) -> Pair:
    """Each dimension's request and limit from *right* if it says either, else from *left*.

    The two sides go together, so a merge of valid pairs is valid.
    """
    if right == (None, None):
        return left
    sides: tuple[dict[str, Quantity], dict[str, Quantity]] = ({}, {})
    base, override = [amounts(side) for side in left], [amounts(side) for side in right]
    for name in DIMENSIONS:
        winner = override if any(name in side for side in override) else base
        for side, said in zip(sides, winner, strict=True):
            if name in said:
                side[name] = said[name]
    requests, limits = sides
    return as_resources(Resources(**requests)), as_resources(Resources(**limits))


def _amount_problem(name: str, value: object) -> Problem | None:
    return (
        _type_problem(name, value) or _grammar_problem(name, value) or _range_problem(name, value)
    )


def _type_problem(name: str, value: object) -> Problem | None:
    if isinstance(value, (tuple, list)):
        return Problem(
            name,
            value,
            "is a pair, and here is room for one amount",
            f"say requests=Resources({name}=...) and limits=Resources({name}=...)",
        )
    types = (str, int, float) if name == "cpu" else (str, int)
    if isinstance(value, (Quantity, *types)) and not isinstance(value, bool):
        return None
    example = {"cpu": "'500m'", "gpu": "1"}.get(name, "'16Gi'")
    accepted = " or ".join(type_.__name__ for type_ in types)
    return Problem(
        name, value, f"is of type {type(value).__name__}", f"write {accepted}, such as {example}"
    )


def _grammar_problem(name: str, value: object) -> Problem | None:
    problem = None if isinstance(value, Quantity) else quantity_problem(name, str(value))
    return attrs.evolve(problem, value=value) if problem else None


def _range_problem(name: str, value: object) -> Problem | None:
    amount = (value if isinstance(value, Quantity) else Quantity(str(value))).value
    if name == "gpu" and (amount < 0 or amount.denominator != 1):
        return Problem(
            name, str(value), "is no whole number of GPUs", "write 1, 2 ... or 0 for none"
        )
    if name != "gpu" and amount <= 0:
        return Problem(
            name,
            str(value),
            "is not above zero, and Flyte drops such an amount",
            "write what the pod needs, or leave it out",
        )
    return None
