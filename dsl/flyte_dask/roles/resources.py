"""The resources of a pod: amounts of four dimensions, as requests and as limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from operator import index
from types import SimpleNamespace
from typing import Protocol, TypeAlias, TypeGuard, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import (
    ZERO,
    Quantity,
    plain_text,
    quantity_or_none,
    quantity_problem,
)
from flyte_dask.roles.base import Config, with_values
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
    "plain_float",
    "plain_int",
    "resources_like",
    "side_problems",
    "sides",
]

DIMENSIONS = ("cpu", "mem", "gpu", "ephemeral_storage")
"""The resource dimensions, in the order of the wire format."""

KUBERNETES_NAMES = {
    "cpu": "cpu",
    "mem": "memory",
    "gpu": "nvidia.com/gpu",  # the wire format has no other kind of GPU
    "ephemeral_storage": "ephemeral-storage",
}
"""The name of each dimension in a container's resources."""

Amount: TypeAlias = str | int | Quantity
CpuAmount: TypeAlias = str | int | float | Quantity
AmountOrPair: TypeAlias = Amount | tuple[Amount | None, Amount | None]
"""One amount for request and limit, such as ``"16Gi"``, or both; None for an unset side."""
CpuAmountOrPair: TypeAlias = CpuAmount | tuple[CpuAmount | None, CpuAmount | None]
"""An `AmountOrPair` of CPUs, which may be floats."""

_TOO_LARGE = 10**1000  # beyond any machine; Python refuses to print numbers that are much larger

_REMEDIES = {
    "cpu": "write CPUs such as 2, 0.5 or '500m'",
    "mem": "write bytes such as '16Gi' or '16G'",
    "gpu": "write 1, 2 ... or 0 for none",
    "ephemeral_storage": "write bytes such as '50Gi' or '50G'",
}


def plain_int(value: int | None) -> int | None:
    """*value* as a plain int, also from other libraries; unchanged if it is not an integer."""
    if value is None or type(value) is int:
        return value
    if type(value) is not bool:
        with suppress(Exception):  # of any class that has its own
            return index(value)
    return value


def plain_float(value: float) -> float:
    """*value* as a plain float, also from subclasses, whose own methods are not called."""
    return float.__float__(value)


def _text(dimension: str, value: object) -> str | None:
    """*value* as the text of a quantity; None if its type is not that of an amount."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, float):
        return str(plain_float(value)) if dimension == "cpu" else None
    number = plain_int(cast("int", value))
    if type(number) is not int:
        return None
    return str(number) if abs(number) < _TOO_LARGE else "too large"


def _as_cpu(value: CpuAmount | None) -> Quantity | None:
    return _quantity_if_valid("cpu", value)


def _as_amount(value: Amount | None) -> Quantity | None:
    return _quantity_if_valid("mem", value)  # GPUs too: neither can be floats


def _quantity_if_valid(dimension: str, value: object) -> Quantity | None:
    """*value* as a quantity of *dimension* that keeps its text; unchanged if it is invalid."""
    if value is None or isinstance(value, Quantity):
        return value
    text = _text(dimension, value)
    amount = None if text is None else quantity_or_none(text)
    return cast("Quantity | None", value) if amount is None else amount


@final
@attrs.frozen(eq=False, repr=False)
class Resources(Config):
    """Amounts of one side, requests or limits; None means unset.

    Equivalent to flytekit's ``Resources``, which is accepted wherever this one is, but validated
    when it is created. Amounts compare by value: ``1000m`` equals ``1``.

    Args:
        cpu: CPUs, such as ``2``, ``0.5`` or ``"500m"``; above zero.
        mem: bytes of memory, such as ``"16Gi"``; above zero.
        gpu: whole GPUs; ``0`` means none, explicitly.
        ephemeral_storage: bytes of the node's local disk; above zero.

    Raises:
        InvalidConfig: if an amount is not a quantity, not above zero, or a fraction of a GPU.
    """

    cpu: Quantity | None = attrs.field(default=None, converter=_as_cpu)
    mem: Quantity | None = attrs.field(default=None, converter=_as_amount)
    gpu: Quantity | None = attrs.field(default=None, converter=_as_amount)
    ephemeral_storage: Quantity | None = attrs.field(default=None, converter=_as_amount)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Resources(...)", _amount_problems(self))

    def __eq__(self, other: object) -> bool:
        """Whether *other*, which may be flytekit's, has the same amounts."""
        if not isinstance(other, Config) and looks_like_resources(other):
            other = as_resources(other) or _NO_AMOUNTS
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()


