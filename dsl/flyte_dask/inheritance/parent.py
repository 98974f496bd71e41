"""`Parent`: the task that a cluster belongs to, from which its roles inherit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Literal, TypeAlias, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import CallSite
from flyte_dask.quantities.quantity import plain_if_text
from flyte_dask.roles.base import Config, with_values
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.origin import NO_ORIGINS, Origin, origins_of
from flyte_dask.roles.resources import (
    DIMENSIONS,
    Resources,
    as_resources,
    one_sided_problems,
    pairs,
    side_problems,
)

__all__ = ["SDKS", "NodeOverrides", "Parent", "Sdk", "Sidecar", "with_origin"]

Sdk: TypeAlias = Literal["flytekit", "flyte"]
"""The SDK of Flyte 1 or that of Flyte 2."""

SDKS = ("flytekit", "flyte")


# attrs and type checkers take the type of an argument from its converter, which cannot be generic.


def _as_name(value: str) -> str:
    return plain_if_text(value)


def _as_text(value: str | None) -> str | None:
    return plain_if_text(value)


def _as_names(value: Iterable[str]) -> tuple[str, ...]:
    """*value* as a sorted tuple without duplicates; unchanged if it is invalid."""
    if isinstance(value, str) or (isinstance(value, tuple) and not value):
        return cast("tuple[str, ...]", value)
    try:
        return tuple(sorted({plain_if_text(each) for each in value}))
    except TypeError:
        return cast("tuple[str, ...]", value)


@final
@attrs.frozen(eq=False, repr=False)
class Sidecar(Config):
    """A container next to the task's own, of which each pod of the cluster gets a copy.

    It is described as it is: a request may be above its limit, though no pod can have that.

    Args:
        name: the name of the container.
        requests: its requests.
        limits: its limits.
        zeros: the paths of amounts that are zero, such as ``limits.mem``.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    name: str = attrs.field(converter=_as_name)
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    zeros: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)

    def __attrs_post_init__(self) -> None:
        named = _name_problems("name", [self.name], "container name")
        zeros = _zero_problems(self.zeros)
        sides = {"requests": self.requests, "limits": self.limits}
        amounts = chain(*(one_sided_problems(name, side) for name, side in sides.items()))
        problems = [*named, *amounts, *zeros]
        raise_if_any("Sidecar(...)", problems)


