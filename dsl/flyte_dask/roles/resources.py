"""What a pod asks for: an amount for each of four dimensions, as request and as limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from operator import index
from types import SimpleNamespace
from typing import ClassVar, Protocol, TypeAlias, TypeGuard, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import (
    ZERO,
    Quantity,
    plain_text,
    quantity_or_none,
    quantity_problem,
)
from flyte_dask.roles.base import Config
from flyte_dask.roles.origin import Pair

__all__ = [
    "DIMENSIONS",
    "KUBERNETES_NAMES",
    "AmountOrPair",
    "CpuAmountOrPair",
    "Resources",
    "ResourcesLike",
    "amounts",
    "as_resources",
    "one_sided_problems",
    "pairs",
    "parsed_pair",
    "plain_int",
    "resources_like",
    "side_problems",
    "sides",
]

DIMENSIONS = ("cpu", "mem", "gpu", "ephemeral_storage")
"""In the order in which they stand on the wire."""

KUBERNETES_NAMES = {
    "cpu": "cpu",
    "mem": "memory",
    "gpu": "nvidia.com/gpu",  # what the wire's GPU is; it has no name for others
    "ephemeral_storage": "ephemeral-storage",
}
"""What each dimension is called in a container of a pod."""

Amount: TypeAlias = str | int | Quantity
CpuAmount: TypeAlias = str | int | float | Quantity
AmountOrPair: TypeAlias = Amount | tuple[Amount | None, Amount | None]
"""One amount for request and limit, such as ``"16Gi"``; or the two, where None is unsaid."""
CpuAmountOrPair: TypeAlias = CpuAmount | tuple[CpuAmount | None, CpuAmount | None]
"""The same of CPUs, which may be a float."""

_TOO_LARGE = 10**1000  # beyond any machine; Python does not even print all such numbers

_HOW = {
    "cpu": "write CPUs such as 2, 0.5 or '500m'",
    "mem": "write bytes such as '16Gi' or '16G'",
    "gpu": "write 1, 2 ... or 0 for none",
    "ephemeral_storage": "write bytes such as '50Gi' or '50G'",
}


def plain_int(value: int | None) -> int | None:
    """A plain int, from other libraries' integers too; what is none stays, to be judged."""
    if value is None or type(value) is int:
        return value
    if not isinstance(value, bool):
        with suppress(TypeError):
            return index(value)
    return value


def _text(value: object, *, fractional: bool) -> str | None:
    """What *value* is as a quantity's text; None if it is of no type for an amount."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return str(float(value)) if fractional else None
    number = plain_int(cast("int", value))
    if type(number) is not int:
        return None
    return str(number) if abs(number) < _TOO_LARGE else "too large"


def _as_cpu(value: CpuAmount | None) -> Quantity | None:
    """A quantity with *value*'s own spelling; what cannot be one stays as it is, to be judged."""
    return _quantity_if_valid(value, fractional=True)


def _as_amount(value: Amount | None) -> Quantity | None:
    """The same for bytes and GPUs, of which a float is none."""
    return _quantity_if_valid(value, fractional=False)


def _as_amount_of(dimension: str, value: object) -> Quantity | None:
    """The same for an amount of *dimension*."""
    return _quantity_if_valid(value, fractional=dimension == "cpu")


def _quantity_if_valid(value: object, *, fractional: bool) -> Quantity | None:
    if value is None or isinstance(value, Quantity):
        return value
    text = _text(value, fractional=fractional)
    amount = None if text is None else quantity_or_none(text)
    return cast("Quantity | None", value) if amount is None else amount


@final
@attrs.frozen(eq=False, repr=False)
class Resources(Config):
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

    _VERBS: ClassVar[Mapping[str, str]] = {
        dimension: f"config.with_workers({dimension}={{value}}), of request and limit, "
        "or config.with_scheduler(...)"
        for dimension in DIMENSIONS
    }

    cpu: Quantity | None = attrs.field(default=None, converter=_as_cpu)
    mem: Quantity | None = attrs.field(default=None, converter=_as_amount)
    gpu: Quantity | None = attrs.field(default=None, converter=_as_amount)
    ephemeral_storage: Quantity | None = attrs.field(default=None, converter=_as_amount)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Resources(...)", _amount_problems(self))


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


