"""Caches for results that tasks with equal configs share, and the keys of their configs.

Keys are equal if the message to Flyte and the pods are the same. Configs are equal if their amounts
are, in any spelling. A message keeps the spelling, so configs themselves cannot be keys.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from flyte_dask.config.dask import Dask
from flyte_dask.prediction.platform import Platform
from flyte_dask.roles.resources import Resources
from flyte_dask.roles.roles import Scheduler, WorkerGroup

__all__ = ["Latest", "cached", "other_key", "platform_key", "shape_key"]

_MOST = 4096  # entries, of some kilobytes each; a registration rarely has so many different ones

T = TypeVar("T")


def cached(
    cache: dict[Hashable, T], key: Hashable, compute: Callable[[], T], most: int = _MOST
) -> T:
    """The value of *key* in *cache*; *compute* provides a missing one.

    A cache that has *most* entries is cleared before the next one.
    """
    try:
        return cache[key]
    except KeyError:
        pass  # an error below must not have this one as its context
    value = compute()
    if len(cache) >= most:
        cache.clear()
    cache[key] = value
    return value


class Latest(Generic[T]):
    """A cache for the latest registration, during which files do not move."""

    def __init__(self) -> None:
        self._settings: object = None
        self._cache: dict[Hashable, T] = {}

    def of(self, settings: object) -> dict[Hashable, T]:
        """The cache for the registration with these *settings*; a new one starts empty."""
        if settings is not self._settings:
            self._settings, self._cache = settings, {}
        return self._cache


def shape_key(config: Dask) -> tuple[object, ...]:
    """The key of *config*'s pods, except for the number of workers.

    It is computed for every task, so it has to be fast.
    """
    return (config.inherit, *_of_role(config.scheduler), *_of_role(config.workers))


def other_key(config: Dask, platform: Platform) -> tuple[object, ...]:
    """The key of all else that advice may contain: on Flyte 2 a remedy can be a whole config."""
    return () if platform.backend == "v1" else (repr(config.runtime), config.silence)


def platform_key(platform: Platform) -> tuple[object, ...]:
    """The key of *platform*."""
    return (
        platform.backend,
        platform.base,
        platform.unlimited,
        platform.gpu_resource,
        platform.hypothetical,
        *_of_side(platform.defaults),
        *_of_side(platform.limits),
    )


_text = str.__str__


def _of_role(role: Scheduler | WorkerGroup) -> tuple[object, ...]:
    return role.image, *_of_side(role.requests), *_of_side(role.limits)


def _of_side(side: Resources | None) -> tuple[str | None, ...]:
    if side is None:
        return (None, None, None, None)
    cpu, mem, gpu, disk = side.cpu, side.mem, side.gpu, side.ephemeral_storage
    # as plain texts, since quantities are equal if their values are; the property takes longer
    return cpu and _text(cpu), mem and _text(mem), gpu and _text(gpu), disk and _text(disk)
