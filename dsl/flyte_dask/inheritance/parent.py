"""The task that a cluster belongs to: what its roles inherit, and what its pods are copied from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.call_site import CallSite
from flyte_dask.roles.base import Config
from flyte_dask.roles.image import image_problems
from flyte_dask.roles.origin import NO_ORIGINS, Origin, origins_of
from flyte_dask.roles.resources import Resources, as_resources, pairs, side_problems
from flyte_dask.roles.roles import with_origins

__all__ = ["Parent", "Sidecar", "told"]


@final
@attrs.frozen(eq=False, repr=False)
class Sidecar(Config):
    """A container beside the task's own, of which each pod of the cluster gets a copy.

    Args:
        name: the container's.
        requests: what it is scheduled by.
        limits: what it may use at most.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    name: str
    requests: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)

    def __attrs_post_init__(self) -> None:
        named = _name_problems("name", [self.name], "a container")
        raise_if_any("Sidecar(...)", [*named, *side_problems(self.requests, self.limits)])


def _as_names(value: Iterable[str]) -> tuple[str, ...]:
    """Names, each once, in order; what cannot be some stays as it is, to be judged."""
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

    Its roles inherit its requests and limits; all else is for `flyte_dask.prediction.backend` and
    `flyte_dask.advice`, which tell what its pods will be, and what may go wrong.

    Args:
        requests: the task's own; unsaid, the platform's.
        limits: the same for limits.
        image: the reference of its image; None is unknown.
        environment: the names of the variables of its environment.
        sidecars: the other containers of its pod.
        tolerations: the taints that its pod template tolerates, by their keys.
        pod_template: the name of a pod template that only Flyte knows.

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
        said = pairs(self.requests, self.limits)
        object.__setattr__(self, "_origins", origins_of(dict(said), "Parent(...)", self._origins))

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Who said what, by dimension, as far as it is said."""
        return MappingProxyType(self._origins)


def told(parent: Parent, by: str, call_site: CallSite | None) -> Parent:
    """*parent*, with the call *by* at *call_site* as the origin of every amount."""
    said = pairs(parent.requests, parent.limits)
    return with_origins(parent, {name: Origin(by, call_site, said[name]) for name in said})


def _problems(parent: Parent) -> Iterator[Problem]:
    yield from image_problems("image", parent.image)
    yield from _name_problems("environment", parent.environment, "a variable")
    yield from _name_problems("tolerations", parent.tolerations, "a taint", or_empty=True)
    if not isinstance(parent.sidecars, tuple):
        yield Problem("sidecars", parent.sidecars, "is no list of sidecars", "write [Sidecar(...)]")
    else:
        for number, each in enumerate(parent.sidecars):
            if not isinstance(each, Sidecar):
                yield Problem(f"sidecars[{number}]", each, "is no Sidecar", "write Sidecar(...)")
    if parent.pod_template is not None:
        yield from _name_problems("pod_template", [parent.pod_template], "a pod template")


def _name_problems(
    path: str, names: object, of: str, *, or_empty: bool = False
) -> Iterator[Problem]:
    if not isinstance(names, (list, tuple)):
        yield Problem(path, names, f"is no list of names of {of}", "write a list of texts")
        return
    for name in names:
        if not isinstance(name, str) or not (name or or_empty):
            yield Problem(path, name, f"is no name of {of}", "write a text")