def resources_like(amounts: Mapping[str, object]) -> ResourcesLike:
    """What says *amounts*, whatever they are: to be judged."""
    unsaid = dict.fromkeys(DIMENSIONS)
    return cast("ResourcesLike", SimpleNamespace(**{**unsaid, **amounts}))


def as_resources(value: ResourcesLike | None) -> Resources | None:
    """*value* as `Resources`, None if it says nothing; what cannot be one stays, to be judged."""
    if value is None:
        return None
    if isinstance(value, Resources):
        return value if amounts(value) else None
    if not _looks_like_resources(value) or any(_amount_problems(value)):
        return cast("Resources | None", value)
    said = {name: _as_amount_of(name, getattr(value, name)) for name in DIMENSIONS}
    return _unvalidated({name: amount for name, amount in said.items() if amount is not None})


def _looks_like_resources(value: object) -> TypeGuard[ResourcesLike]:
    """Whether *value* is an instance (and no class) with the four dimensions."""
    return all(hasattr(value, name) for name in DIMENSIONS) and not isinstance(value, type)


def amounts(resources: Resources | None) -> dict[str, Quantity]:
    """The said amounts, by dimension."""
    said: dict[str, Quantity] = {}
    if resources is None:
        return said
    if resources.cpu is not None:  # one by one, since it is asked for very often
        said["cpu"] = resources.cpu
    if resources.mem is not None:
        said["mem"] = resources.mem
    if resources.gpu is not None:
        said["gpu"] = resources.gpu
    if resources.ephemeral_storage is not None:
        said["ephemeral_storage"] = resources.ephemeral_storage
    return said


def pairs(requests: Resources | None, limits: Resources | None) -> dict[str, Pair]:
    """Request and limit of each dimension of which either is said."""
    requested, limited = amounts(requests), amounts(limits)
    if requests is limits:
        return {name: (amount, amount) for name, amount in requested.items()}
    return {
        name: (requested.get(name), limited.get(name))
        for name in DIMENSIONS
        if name in requested or name in limited
    }


def sides(pairs: Mapping[str, Pair]) -> tuple[Resources | None, Resources | None]:
    """Requests and limits that say these pairs, which are valid."""
    requests = {name: request for name, (request, _) in pairs.items() if request is not None}
    if all(request is limit for request, limit in pairs.values()):
        both = _unvalidated(requests)
        return both, both
    limits = {name: limit for name, (_, limit) in pairs.items() if limit is not None}
    return _unvalidated(requests), _unvalidated(limits)


def _unvalidated(amounts: Mapping[str, Quantity]) -> Resources | None:
    if not amounts:
        return None
    return Resources.unvalidated({name: amounts.get(name) for name in DIMENSIONS})


def _amount_problems(resources: ResourcesLike) -> Iterator[Problem]:
    """What is wrong with each amount by itself."""
    for name in DIMENSIONS:
        value = getattr(resources, name)
        problem = _amount_problem(name, name, value) if value is not None else None
        if problem:
            yield problem


def _amount_problem(path: str, dimension: str, value: object) -> Problem | None:
    """What keeps *value*, found at *path*, from being an amount of *dimension*."""
    if not isinstance(value, Quantity):
        text = _text(value, fractional=dimension == "cpu")
        if text is None:
            return _type_problem(path, dimension, value)
        amount = quantity_or_none(text)
        if amount is None:
            fits = partial(_is_plausible, dimension)
            problem = quantity_problem(path, text, _HOW[dimension], fits)
            return problem and problem._replace(value=value)
        value = amount
    return _range_problem(path, dimension, value)


