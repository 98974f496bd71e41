"""The roles of a cluster, scheduler and workers, as far as their pods differ from the task's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, TypeVar, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.roles.base import Config, with_values
from flyte_dask.roles.image import Image, image_problems, plain_image
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, Pair, merge_origins, origins_of
from flyte_dask.roles.resources import (
    DIMENSIONS,
    CpuAmountOrPair,
    Resources,
    as_resources,
    pairs,
    parsed_pair,
    plain_int,
    side_problems,
    sides,
)

__all__ = [
    "MOST_WORKERS",
    "Scheduler",
    "WorkerGroup",
    "changed",
    "count_problems",
    "leaves",
    "with_origins",
    "with_set",
]

MOST_WORKERS = 2**32 - 1  # a uint32 on the wire


@final
@attrs.frozen(eq=False, repr=False)
class Scheduler(Config):
    """The scheduler pod, as far as it differs from the task's pod; None is unsaid.

    Args:
        image: image with ``dask[distributed]`` and the same Python environment as the task's: a
            reference, a template such as ``{{.image.etl.fqn}}:...``, or an ``ImageSpec``; unsaid,
            the task's image.
        requests: what the pod is scheduled by; unsaid together with *limits*, the task's.
        limits: what the pod may use at most.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    _VERBS: ClassVar[Mapping[str, str]] = {"image": "config.with_scheduler(image={value})"}

    image: Image | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Scheduler(...)", _pod_problems(self))
        _settle(self, "Scheduler(...)")

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Who said what: of ``image`` and of each dimension, as far as they are said."""
        return MappingProxyType(self._origins)

    def __or__(self, other: Scheduler) -> Scheduler:
        """This scheduler, with all that *other* says in its place."""
        if not isinstance(other, Scheduler):
            return NotImplemented
        return _merged(self, other)


@final
@attrs.frozen(eq=False, repr=False)
class WorkerGroup(Config):
    """The worker pods, all alike, as far as they differ from the task's pod; None is unsaid.

    Amounts are those of one worker. Each pod runs one worker process, which Flyte gives as many
    threads as the pod's CPU limit, rounded up, and the pod's memory limit.

    Args:
        number_of_workers: 1 to 2**32 - 1; unsaid, it reads 1.
        image: image with ``dask[distributed]`` and the same Python environment as the task's: a
            reference, a template such as ``{{.image.etl.fqn}}:...``, or an ``ImageSpec``; unsaid,
            the task's image.
        requests: what each pod is scheduled by; unsaid together with *limits*, the task's.
        limits: what each pod may use at most.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    _VERBS: ClassVar[Mapping[str, str]] = {
        "number_of_workers": "config.with_workers({value})",
        "image": "config.with_workers(image={value})",
    }

    _set_number: int | None = attrs.field(
        default=None, alias="number_of_workers", converter=plain_int
    )
    image: Image | None = None
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        number = count_problems("number_of_workers", self._set_number)
        raise_if_any("WorkerGroup(...)", [*number, *_pod_problems(self)])
        _settle(self, "WorkerGroup(...)")

    @property
    def number_of_workers(self) -> int:
        """How many worker pods; 1 if unsaid."""
        return 1 if self._set_number is None else self._set_number

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Who said what: of ``number_of_workers``, ``image`` and each dimension, if said."""
        return MappingProxyType(self._origins)

    def __or__(self, other: WorkerGroup) -> WorkerGroup:
        """This group, with all that *other* says in its place."""
        if not isinstance(other, WorkerGroup):
            return NotImplemented
        return _merged(self, other)


R = TypeVar("R", Scheduler, WorkerGroup)
C = TypeVar("C", bound=Config)


def leaves(role: Scheduler | WorkerGroup) -> dict[str, Leaf]:
    """All that *role* says, in the parts that a merge replaces as a whole."""
    said: dict[str, Leaf] = {}
    if isinstance(role, WorkerGroup) and role._set_number is not None:
        said["number_of_workers"] = role._set_number
    if role.image is not None:
        said["image"] = role.image
    return {**said, **pairs(role.requests, role.limits)}


def _with_leaves(role: R, said: Mapping[str, Leaf], origins: Mapping[str, Origin]) -> R:
    """*role* with *said*, which is valid, in the place of what it says of the same.

    The laws of merging are those of this union of dicts. A leaf is replaced whole, so a merge of
    valid configs is valid, and is not judged again.
    """
    if not said:
        return role
    amounts = {name: said[name] for name in DIMENSIONS if name in said}
    requests, limits = role.requests, role.limits
    if amounts:
        requests, limits = sides({**pairs(requests, limits), **cast("dict[str, Pair]", amounts)})
    values = {
        "image": said.get("image", role.image),
        "requests": requests,
        "limits": limits,
        "_origins": merge_origins(role._origins, origins),
    }
    if isinstance(role, WorkerGroup):
        values["_set_number"] = said.get("number_of_workers", role._set_number)
    return type(role).unvalidated(values)


def with_set(role: R, said: Mapping[str, Leaf], by: str) -> R:
    """*role* with *said*, which is valid and which the call *by* says at the user's line."""
    return _with_leaves(role, said, origins_of(said, by)) if said else role


def with_origins(config: C, origins: Mapping[str, Origin]) -> C:
    """*config*, said by others."""
    return with_values(config, {"_origins": origins})


def changed(
    name: str,
    role: R,
    amounts: Mapping[str, CpuAmountOrPair | None],
    *,
    image: Image | None,
    count: int | None = None,
) -> R:
    """*role* with what its verb says, or `InvalidConfig` with every problem of the call."""
    said: dict[str, Leaf] = {}
    problems: list[Problem] = []
    number = plain_int(count)
    if number is not None:
        problems += count_problems(f"{name}.number_of_workers", number)
        said["number_of_workers"] = number
    if image is not None:
        problems += image_problems(f"{name}.image", image)
    for dimension, value in amounts.items():
        if value is not None:
            said[dimension], found = parsed_pair(name, dimension, value)
            problems += found
    verb = f"with_{name}(...)"
    raise_if_any(verb, problems)
    if image is not None:
        said["image"] = plain_image(image)
    return with_set(role, said, verb)


def _merged(left: R, right: R) -> R:
    return _with_leaves(left, leaves(right), right._origins)


def _settle(role: Scheduler | WorkerGroup, by: str) -> None:
    if role.image is not None:
        object.__setattr__(role, "image", plain_image(role.image))
    object.__setattr__(role, "_origins", origins_of(leaves(role), by, role._origins))


def count_problems(path: str, count: object, *, required: bool = False) -> Iterator[Problem]:
    """What keeps *count* from being a number of workers; None is unsaid and no problem."""
    remedy = f"write a whole number from 1 to {MOST_WORKERS}"
    if count is None and not required:
        return
    if type(count) is not int:
        yield Problem(path, count, f"is of type {type(count).__name__}, not int", remedy)
    elif not 1 <= count <= MOST_WORKERS:
        yield Problem(path, count, "is out of range", remedy)


def _pod_problems(role: Scheduler | WorkerGroup) -> Iterator[Problem]:
    yield from image_problems("image", role.image)
    yield from side_problems(role.requests, role.limits)
