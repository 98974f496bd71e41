"""A team's policy: limits for workers and whole jobs, and the registries of images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import cast, final

import attrs

from flyte_dask.config.dask import Dask
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.prediction.backend import Container, Pod, Pods, pods_of
from flyte_dask.prediction.footprint import footprint, total
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.base import Config
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, origins_of
from flyte_dask.roles.resources import Resources, amounts, as_resources, one_sided_problems
from flyte_dask.roles.roles import count_problems

__all__ = ["Policy", "violations"]

_REGISTRY = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*/?")
_DOCKER = "docker.io"  # the registry of an image that names none
_CHANGE = "change the policy"
_REMEDY = f"request less, or {_CHANGE}"


def _as_registries(value: Iterable[str] | None) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) else cast("tuple[str, ...] | None", value)


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Policy(Config):
    """What a team allows its tasks. It applies to limits, before the platform clamps them.

    Args:
        max_workers: the maximum number of workers of a task.
        per_worker: the maximum of each worker.
        total: the maximum of all pods of a job, runner, scheduler and sidecars included.
        registries: the allowed registries of images, of roles and of the task, optionally with
            a path or the start of one: ``ghcr.io``, ``ghcr.io/acme``, ``ghcr.io/acme/etl``. By
            default all are allowed.

    Raises:
        InvalidConfig: with every problem of the call.
    """

    max_workers: int | None = None
    per_worker: Resources | None = attrs.field(default=None, converter=as_resources)
    total: Resources | None = attrs.field(default=None, converter=as_resources)
    registries: tuple[str, ...] | None = attrs.field(default=None, converter=_as_registries)
    _origins: Mapping[str, Origin] = attrs.field(default=NO_ORIGINS, alias="_origins")

    def __attrs_post_init__(self) -> None:
        raise_if_any("Policy(...)", _problems(self))
        object.__setattr__(
            self, "_origins", origins_of(_leaves(self), "Policy(...)", self._origins)
        )

    @property
    def origins(self) -> Mapping[str, Origin]:
        """The origin of each value that is set, by its path such as ``per_worker.mem``."""
        return MappingProxyType(self._origins)


def violations(
    policy: Policy, config: Dask, parent: Parent, platform: Platform
) -> Iterator[Problem]:
    """All that *config* has and *policy* does not allow."""
    yield from _too_many_workers(policy, config)
    if policy.per_worker or policy.total:
        resolved = config.resolve(parent)
        pods = pods_of(config, resolved, parent, attrs.evolve(platform, limits=None))
        origins = _Origins(config, resolved, parent, platform)
        yield from _too_large_workers(policy, pods, origins)
        yield from _too_large_total(policy, pods, origins)
    yield from _foreign_images(policy, config, parent)


def _too_many_workers(policy: Policy, config: Dask) -> Iterator[Problem]:
    number, most = config.workers.number_of_workers, policy.max_workers
    if most is not None and number > most:
        origin = config.workers.origins.get("number_of_workers")
        rule = f"set by {origin} {_exceeds(policy, most, 'max_workers')}"
        yield Problem("workers.number_of_workers", number, rule, _REMEDY)


def _too_large_workers(policy: Policy, pods: Pods, origins: _Origins) -> Iterator[Problem]:
    for name, most in amounts(policy.per_worker).items():
        request, limit = pods.workers.container.amounts.get(name, (None, None))
        amount = request if limit is None else limit
        if amount is not None and amount > most:
            path = f"workers.{'requests' if limit is None else 'limits'}.{name}"
            exceeds = _exceeds(policy, most, f"per_worker.{name}")
            rule = f"set by {origins.of_amount('workers', name)} {exceeds}"
            yield Problem(path, amount.text, rule, _REMEDY)


def _too_large_total(policy: Policy, pods: Pods, origins: _Origins) -> Iterator[Problem]:
    if policy.total is None:
        return
    whole = footprint(pods)
    for name, most in amounts(policy.total).items():
        amount: Quantity = getattr(whole.limits, name)
        if amount > most:
            largest = _largest(_shares(pods, name), amount, most)
            shares = _grouped(origins.of_share(who, name) for who in largest)
            exceeds = _exceeds(policy, most, f"total.{name}")
            rule = f"for all {whole.pods} pods ({shares}) {exceeds}"
            yield Problem(f"total.{name}", amount.text, rule, _REMEDY)


def _exceeds(policy: Policy, most: object, path: str) -> str:
    return f"exceeds the {most} allowed by {policy.origins[path]}"


def _shares(pods: Pods, name: str) -> Iterator[tuple[str, Quantity]]:
    """The total of the dimension *name* of each role, and of each sidecar in all pods."""
    for role, pod in zip(pods._fields, pods, strict=True):
        yield role, _total([pod], pod.container, name)
    for sidecar in pods.runner.sidecars:
        yield f"sidecar {sidecar.name}", _total(pods, sidecar, name)


def _total(pods: Sequence[Pod], container: Container, name: str) -> Quantity:
    """The total of the dimension *name* of *container*, which is in each of *pods*."""
    amount: Quantity = getattr(total(pods, lambda _: [container]).limits, name)
    return amount


def _largest(
    shares: Iterable[tuple[str, Quantity]], amount: Quantity, most: Quantity
) -> Iterator[str]:
    """The fewest *shares* of the total *amount* without which it does not exceed *most*."""
    for who, share in sorted(shares, key=lambda each: each[1].value, reverse=True):
        if amount <= most:
            return
        amount -= share
        yield who


def _grouped(shares_with_origins: Iterable[tuple[str, str]]) -> str:
    """Shares with their origins, grouped by origin."""
    groups: dict[str, list[str]] = {}
    for share, origins in shares_with_origins:
        groups.setdefault(origins, []).append(share)
    return "; ".join(f"{_listed(shares)}{origins}" for origins, shares in groups.items())


def _listed(names: list[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _foreign_images(policy: Policy, config: Dask, parent: Parent) -> Iterator[Problem]:
    if policy.registries is None:
        return
    images = {
        "scheduler.image": (config.scheduler.image, config.origins.get("scheduler.image")),
        "workers.image": (config.workers.image, config.origins.get("workers.image")),
        "task.image": (parent.image, "@task"),
    }
    for path, (image, origin) in images.items():
        if isinstance(image, str) and not _comes_from(image, policy.registries):
            rule = f"set by {origin} is from no registry allowed by {policy.origins['registries']}"
            known = ", ".join(policy.registries)
            yield Problem(path, image, rule, f"push it to {known}" if known else _CHANGE)


def _comes_from(image: str, registries: tuple[str, ...]) -> bool:
    if "{{" in image:
        return True  # unknown until the template is filled in
    host, slash, path = image.partition("/")
    if not (slash and _is_host(host)):
        host, path = _DOCKER, image
    place = _place(host, _without_version(path))
    return any(f"{place}/".startswith(f"{_place_of(each)}/") for each in registries)


def _without_version(path: str) -> str:
    """*path* without tag and digest."""
    return path.partition("@")[0].partition(":")[0]


def _place_of(registry: str) -> str:
    host, _, path = registry.strip("/").partition("/")
    if _is_host(host):
        return f"{_alias(host)}/{path}" if path else _alias(host)
    return f"{_DOCKER}/{registry.strip('/')}"


def _place(host: str, path: str) -> str:
    host = _alias(host)
    is_official = host == _DOCKER and "/" not in path
    return f"{host}/library/{path}" if is_official else f"{host}/{path}"


def _alias(host: str) -> str:
    """The canonical name of *host*."""
    host = host.lower()
    return _DOCKER if host in {"index.docker.io", "registry-1.docker.io"} else host


def _is_host(name: str) -> bool:
    """Whether *name*, the first part of a reference, is a registry, not a path on Docker Hub."""
    return "." in name or ":" in name or name == "localhost"


class _Origins:
    """The origins of a config's values in its task."""

    def __init__(
        self, config: Dask, resolved: Resolved, parent: Parent, platform: Platform
    ) -> None:
        self._number = config.origins.get("workers.number_of_workers")
        self._sides = resolved.sides
        self._parent = parent
        self._platform = platform

    def of_amount(self, role: str, name: str) -> str:
        """The origin of the dimension *name* of a pod of *role*, as text."""
        if role == "runner":
            origin = self._parent.origins.get(name)
        else:
            sides = (self._sides[f"{role}.{side}.{name}"] for side in ("limits", "requests"))
            origin = next((side.origin for side in sides if side.origin), None)
        if origin:
            return str(origin)
        default = self._platform.origins.get(f"defaults.{name}")
        return f"the default of {default}" if default else "the platform default"

    def of_share(self, who: str, name: str) -> tuple[str, str]:
        """The text of a share, and of the origins of its number of pods and its amount."""
        if who not in Pods._fields:
            return f"{who} in each pod", ""
        number = [str(self._number)] if who == "workers" and self._number else []
        origins = dict.fromkeys([*number, self.of_amount(who, name)])
        return who, f" set by {' and '.join(origins)}"


def _leaves(policy: Policy) -> dict[str, Leaf]:
    leaves: dict[str, Leaf] = {}
    if policy.max_workers is not None:
        leaves["max_workers"] = policy.max_workers
    for part, resources in (("per_worker", policy.per_worker), ("total", policy.total)):
        for name, amount in amounts(resources).items():
            leaves[f"{part}.{name}"] = (amount, amount)
    if policy.registries is not None:
        leaves["registries"] = ", ".join(policy.registries)
    return leaves


def _problems(policy: Policy) -> Iterator[Problem]:
    yield from count_problems("max_workers", policy.max_workers)
    for name, side in (("per_worker", policy.per_worker), ("total", policy.total)):
        yield from one_sided_problems(name, side)
    if policy.registries is None:
        return
    if not isinstance(policy.registries, tuple):
        remedy = "use a list such as ['ghcr.io/acme']"
        yield Problem("registries", policy.registries, "must be a list of registries", remedy)
        return
    registries: tuple[object, ...] = policy.registries
    for number, each in enumerate(registries):
        if not isinstance(each, str) or not _REGISTRY.fullmatch(each):
            remedy = "use one such as 'ghcr.io/acme'"
            yield Problem(f"registries[{number}]", each, "is not a registry", remedy)
