"""A Flyte platform: its backend, and its defaults and limits for the resources of pods."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, TypeGuard, TypeVar, cast, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions
from flyte_dask.quantities.quantity import ZERO, Quantity, plain_if_text, quantity_or_none
from flyte_dask.roles.base import Config
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, origins_of
from flyte_dask.roles.resources import (
    DIMENSIONS,
    KUBERNETES_NAMES,
    Resources,
    amounts,
    as_resources,
    one_sided_problems,
)

__all__ = ["BACKENDS", "BASES", "Backend", "Base", "Platform", "split_limits"]

Backend: TypeAlias = Literal["v1", "v2"]
"""Flyte 1's backend, or Flyte 2's."""

BACKENDS = ("v1", "v2")

T = TypeVar("T")

Base: TypeAlias = Literal[
    "flyteadmin", "flyte-core", "flyte-binary", "sandbox", "attributes", "flyte-2"
]
"""A starting point of a platform.

- ``flyteadmin``: Flyte 1 without configuration, and what its file keeps where it sets nothing.
- ``flyte-core``, ``flyte-binary``, ``sandbox``: Flyte 1 as installed by that Helm chart, or by
  ``flytectl demo start``.
- ``attributes``: Flyte 1 with task resource attributes of the project or domain, which replace all
  amounts of flyteadmin's file: unset defaults are zero, and unset limits are none.
