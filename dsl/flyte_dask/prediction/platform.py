"""A site of Flyte, as far as it decides what pods get."""

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
"""What Flyte gives a pod of whose CPUs or memory nobody says anything, not even the site."""


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Platform(Config):
    """A site of Flyte: its backend, and the amounts that it gives and allows.

    Sites set their own. Flyte 1 itself allows 2 CPUs, 1Gi and 1 GPU where nobody has set more: that
    is ``Platform(limits=Resources(cpu=2, mem="1Gi", gpu=1))``. Flyte 2 allows anything.

    Args:
        backend: ``"v1"``, and if unsaid, or ``"v2"``.
        defaults: what a pod gets where nobody sets an amount; where unsaid, 2 CPUs and 200Mi on
            Flyte 1, 1 CPU and 1Gi on Flyte 2.
        limits: to what requests and limits of each pod are cut; unsaid, no cutting.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    backend: Backend = "v1"
    defaults: Resources | None = attrs.field(default=None, converter=as_resources)
    limits: Resources | None = attrs.field(default=None, converter=as_resources)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")

    def __attrs_post_init__(self) -> None:
        raise_if_any("Platform(...)", _problems(self))
        said: dict[str, Leaf] = {
            f"{side}.{name}": (amount, amount)
            for side, resources in (("defaults", self.defaults), ("limits", self.limits))
            for name, amount in amounts(resources).items()
        }
        object.__setattr__(self, "_origins", origins_of(said, "Platform(...)", self._origins))

    @property
    def given(self) -> dict[str, Quantity]:
        """What a pod gets where nobody sets an amount, by dimension; Flyte's own included."""
        said = {name: each for name, each in amounts(self.defaults).items() if each != ZERO}
        return {**_BUILT_IN[self.backend], **said}

    @property
    def allowed(self) -> dict[str, Quantity]:
        """What a pod may have at most, by dimension, as far as there is a limit."""
        return amounts(self.limits)

    @property
    def origins(self) -> Mapping[str, Origin]:
        """Who said what, such as ``limits.mem``."""
        return MappingProxyType(self._origins)


def _problems(platform: Platform) -> Iterator[Problem]:
    if platform.backend not in BACKENDS:
        remedy = "write 'v1' or 'v2'"
        yield Problem("backend", platform.backend, "is no backend of Flyte", remedy)
    for name, side in (("defaults", platform.defaults), ("limits", platform.limits)):
        yield from one_sided_problems(name, side)
    gpus = platform.limits.gpu if isinstance(platform.limits, Resources) else None
    if gpus is not None and gpus == ZERO:
        rule = "is zero, which Flyte takes for no limit"
        remedy = "leave it out; what a team may not use is said by its policy"
        yield Problem("limits.gpu", gpus.text, rule, remedy)
