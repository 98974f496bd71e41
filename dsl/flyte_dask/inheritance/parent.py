"""`Parent`: the task that a cluster belongs to, from which its roles inherit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import CallSite
from flyte_dask.roles.base import Config, with_values
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.origin import NO_ORIGINS, Origin, origins_of
from flyte_dask.roles.resources import Resources, as_resources, pairs, side_problems

__all__ = ["Parent", "Sidecar", "with_origin"]


@final
@attrs.frozen(eq=False, repr=False)
class Sidecar(Config):
    """A container next to the task's own, of which each pod of the cluster gets a copy.

    Args:
        name: the name of the container.
        requests: its requests.
        limits: its limits.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    name: str
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)

    def __attrs_post_init__(self) -> None:
        named = _name_problems("name", [self.name], "container name")
        raise_if_any("Sidecar(...)", [*named, *side_problems(self.requests, self.limits)])


def _as_names(value: Iterable[str]) -> tuple[str, ...]:
    """*value* as a sorted tuple without duplicates; unchanged if it is invalid."""
    if isinstance(value, str):
        return cast("tuple[str, ...]", value)
    try:
        return tuple(sorted(set(value)))
    except TypeError:
        return cast("tuple[str, ...]", value)


def _as_sidecars(value: Iterable[Sidecar]) -> tuple[Sidecar, ...]:
    return tuple(value) if isinstance(value, list) else cast("tuple[Sidecar, ...]", value)


@final
@attrs.frozen(eq=False, repr=False)
class Parent(Config):
    """The task that a cluster belongs to.

    The roles inherit its requests and limits; the other fields are for
    `flyte_dask.prediction.backend` and `flyte_dask.advice`.

    Args:
        requests: the task's own requests; default: the platform's.
        limits: the task's own limits; default: the platform's.
        image: the reference of its image; None if it is unknown.
        environment: the names of its environment variables.
        sidecars: the other containers of its pod.
        tolerations: the keys of the taints that its pod template tolerates.
        pod_template: the name of a pod template that is defined on the platform.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    image: str | None = attrs.field(default=None, kw_only=True)
    environment: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    sidecars: tuple[Sidecar, ...] = attrs.field(default=(), converter=_as_sidecars, kw_only=True)
    tolerations: tuple[str, ...] = attrs.field(default=(), converter=_as_names, kw_only=True)
    pod_template: str | None = attrs.field(default=None, kw_only=True)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins", kw_only=True)

    def __attrs_post_init__(self) -> None:
        raise_if_any("Parent(...)", [*side_problems(self.requests, self.limits), *_problems(self)])
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
    yield from _name_problems("environment", parent.environment, "environment variable name")
    yield from _name_problems("tolerations", parent.tolerations, "taint key", or_empty=True)
    if not isinstance(parent.sidecars, tuple):
        yield Problem("sidecars", parent.sidecars, "must be a list", "pass [Sidecar(...)]")
    else:
        for number, each in enumerate(parent.sidecars):
            if not isinstance(each, Sidecar):
                yield Problem(f"sidecars[{number}]", each, "is not a Sidecar", "pass Sidecar(...)")
    if parent.pod_template is not None:
        yield from _name_problems("pod_template", [parent.pod_template], "pod template name")


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