- ``flyte-2``: Flyte 2, which has no limits.
"""


class _Amounts(NamedTuple):
    """The amounts of a starting point."""

    backend: Backend
    defaults: Mapping[str, Quantity]
    limits: Mapping[str, Quantity]


def _quantities(**amounts: str) -> Mapping[str, Quantity]:
    return {name: Quantity(text) for name, text in amounts.items()}


_FLYTEADMIN = _Amounts(
    "v1", _quantities(cpu="2", mem="200Mi"), _quantities(cpu="2", mem="1Gi", gpu="1")
)
_UNKNOWN = {
    "v1": _FLYTEADMIN._replace(limits={}),
    "v2": _Amounts("v2", _quantities(cpu="1", mem="1Gi"), {}),
}
"""The amounts of a platform of which only the backend is known."""

_BASES: Mapping[Base, _Amounts] = {
    "flyteadmin": _FLYTEADMIN,
    "flyte-core": _FLYTEADMIN._replace(defaults=_quantities(cpu="100m", mem="500Mi")),
    "flyte-binary": _FLYTEADMIN,
    "sandbox": _Amounts("v1", _quantities(cpu="500m", mem="1Gi"), {}),
    "attributes": _Amounts("v1", {"cpu": ZERO, "mem": ZERO}, {}),
    "flyte-2": _UNKNOWN["v2"],
}
"""The amounts of each starting point."""

_GPU_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?/[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?")
"""A Kubernetes resource with a domain."""

BASES = tuple(_BASES)
"""The starting points."""


def _as_backend(value: Backend | None) -> Backend:
    """*value*, which may be None until the base determines it."""
    return cast("Backend", plain_if_text(value))


def _as_base(value: Base | None) -> Base | None:
    return plain_if_text(value)


def _as_resource(value: str) -> str:
    return plain_if_text(value)


def _as_names(value: Iterable[str]) -> tuple[str, ...]:
    """*value* as a tuple in the order of dimensions; unchanged if it is not a list."""
    if not isinstance(value, (list, tuple, set, frozenset)):
        return cast("tuple[str, ...]", value)
    value = tuple(map(plain_if_text, value))
    if not all(isinstance(name, str) for name in value):
        return value
    known = [name for name in DIMENSIONS if name in value]
    return (*known, *(name for name in value if name not in DIMENSIONS))


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Platform(Config):
    """A Flyte platform: its backend, its default amounts and its limits.

    On Flyte 1 these are the task resources of flyteadmin's configuration, or of the attributes of a
    project or domain, with ``base="attributes"``. What the configuration leaves out keeps the
    amount of its *base*: ``Platform(limits=Resources(cpu=16))`` still limits memory to flyteadmin's
    1Gi. Without any limit, ``Platform()``, the limits are unknown, and none is predicted.

    On Flyte 2 a platform has defaults for CPUs and memory only (``plugins.k8s.default-cpus`` and
    ``default-memory``).

    Args:
        backend: ``"v1"`` for Flyte 1, or ``"v2"`` for Flyte 2; by default that of *base*, else v1.
        base: the starting point; by default flyteadmin's own amounts, or those of Flyte 2.
        defaults: the amounts of a pod where nothing else sets them; by default those of *base*.
        limits: the maximum of each pod, to which requests and limits are clamped; by default those
            of *base*. Zero GPUs mean no limit of GPUs, as in flyteadmin's configuration.
        unlimited: the names of dimensions that have no limit, for which flyteadmin's configuration
            has zero: ``unlimited=["mem", "gpu"]``.
        gpu_resource: the Kubernetes resource that the platform configures for GPUs
            (``plugins.k8s.gpu-resource-name``).
        hypothetical: for Flyte 2, predict what its Dask plugin does if Flyte's executor passes it
            limits, and defaults of all dimensions. As of v2.0.43, it never does.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    backend: Backend = attrs.field(default=None, converter=_as_backend)
    base: Base | None = attrs.field(default=None, converter=_as_base)
    defaults: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    unlimited: tuple[str, ...] = attrs.field(default=(), converter=_as_names)
    gpu_resource: str = attrs.field(default=KUBERNETES_NAMES["gpu"], converter=_as_resource)
    hypothetical: bool = False
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")

    def __attrs_post_init__(self) -> None:
        if cast("Backend | None", self.backend) is None:
            known = _BASES.get(self.base) if _is_base(self.base) else None
            object.__setattr__(self, "backend", known.backend if known else "v1")
        raise_if_any("Platform(...)", _problems(self))
        leaves: dict[str, Leaf] = {
            f"{side}.{name}": (amount, amount)
            for side, resources in (("defaults", self.defaults), ("limits", self.limits))
            for name, amount in amounts(resources).items()
        }
        object.__setattr__(self, "_origins", origins_of(leaves, "Platform(...)", self._origins))

    @property
    def given(self) -> Mapping[str, Quantity]:
        """The default amounts of a pod by dimension, Flyte's own included.

        CPUs and memory always have one, which may be zero with ``base="attributes"``.
        """
        if self.defaults is None:
            return self._base.defaults
        own = {name: each for name, each in amounts(self.defaults).items() if each != ZERO}
        return {**self._base.defaults, **own}

    @property
    def allowed(self) -> Mapping[str, Quantity]:
        """The maximum amounts of a pod, for the dimensions that have a limit."""
        if self.limits is None and not self.unlimited:
            return self._base.limits
        limits = {**self._base.limits, **amounts(self.limits)}
        return {
            name: most
            for name, most in limits.items()
            if most != ZERO and name not in self.unlimited
        }

    @property
    def without_limits(self) -> Platform:
        """The platform as it would be without any limit."""
        if not self.allowed:
            return self
        return attrs.evolve(self, limits=None, unlimited=DIMENSIONS)

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each value that is set, by its path such as ``limits.mem``."""
        return MappingProxyType(self._origins)

    @property
    def _base(self) -> _Amounts:
        if self.base is not None:
            return _BASES[self.base]
        is_file = self.backend == "v1" and (self.limits is not None or self.unlimited)
        return _FLYTEADMIN if is_file else _UNKNOWN[self.backend]


def split_limits(amounts: Mapping[str, T]) -> tuple[dict[str, T], list[str]]:
    """The limits that flyteadmin's configuration sets, and the dimensions for which it has zero."""
    unlimited = [name for name, each in amounts.items() if quantity_or_none(str(each)) == ZERO]
    return {name: each for name, each in amounts.items() if name not in unlimited}, unlimited


def _is_base(base: object) -> TypeGuard[Base]:
    return isinstance(base, str) and base in BASES


