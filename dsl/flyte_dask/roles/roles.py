"""The roles of a cluster, scheduler and workers: how their pods differ from the task's pod."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.roles.base import Config, followed, with_values
from flyte_dask.roles.image import Image, image_problems, plain_image
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, Pair, merge_origins, origins_of
from flyte_dask.roles.resources import (
    DIMENSIONS,
    CpuAmountOrPair,
    Resources,
    as_resources,
    looks_like_resources,
    pairs,
    parsed_pair,
    plain_int,
    side_problems,
    sides,
)

if TYPE_CHECKING:
    from flyte_dask.roles.combined import CombinedResources

__all__ = [
    "MOST_WORKERS",
    "Scheduler",
    "WorkerGroup",
    "changed",
    "count_problems",
    "leaves",
    "with_set",
]

MOST_WORKERS = 2**32 - 1  # a uint32 on the wire


@final
@attrs.frozen(eq=False, repr=False)
class Scheduler(Config):
    """The scheduler pod: how it differs from the task's pod; None means unset.

    Args:
        image: image with ``dask[distributed]`` and the same Python environment as the task's: a
            reference, a template such as ``{{.image.etl.fqn}}:...``, or an ``ImageSpec``; default:
            the task's image.
        requests: what the pod is scheduled by; default, if *limits* is unset too: the task's.
        limits: what the pod may use at most.
        resources: both of these in one, as an SDK's ``Resources``: an amount is a request, a pair
            is request and limit.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    image: Image | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _resources: CombinedResources | None = attrs.field(
        default=None, alias="resources", kw_only=True
    )
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Scheduler(...)", _pod_problems(self, "first"))
        _normalize(self, "Scheduler(...)")

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each value that is set: ``image`` and the dimensions."""
        return MappingProxyType(self._origins)

    @followed
    def __or__(self, other: Scheduler) -> Scheduler:
        """This scheduler, overridden by all that *other* sets."""
        if type(other) is not Scheduler:
            return NotImplemented
        return _merged(self, other)


@final
@attrs.frozen(eq=False, repr=False)
class WorkerGroup(Config):
    """The worker pods, all alike: how they differ from the task's pod; None means unset.

    Amounts are per worker. Each pod runs one worker process, which Flyte gives as many
    threads as the pod's CPU limit, rounded up, and the pod's memory limit.

    Args:
        number_of_workers: 1 to 2**32 - 1; reads 1 if it is unset.
        image: image with ``dask[distributed]`` and the same Python environment as the task's: a
            reference, a template such as ``{{.image.etl.fqn}}:...``, or an ``ImageSpec``; default:
            the task's image.
        requests: what each pod is scheduled by; default, if *limits* is unset too: the task's.
        limits: what each pod may use at most.
        resources: both of these in one, as an SDK's ``Resources``: an amount is a request, a pair
            is request and limit.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    _set_number: int | None = attrs.field(
        default=None, alias="number_of_workers", converter=plain_int
    )
    image: Image | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _resources: CombinedResources | None = attrs.field(
        default=None, alias="resources", kw_only=True
    )
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        number = _misplaced_resources("number_of_workers", "first", self._set_number) or [
            *count_problems("number_of_workers", self._set_number)
        ]
        raise_if_any("WorkerGroup(...)", [*number, *_pod_problems(self, "second")])
        _normalize(self, "WorkerGroup(...)")

    @property
    def number_of_workers(self) -> int:
        """The number of worker pods; 1 if unset."""
        return 1 if self._set_number is None else self._set_number

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each value that is set: number of workers, image and dimensions."""
        return MappingProxyType(self._origins)

    @followed
    def __or__(self, other: WorkerGroup) -> WorkerGroup:
        """This group, overridden by all that *other* sets."""
        if type(other) is not WorkerGroup:
            return NotImplemented
        return _merged(self, other)


R = TypeVar("R", Scheduler, WorkerGroup)


def leaves(role: Scheduler | WorkerGroup) -> dict[str, Leaf]:
    """All that *role* sets, in the parts that a merge replaces as a whole."""
    found: dict[str, Leaf] = {}
    if isinstance(role, WorkerGroup) and role._set_number is not None:
        found["number_of_workers"] = role._set_number
    if role.image is not None:
        found["image"] = role.image
    return {**found, **pairs(role.requests, role.limits)}


def _with_leaves(role: R, new: Mapping[str, Leaf], origins: Mapping[str, Origin]) -> R:
    """*role*, overridden by the *new* leaves, which must be valid.

    Merging has the algebraic laws of this union of dicts. A leaf is replaced as a whole, so a merge
    of valid configs is valid and needs no validation.
    """
    if not new:
        return role
    values: dict[str, object] = {"_origins": merge_origins(role._origins, origins)}
    if "image" in new:
        values["image"] = new["image"]
    if "number_of_workers" in new:
        values["_set_number"] = new["number_of_workers"]
    amounts = {name: cast("Pair", new[name]) for name in DIMENSIONS if name in new}
    if amounts:
        amounts = pairs(role.requests, role.limits) | amounts
        values["requests"], values["limits"] = sides(amounts)
    return with_values(role, **values)


def with_set(role: R, new: Mapping[str, Leaf], by: str) -> R:
    """*role* with the *new* leaves, which must be valid, set by the user's call *by*."""
    return _with_leaves(role, new, origins_of(new, by))