class ResourcesLike(Protocol):
    """An object with the four dimensions: `Resources`, or flytekit's."""

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
    """An object with *amounts* as its dimensions, which are not validated."""
    return cast("ResourcesLike", SimpleNamespace(**{**dict.fromkeys(DIMENSIONS), **amounts}))


def as_resources(value: ResourcesLike | None) -> Resources | None:
    """*value* as `Resources`; None if it sets nothing, unchanged if it is invalid."""
    if value is None:
        return None
    if isinstance(value, Resources):
        return value if amounts(value) else None
    if not looks_like_resources(value):
        return cast("Resources | None", value)
    given = value.cpu, value.mem, value.gpu, value.ephemeral_storage
    if all(each is None for each in given):
        return None
    is_plain = _PLAIN.issuperset(map(type, given))
    parsed = _cached_resources(*given) if is_plain else _resources_of(*given)
    return cast("Resources", value) if parsed is None else parsed


_PLAIN = {type(None), str, int}
"""The types of amounts that differ if their texts do; ``1`` equals ``1.0`` and True."""


def _resources_of(*given: object) -> Resources | None:
    """The resources with these amounts, in the order of dimensions; None if one is invalid."""
    named = dict(zip(DIMENSIONS, given, strict=True))
    if any(_amount_problem(name, name, value) for name, value in named.items()):
        return None
    return _unvalidated({name: _quantity_if_valid(name, each) for name, each in named.items()})


_cached_resources = lru_cache(maxsize=1024)(_resources_of)  # many configs have the same amounts


def looks_like_resources(value: object) -> TypeGuard[ResourcesLike]:
    """Whether *value* is an instance, not a class, with the four dimensions."""
    return all(hasattr(value, name) for name in DIMENSIONS) and not isinstance(value, type)


def amounts(resources: Resources | None) -> dict[str, Quantity]:
    """The amounts that are set, by dimension."""
    found: dict[str, Quantity] = {}
    if resources is None:
        return found
    if resources.cpu is not None:  # not a loop: this is called very often
        found["cpu"] = resources.cpu
    if resources.mem is not None:
        found["mem"] = resources.mem
    if resources.gpu is not None:
        found["gpu"] = resources.gpu
    if resources.ephemeral_storage is not None:
        found["ephemeral_storage"] = resources.ephemeral_storage
    return found


def pairs(requests: Resources | None, limits: Resources | None) -> dict[str, Pair]:
    """Request and limit of each dimension for which at least one of them is set."""
    requested, limited = amounts(requests), amounts(limits)
    if requests is limits:
        return {name: (amount, amount) for name, amount in requested.items()}
    return {
        name: (requested.get(name), limited.get(name))
        for name in DIMENSIONS
        if name in requested or name in limited
    }


def sides(pairs: Mapping[str, Pair]) -> tuple[Resources | None, Resources | None]:
    """Requests and limits with these pairs, which are not validated."""
    requests = _unvalidated({name: request for name, (request, _) in pairs.items()})
    if all(request is limit for request, limit in pairs.values()):
        return requests, requests
    return requests, _unvalidated({name: limit for name, (_, limit) in pairs.items()})


def _unvalidated(amounts: Mapping[str, Quantity | None]) -> Resources | None:
    return with_values(_NO_AMOUNTS, **amounts) if any(amounts.values()) else None


def _amount_problems(resources: ResourcesLike) -> list[Problem]:
    """The problems of the single amounts."""
    found = (_amount_problem(name, name, getattr(resources, name)) for name in DIMENSIONS)
    return [problem for problem in found if problem]


def _amount_problem(path: str, dimension: str, value: object) -> Problem | None:
    """The problem if *value*, found at *path*, is set, and not a valid amount of *dimension*."""
    if value is None:
        return None
    if not isinstance(value, Quantity):
        text = _text(dimension, value)
        if text is None:
            return _type_problem(path, dimension, value)
        amount = quantity_or_none(text)
        if amount is None:
            fits = partial(_is_plausible, dimension)
            problem = quantity_problem(path, text, _REMEDIES[dimension], fits)
            return problem and problem._replace(value=value)
        value = amount
    return _range_problem(path, dimension, value)