def side_problems(requests: object, limits: object) -> Iterator[Problem]:
    """What is wrong with each side, and between those amounts of the two that are right."""
    if requests is limits and (requests is None or isinstance(requests, Resources)):
        return  # the usual case
    valid = []
    for name, side in (("requests", requests), ("limits", limits)):
        if side is None or isinstance(side, Resources):
            valid.append(amounts(side))
        elif _looks_like_resources(side):
            problems = {problem.path: problem.under(name) for problem in _amount_problems(side)}
            said = {each: getattr(side, each) for each in DIMENSIONS if each not in problems}
            valid.append(amounts(Resources(**said)))
            yield from problems.values()
        else:
            valid.append({})
            yield Problem(name, side, "is no Resources", "write Resources(cpu=..., mem=...)")
    requested, limited = valid
    for name in DIMENSIONS:
        problem = _pair_problem(name, (requested.get(name), limited.get(name)))
        if problem:
            yield problem


def one_sided_problems(name: str, side: object) -> Iterator[Problem]:
    """What keeps *side* from being `Resources`, where it is neither requests nor limits."""
    for problem in side_problems(side, None):
        yield problem._replace(path=problem.path.replace("requests", name, 1))


def parsed_pair(role: str, dimension: str, value: object) -> tuple[Pair, list[Problem]]:
    """Request and limit: the two of a pair, or one amount for both; and what is wrong with them."""
    if not isinstance(value, (tuple, list)):
        amount = _as_amount_of(dimension, value)
        problem = _amount_problem(f"{role}.{dimension}", dimension, amount)
        return (amount, amount), [problem] if problem else []
    if len(value) != 2 or tuple(value) == (None, None):
        rule = "is no pair of a request and a limit"
        remedy = f"write {dimension}=(request, limit), or one amount for both"
        return (None, None), [Problem(f"{role}.{dimension}", value, rule, remedy)]
    request, limit = (_as_amount_of(dimension, each) for each in value)
    sides = {f"{role}.requests.{dimension}": request, f"{role}.limits.{dimension}": limit}
    said = [(path, amount) for path, amount in sides.items() if amount is not None]
    problems = [_amount_problem(path, dimension, amount) for path, amount in said]
    if not any(problems):
        between = _pair_problem(dimension, (request, limit))
        problems = [between and between.under(role)]
    return (request, limit), [problem for problem in problems if problem]


def _pair_problem(dimension: str, pair: Pair) -> Problem | None:
    """What is wrong between the request and the limit of *dimension*."""
    request, limit = pair
    if request is None or limit is None:
        return None
    if dimension == "gpu" and request != limit:
        rule = f"differs from the request {request.text!r}, and Kubernetes needs them equal"
        remedy = "say the same for both, or only one of them"
    elif request > limit:
        rule = f"is below the request {request.text!r}"
        remedy = "raise the limit or lower the request"
    else:
        return None
    return Problem(f"limits.{dimension}", limit.text, rule, remedy)


def _type_problem(path: str, dimension: str, value: object) -> Problem:
    if isinstance(value, (tuple, list)):
        rule = "is a pair, and here is room for one amount"
        said = f"requests=Resources({dimension}=...) and limits=Resources({dimension}=...)"
        return Problem(path, value, rule, f"say {said}")
    accepted = "str, int or float" if dimension == "cpu" else "str or int"
    rule = f"is of type {type(value).__name__}, not {accepted}"
    return Problem(path, value, rule, _HOW[dimension])


def _range_problem(path: str, dimension: str, amount: Quantity) -> Problem | None:
    if not amount.has_digits:
        rule, remedy = "has no digits, which Kubernetes reads as zero", _HOW[dimension]
    elif dimension == "gpu":
        if amount >= ZERO and amount.is_whole:
            return None
        rule, remedy = "is no whole number of GPUs", _HOW[dimension]
    elif amount > ZERO:
        return None
    else:
        rule = "is not above zero, and Flyte drops such an amount"
        remedy = "write what the pod needs, or leave it out"
    return Problem(path, amount.text, rule, remedy)


def _is_plausible(dimension: str, amount: Quantity) -> bool:
    """Whether *amount* may have been meant where something else was written."""
    if _range_problem("", dimension, amount):
        return False
    if dimension in {"cpu", "gpu"}:
        return amount <= Quantity("100k")
    return amount >= Quantity("1Ki")