@final
@attrs.frozen(eq=False, repr=False)
class NodeOverrides(Config):
    """What one node of a workflow overrides: ``node.with_overrides(requests=..., limits=...)``.

    Args:
        requests: the requests of the node; default: the task's.
        limits: the limits of the node; default: the task's.
        image: the reference of the node's image; None if it is the task's.
        zeros: the paths of amounts that are zero, such as ``limits.mem``.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    image: str | None = attrs.field(default=None, converter=_as_text, kw_only=True)
    zeros: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    _call_site: CallSite | None = attrs.field(default=None, alias="_call_site", kw_only=True)

    def __attrs_post_init__(self) -> None:
        problems = [
            *one_sided_problems("requests", self.requests),
            *one_sided_problems("limits", self.limits),
            *image_problems("image", self.image),
            *_zero_problems(self.zeros),
        ]
        raise_if_any("NodeOverrides(...)", problems)

    @property
    def call_site(self) -> CallSite | None:
        """The line of ``with_overrides(...)``; None if it is unknown."""
        return self._call_site


def _as_sidecars(value: Iterable[Sidecar]) -> tuple[Sidecar, ...]:
    return tuple(value) if isinstance(value, list) else cast("tuple[Sidecar, ...]", value)


@final
@attrs.frozen(eq=False, repr=False)
class Parent(Config):
    """The task that a cluster belongs to.

    The roles inherit its requests and limits; the other fields are for `flyte_dask.prediction` and
    `flyte_dask.advice`.

    Args:
        requests: the task's own requests; default: the platform's.
        limits: the task's own limits; default: the platform's.
        image: the reference of its image; None if it is unknown.
        packages: the names of the Python packages that its image specification installs, with ``*``
            for others that are not known; none if it has no specification.
        environment: the names of its environment variables.
        sidecars: the other containers of its pod.
        init_containers: the init containers of its pod.
        tolerations: the keys of the taints that its pod template tolerates.
        pod_template: the name of a pod template that is defined on the platform.
        has_own_pod_template: whether it has a pod template in code, such as
            ``@task(pod_template=PodTemplate(...))``, as all tasks with sidecars or init containers.
        gpu_from_pod_template: whether that template sets its GPUs, as ``nvidia.com/gpu``.
        zeros: the paths of amounts that it sets to zero, such as ``limits.mem``.
        interruptible: whether it may run on nodes that can be reclaimed; None: as the platform has
            it.
        accelerator: the type of GPU that it requires, such as ``nvidia-tesla-t4``.
        is_dynamic: whether it is a dynamic task, whose function only builds a workflow.
        node: what a node of a workflow overrides, if it is the task of that node.
        sdk: the SDK in which it is written, and so in whose words advice is given.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    image: str | None = attrs.field(default=None, converter=_as_text, kw_only=True)
    packages: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    environment: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    sidecars: tuple[Sidecar, ...] = attrs.field(default=(), converter=_as_sidecars, kw_only=True)
    init_containers: tuple[Sidecar, ...] = attrs.field(
        default=(), converter=_as_sidecars, kw_only=True
    )
    tolerations: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    pod_template: str | None = attrs.field(default=None, converter=_as_text, kw_only=True)
    has_own_pod_template: bool = attrs.field(default=False, kw_only=True)
    gpu_from_pod_template: bool = attrs.field(default=False, kw_only=True)
    zeros: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    interruptible: bool | None = attrs.field(default=None, kw_only=True)
    accelerator: str | None = attrs.field(default=None, converter=_as_text, kw_only=True)
    is_dynamic: bool = attrs.field(default=False, kw_only=True)
    node: NodeOverrides | None = attrs.field(default=None, kw_only=True)
    sdk: Sdk = attrs.field(default="flytekit", kw_only=True)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Parent(...)", [*side_problems(self.requests, self.limits), *_problems(self)])
        if self.sidecars or self.init_containers:
            object.__setattr__(self, "has_own_pod_template", True)
        own = dict(pairs(self.requests, self.limits))
        object.__setattr__(self, "_origins", origins_of(own, "Parent(...)", self._origins))

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each dimension that is set."""
        return MappingProxyType(self._origins)


def with_origin(parent: Parent, by: str, call_site: CallSite | None) -> Parent:
    """*parent*, with the call *by* at *call_site* as the origin of every amount."""
    own = pairs(parent.requests, parent.limits)
    origins = {name: Origin(by, call_site, own[name]) for name in own}
    return with_values(parent, _origins=origins)


def _problems(parent: Parent) -> Iterator[Problem]:
    yield from image_problems("image", parent.image)
    yield from _name_problems("packages", parent.packages, "package name")
    yield from _name_problems("environment", parent.environment, "environment variable name")
    yield from _name_problems("tolerations", parent.tolerations, "taint key", or_empty=True)
    yield from _container_problems("sidecars", parent.sidecars)
    yield from _container_problems("init_containers", parent.init_containers)
    yield from _zero_problems(parent.zeros)
    if parent.pod_template is not None:
        yield from _name_problems("pod_template", [parent.pod_template], "pod template name")
    if parent.accelerator is not None:
        yield from _name_problems("accelerator", [parent.accelerator], "type of GPU")
    yield from _flag_problems(
        has_own_pod_template=parent.has_own_pod_template,
        gpu_from_pod_template=parent.gpu_from_pod_template,
        is_dynamic=parent.is_dynamic,
        interruptible=False if parent.interruptible is None else parent.interruptible,
    )
    if parent.node is not None and not isinstance(parent.node, NodeOverrides):
        remedy = "pass NodeOverrides(...)"
        yield Problem("node", parent.node, "is not a NodeOverrides", remedy)
    if parent.sdk not in SDKS:
        yield Problem("sdk", parent.sdk, "is not an SDK", f"use one of {', '.join(SDKS)}")


def _flag_problems(**flags: object) -> Iterator[Problem]:
    for name, value in flags.items():
        if type(value) is not bool:
            yield Problem(name, value, "is not a bool", "use True or False")


def _container_problems(path: str, containers: object) -> Iterator[Problem]:
    if not isinstance(containers, tuple):
        yield Problem(path, containers, "must be a list", "pass [Sidecar(...)]")
        return
    for number, each in enumerate(containers):
        if not isinstance(each, Sidecar):
            yield Problem(f"{path}[{number}]", each, "is not a Sidecar", "pass Sidecar(...)")


def _zero_problems(zeros: object) -> Iterator[Problem]:
    if isinstance(zeros, tuple) and not zeros:
        return  # the usual case
    known = [f"{side}.{name}" for side in ("requests", "limits") for name in DIMENSIONS]
    if not isinstance(zeros, tuple):
        yield Problem("zeros", zeros, "is not a list of paths", f"pass a list such as {known[:2]}")
        return
    for path in zeros:
        if not isinstance(path, str) or path not in known:
            yield Problem("zeros", path, "is not a path", f"use one of {', '.join(known)}")


def _name_problems(
    path: str, names: object, kind: str, *, or_empty: bool = False
) -> Iterator[Problem]:
    if not isinstance(names, (list, tuple)):
        yield Problem(path, names, f"is not a list of {kind}s", "pass a list of str")
        return
    for name in names:
        if not isinstance(name, str) or not (name or or_empty):
            remedy = "pass a str" if or_empty else "pass a non-empty str"
            yield Problem(path, name, f"is not a valid {kind}", remedy)