def _problems(platform: Platform) -> Iterator[Problem]:
    yield from _base_problems(platform.base, platform.backend)
    for name, side in (("defaults", platform.defaults), ("limits", platform.limits)):
        yield from one_sided_problems(name, side)
    yield from _unlimited_problems(platform.unlimited, _amounts(platform.limits))
    yield from _gpu_problems(platform.gpu_resource)
    yield from _hypothetical_problems(platform.hypothetical, platform)


def _hypothetical_problems(hypothetical: object, platform: Platform) -> Iterator[Problem]:
    if not isinstance(hypothetical, bool):
        yield Problem("hypothetical", hypothetical, "is not a bool", "use True or False")
    elif hypothetical and not _is_backend(platform.backend, "v2"):
        rule, remedy = "is for Flyte 2 only", "omit it, or set backend='v2'"
        yield Problem("hypothetical", hypothetical, rule, remedy)
    elif not hypothetical and _is_backend(platform.backend, "v2"):
        yield from _flyte_2_problems(platform)


def _is_backend(backend: object, *which: str) -> bool:
    return isinstance(backend, str) and backend in which


def _base_problems(base: object, backend: Backend) -> Iterator[Problem]:
    if not _is_backend(backend, *BACKENDS):
        yield Problem("backend", backend, "is an unknown backend", "use 'v1' or 'v2'")
    if base is None:
        return
    if not _is_base(base):
        near = did_you_mean(base, BASES) if isinstance(base, str) else None
        yield Problem("base", base, "is an unknown base", near or f"use one of {', '.join(BASES)}")
    elif _is_backend(backend, *BACKENDS) and _BASES[base].backend != backend:
        rule = f"is a base of {_BASES[base].backend}, and the backend is {backend}"
        yield Problem("base", base, rule, "omit the backend, or the base")


def _unlimited_problems(unlimited: object, limits: Mapping[str, Quantity]) -> Iterator[Problem]:
    if not isinstance(unlimited, tuple):
        rule, remedy = "is not a list of dimensions", f"use a list of {', '.join(DIMENSIONS)}"
        yield Problem("unlimited", unlimited, rule, remedy)
        return
    known = [name for name in unlimited if isinstance(name, str) and name in DIMENSIONS]
    with few_suggestions():
        unknown = [
            Problem("unlimited", name, "is an unknown dimension", _known_dimension(name))
            for name in unlimited
            if not isinstance(name, str) or name not in DIMENSIONS
        ]
    yield from unknown
    for name in known:
        if limits.get(name, ZERO) != ZERO:
            rule = f"is set, but {name!r} is in unlimited too"
            yield Problem(f"limits.{name}", limits[name].text, rule, "remove one of the two")


def _known_dimension(name: object) -> str:
    near = did_you_mean(name, DIMENSIONS) if isinstance(name, str) else None
    return near or f"use one of {', '.join(DIMENSIONS)}"


def _gpu_problems(name: object) -> Iterator[Problem]:
    if not isinstance(name, str) or not _GPU_NAME.fullmatch(name):
        rule, remedy = "is not the name of a GPU resource", "use a name such as 'amd.com/gpu'"
        yield Problem("gpu_resource", name, rule, remedy)


def _amounts(side: object) -> dict[str, Quantity]:
    """The amounts of *side*, if it is valid."""
    return amounts(side) if isinstance(side, Resources) else {}


def _flyte_2_problems(platform: Platform) -> Iterator[Problem]:
    """The amounts that Flyte 2's executor does not have."""
    for name, most in _amounts(platform.limits).items():
        rule = "has no effect: Flyte 2 has no limits, and clamps nothing"
        yield Problem(f"limits.{name}", most.text, rule, "omit it, and set a policy instead")
    unlimited: object = platform.unlimited
    for name in unlimited if isinstance(unlimited, tuple) else ():
        rule = "has no effect: Flyte 2 has no limits"
        yield Problem("unlimited", name, rule, "omit it")
    for name, amount in _amounts(platform.defaults).items():
        if name not in _UNKNOWN["v2"].defaults:
            rule = "has no effect: Flyte 2 has defaults of CPUs and memory only"
            yield Problem(f"defaults.{name}", amount.text, rule, "omit it, and set it on the tasks")