def changed(
    name: str,
    role: R,
    amounts: Mapping[str, CpuAmountOrPair | None],
    *,
    image: Image | None,
    count: int | None = None,
) -> R:
    """*role* with the arguments of a ``with_*`` method, or `InvalidConfig` with all problems."""
    new: dict[str, Leaf] = {}
    problems: list[Problem] = []
    number = plain_int(count)
    if number is not None:
        problems += count_problems(f"{name}.number_of_workers", number)
        new["number_of_workers"] = number
    if image is not None:
        problems += image_problems(f"{name}.image", image)
    for dimension, value in amounts.items():
        if value is not None:
            new[dimension], found = parsed_pair(name, dimension, value)
            problems += found
    by = f"with_{name}(...)"
    raise_if_any(by, problems)
    if image is not None:
        new["image"] = plain_image(image)
    return with_set(role, new, by)


def _merged(left: R, right: R) -> R:
    return _with_leaves(left, leaves(right), right._origins)


def _normalize(role: Scheduler | WorkerGroup, by: str) -> None:
    """Copy the image of a new *role*, and record the call *by* as the origin of its values."""
    if role.image is not None:
        object.__setattr__(role, "image", plain_image(role.image))
    object.__setattr__(role, "_origins", origins_of(leaves(role), by, role._origins))


def count_problems(path: str, count: object, *, required: bool = False) -> Iterator[Problem]:
    """The problem if *count* is not a number of workers; None is valid unless *required*."""
    if count is None and not required:
        return
    if type(count) is not int:
        yield Problem(path, count, f"must be an int, not {type(count).__name__}", "use 1 or more")
    elif not 1 <= count <= MOST_WORKERS:
        remedy = "use 1 or more" if count < 1 else "use fewer workers"
        yield Problem(path, count, f"must be an integer from 1 to {MOST_WORKERS}", remedy)


def _pod_problems(role: Scheduler | WorkerGroup, place: str) -> Iterator[Problem]:
    """The problems of *role*, whose image is the positional argument at *place*."""
    yield from _misplaced_resources("image", place, role.image) or image_problems(
        "image", role.image
    )
    if role._resources is not None:
        yield from _split_problems(role)
    yield from side_problems(role.requests, role.limits)


def _misplaced_resources(name: str, place: str, value: object) -> list[Problem]:
    """The problem if *value*, of the positional argument *name* at *place*, is a `Resources`."""
    if value is None or not (looks_like_resources(value) or type(value).__name__ == "Resources"):
        return []
    rule = f"is a Resources, and the {place} positional argument is {name}"
    return [Problem(name, value, rule, "pass it as requests=..., limits=... or resources=...")]


def _split_problems(role: Scheduler | WorkerGroup) -> Iterator[Problem]:
    """The problems of *resources*, of which the *role* keeps requests and limits."""
    from flyte_dask.roles.combined import split  # noqa: PLC0415  # importing must stay almost free

    (requests, limits), problems = split(role._resources)
    if role.requests is not None or role.limits is not None:
        rule = "is set together with requests or limits, which it contains"
        yield Problem("resources", role._resources, rule, "use either, not both")
    elif not problems:
        object.__setattr__(role, "requests", requests)
        object.__setattr__(role, "limits", limits)
    yield from problems
    object.__setattr__(role, "_resources", None)