def side_problems(requests: object, limits: object) -> Iterator[Problem]:
    """The problems of each side, and between the valid amounts of both sides."""
    if requests is limits and (requests is None or isinstance(requests, Resources)):
        return  # the usual case
    valid = []
    for name, side in (("requests", requests), ("limits", limits)):
        if side is None or isinstance(side, Resources):
            valid.append(amounts(side))
        elif looks_like_resources(side):
            problems = {problem.path: problem.under(name) for problem in _amount_problems(side)}
            rest = {each: getattr(side, each) for each in DIMENSIONS if each not in problems}
            valid.append(amounts(Resources(**rest)))
            yield from problems.values()
        else:
            valid.append({})
            remedy = "write Resources(cpu=..., mem=...)"
            if hasattr(side, "memory"):  # Flyte 2's
                remedy = "pass it as resources=, which sets requests and limits"
            yield Problem(name, side, "is not a Resources", remedy)
    requested, limited = valid
    for name, request in requested.items():
        if problem := _pair_problem(name, request, limited.get(name)):
            yield problem


def one_sided_problems(name: str, side: object) -> Iterator[Problem]:
    """The problems of *side* as `Resources` of a single argument *name*."""
    for problem in side_problems(side, None):
        yield problem._replace(path=problem.path.replace("requests", name, 1))


def parsed_pair(role: str, dimension: str, value: object) -> tuple[Pair, list[Problem]]:
    """Request and limit, from a pair or one amount for both, and their problems."""
    if not isinstance(value, (tuple, list)):
        amount = _quantity_if_valid(dimension, value)
        problem = _amount_problem(f"{role}.{dimension}", dimension, amount)
        return (amount, amount), [problem] if problem else []
    if len(value) != 2 or all(each is None for each in value):
        rule = "is not a (request, limit) pair"
        remedy = f"write {dimension}=(request, limit), or one amount for both"
        return (None, None), [Problem(f"{role}.{dimension}", value, rule, remedy)]
    request, limit = (_quantity_if_valid(dimension, each) for each in value)
    problems = [
        _amount_problem(f"{role}.requests.{dimension}", dimension, request),
        _amount_problem(f"{role}.limits.{dimension}", dimension, limit),
    ]
    if not any(problems):
        between = _pair_problem(dimension, request, limit)
        problems = [between and between.under(role)]
    return (request, limit), [problem for problem in problems if problem]


def _pair_problem(
    dimension: str, request: Quantity | None, limit: Quantity | None
) -> Problem | None:
    """The problem between the request and the limit of *dimension*."""
    if request is None or limit is None:
        return None
    if dimension == "gpu" and request != limit:
        rule = f"differs from the request {request.text!r}, but Kubernetes requires equality"
        remedy = "set both to the same number, or only one of them"
    elif request > limit:
        rule = f"is below the request {request.text!r}"
        remedy = "raise the limit or lower the request"
    else:
        return None
    return Problem(f"limits.{dimension}", limit.text, rule, remedy)


def _type_problem(path: str, dimension: str, value: object) -> Problem:
    if isinstance(value, (tuple, list)):
        rule = "is a pair, but must be a single amount"
        remedy = f"use requests=Resources({dimension}=...) and limits=Resources({dimension}=...)"
        return Problem(path, value, rule, remedy)
    accepted = "a str, int or float" if dimension == "cpu" else "a str or int"
    rule = f"must be {accepted}, not {type(value).__name__}"
    return Problem(path, value, rule, _REMEDIES[dimension])


def _range_problem(path: str, dimension: str, amount: Quantity) -> Problem | None:
    if not amount.has_digits:
        rule, remedy = "has no digits, which Kubernetes reads as zero", _REMEDIES[dimension]
    elif dimension == "gpu":
        if amount >= ZERO and amount.is_whole:
            return None
        rule, remedy = "is not a whole number of GPUs", _REMEDIES[dimension]
    elif amount > ZERO:
        return None
    else:
        rule = "must be above zero (Flyte drops other amounts)"
        remedy = "set what the pod needs, or omit it"
    return Problem(path, amount.text, rule, remedy)


def _is_plausible(dimension: str, amount: Quantity) -> bool:
    """Whether *amount* is likely enough to be suggested."""
    if _range_problem("", dimension, amount):
        return False
    if dimension in {"cpu", "gpu"}:
        return amount <= Quantity("100k")
    return amount >= Quantity("1Ki")


_NO_AMOUNTS = Resources()
