"""A Flyte platform: its backend, and its defaults and limits for the resources of pods."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias, final

import attrs

from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.base import Config
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, origins_of
from flyte_dask.roles.resources import Resources, amounts, as_resources, one_sided_problems

__all__ = ["BACKENDS", "Backend", "Platform"]

Backend: TypeAlias = Literal["v1", "v2"]
"""Flyte 1's backend, or Flyte 2's."""

BACKENDS = ("v1", "v2")

_BUILT_IN = {
    "v1": {"cpu": Quantity("2"), "mem": Quantity("200Mi")},
    "v2": {"cpu": Quantity("1"), "mem": Quantity("1Gi")},
}
"""Flyte's own defaults for CPU and memory, where neither the task nor the platform sets them."""


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Platform(Config):
    """A Flyte platform: its backend, its default amounts and its limits.

    Each deployment configures its own. Without configuration, Flyte 1 has the limits
    ``Platform(limits=Resources(cpu=2, mem="1Gi", gpu=1))``, and Flyte 2 has none.

    Args:
        backend: ``"v1"`` (the default) for Flyte 1, or ``"v2"`` for Flyte 2.
        defaults: the amounts of a pod where nothing else sets them; by default 2 CPUs and 200Mi on
            Flyte 1, 1 CPU and 1Gi on Flyte 2.
        limits: the maximum of each pod, to which requests and limits are clamped; by default none.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    backend: Backend = "v1"
    defaults: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")

    def __attrs_post_init__(self) -> None:
        raise_if_any("Platform(...)", _problems(self))
        leaves: dict[str, Leaf] = {
            f"{side}.{name}": (amount, amount)
            for side, resources in (("defaults", self.defaults), ("limits", self.limits))
            for name, amount in amounts(resources).items()
        }
        object.__setattr__(self, "_origins", origins_of(leaves, "Platform(...)", self._origins))

    @property
    def given(self) -> dict[str, Quantity]:
        """The default amounts of a pod by dimension, Flyte's own included."""
        defaults = {name: each for name, each in amounts(self.defaults).items() if each != ZERO}
        return {**_BUILT_IN[self.backend], **defaults}

    @property
    def allowed(self) -> dict[str, Quantity]:
        """The maximum amounts of a pod, for the dimensions that have a limit."""
        return amounts(self.limits)

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each value that is set, by its path such as ``limits.mem``."""
        return MappingProxyType(self._origins)


def _problems(platform: Platform) -> Iterator[Problem]:
    if platform.backend not in BACKENDS:
        yield Problem("backend", platform.backend, "is an unknown backend", "use 'v1' or 'v2'")
    for name, side in (("defaults", platform.defaults), ("limits", platform.limits)):
        yield from one_sided_problems(name, side)
    gpus = platform.limits.gpu if isinstance(platform.limits, Resources) else None
    if gpus is not None and gpus == ZERO:
        rule = "is zero, which Flyte treats as no limit"
        remedy = "omit it, and set a policy instead"
        yield Problem("limits.gpu", gpus.text, rule, remedy)
