"""What a team allows: how many workers, how much for each and for a whole job, and which images."""

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
_DOCKER = "docker.io"  # what an image without a registry is from
_REMEDY = "ask for less, or have the policy changed"


def _as_registries(value: Iterable[str] | None) -> tuple[str, ...] | None:
    return tuple(value) if isinstance(value, list) else cast("tuple[str, ...] | None", value)


@final
@attrs.frozen(eq=False, repr=False, kw_only=True)
class Policy(Config):
    """What a team allows its tasks. It is judged by limits, before the platform cuts them.

    Args:
        max_workers: how many workers a task may have.
        per_worker: how much each of them may use.
        total: how much all pods of a job may use together, those of runner, scheduler and sidecars
            included.
        registries: from where images may come: registries, with the first parts of a path or all
            of it if you like, such as ``ghcr.io/acme`` or ``ghcr.io/acme/etl``; unsaid, from
            anywhere. It holds for images of roles and for the task's.

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
        """Who said what, such as ``per_worker.mem``."""
        return MappingProxyType(self._origins)


def violations(
    policy: Policy, config: Dask, parent: Parent, platform: Platform
) -> Iterator[Problem]:
    """All of *config* that is above what *policy* allows."""
    yield from _too_many_workers(policy, config)
    if policy.per_worker or policy.total:
        resolved = config.resolve(parent)
        pods = pods_of(config, resolved, parent, attrs.evolve(platform, limits=None))
        told = _Told(config, resolved, parent, platform)
        yield from _too_large_workers(policy, pods, told)
        yield from _too_much_in_all(policy, pods, told)
    yield from _foreign_images(policy, config, parent)


def _too_many_workers(policy: Policy, config: Dask) -> Iterator[Problem]:
    number, most = config.workers.number_of_workers, policy.max_workers
    if most is not None and number > most:
        origin = config.workers.origins.get("number_of_workers")
        rule = f"of {origin} is above the {most} of {policy.origins['max_workers']}"
        yield Problem("workers.number_of_workers", number, rule, _REMEDY)


def _too_large_workers(policy: Policy, pods: Pods, told: _Told) -> Iterator[Problem]:
    for name, most in amounts(policy.per_worker).items():
        request, limit = pods.workers.container.amounts.get(name, (None, None))
        amount = request if limit is None else limit
        if amount is not None and amount > most:
            path = f"workers.{'requests' if limit is None else 'limits'}.{name}"
            rule = (
                f"of {told.amount('workers', name)} is above the {most} of "
                f"{_said(policy, 'per_worker', name)}"
            )
            yield Problem(path, amount.text, rule, _REMEDY)


def _too_much_in_all(policy: Policy, pods: Pods, told: _Told) -> Iterator[Problem]:
    if policy.total is None:
        return
    whole = footprint(pods)
    for name, most in amounts(policy.total).items():
        amount: Quantity = getattr(whole.limits, name)
        if amount > most:
            largest = _largest(_shares(pods, name), amount, most)
            of = _grouped(told.share(who, name) for who in largest)
            rule = (
                f"for all {whole.pods} pods, with {of}, is above the {most} of "
                f"{_said(policy, 'total', name)}"
            )
            yield Problem(f"total.{name}", amount.text, rule, _REMEDY)


def _shares(pods: Pods, name: str) -> Iterator[tuple[str, Quantity]]:
    """How much of that dimension each role has in all of its pods, and each sidecar in all pods."""
    for role, pod in zip(pods._fields, pods, strict=True):
        yield role, _in_all([pod], pod.container, name)
    for sidecar in pods.runner.sidecars:
        yield f"sidecar {sidecar.name}", _in_all(pods, sidecar, name)


def _in_all(pods: Sequence[Pod], container: Container, name: str) -> Quantity:
    """How much of that dimension *container* has, if it is in each of *pods*."""
    amount: Quantity = getattr(total(pods, lambda _: [container]).limits, name)
    return amount


def _largest(
    shares: Iterable[tuple[str, Quantity]], amount: Quantity, most: Quantity
) -> Iterator[str]:
    """The fewest of *shares*, which are *amount* in all, without which it is not above *most*."""
    for who, share in sorted(shares, key=lambda each: each[1].value, reverse=True):
        if amount <= most:
            return
        amount -= share
        yield who


def _grouped(told: Iterable[tuple[str, str]]) -> str:
    """Shares with who said them, which is told once for all that are of the same."""
    groups: dict[str, list[str]] = {}
    for share, origins in told:
        groups.setdefault(origins, []).append(share)
    return "; ".join(f"{_listed(shares)}{origins}" for origins, shares in groups.items())


def _listed(words: list[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _foreign_images(policy: Policy, config: Dask, parent: Parent) -> Iterator[Problem]:
    if policy.registries is None:
        return
    images = {
        "scheduler.image": (config.scheduler.image, config.origins.get("scheduler.image")),
        "workers.image": (config.workers.image, config.origins.get("workers.image")),
        "task.image": (parent.image, "@task"),
    }
    for path, (image, who) in images.items():
        if isinstance(image, str) and not _comes_from(image, policy.registries):
            rule = f"of {who} is from none of the registries of {policy.origins['registries']}"
            known = ", ".join(policy.registries) or "no registry at all"
            yield Problem(path, image, rule, f"push it to {known}")


def _comes_from(image: str, registries: tuple[str, ...]) -> bool:
    if "{{" in image:
        return True  # that is not known before it is filled in
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
    """The one name of a host, which says the same in capitals."""
    host = host.lower()
    return _DOCKER if host in {"index.docker.io", "registry-1.docker.io"} else host


def _is_host(name: str) -> bool:
    """Whether *name*, the first part of a reference, is a registry; or else a part of Docker's."""
    return "." in name or ":" in name or name == "localhost"


def _said(policy: Policy, part: str, name: str) -> Origin:
    return policy.origins[f"{part}.{name}"]


class _Told:
    """Who said what of a config in its task."""

    def __init__(
        self, config: Dask, resolved: Resolved, parent: Parent, platform: Platform
    ) -> None:
        self._number = config.origins.get("workers.number_of_workers")
        self._sides = resolved.sides
        self._parent = parent
        self._platform = platform

    def amount(self, role: str, name: str) -> str:
        """Who said how much of that dimension a pod of *role* has; a default is the platform's."""
        if role == "runner":
            origin = self._parent.origins.get(name)
        else:
            sides = (self._sides[f"{role}.{side}.{name}"] for side in ("limits", "requests"))
            origin = next((side.origin for side in sides if side.origin), None)
        if origin:
            return str(origin)
        default = self._platform.origins.get(f"defaults.{name}")
        return f"the default of {default}" if default else "the platform's default"

    def share(self, who: str, name: str) -> tuple[str, str]:
        """What has that share, and of whom its number and its amount are."""
        if who not in Pods._fields:
            return f"{who} in each", ""
        number = [str(self._number)] if who == "workers" and self._number else []
        origins = dict.fromkeys([*number, self.amount(who, name)])
        return who, f" of {' and '.join(origins)}"


def _leaves(policy: Policy) -> dict[str, Leaf]:
    said: dict[str, Leaf] = {}
    if policy.max_workers is not None:
        said["max_workers"] = policy.max_workers
    for part, resources in (("per_worker", policy.per_worker), ("total", policy.total)):
        for name, amount in amounts(resources).items():
            said[f"{part}.{name}"] = (amount, amount)
    if policy.registries is not None:
        said["registries"] = ", ".join(policy.registries)
    return said


def _problems(policy: Policy) -> Iterator[Problem]:
    yield from count_problems("max_workers", policy.max_workers)
    for name, side in (("per_worker", policy.per_worker), ("total", policy.total)):
        yield from one_sided_problems(name, side)
    if policy.registries is None:
        return
    if not isinstance(policy.registries, tuple):
        remedy = "write a list such as ['ghcr.io/acme']"
        yield Problem("registries", policy.registries, "is no list of registries", remedy)
        return
    registries: tuple[object, ...] = policy.registries
    for number, each in enumerate(registries):
        if not isinstance(each, str) or not _REGISTRY.fullmatch(each):
            remedy = "write one such as 'ghcr.io/acme'"
            yield Problem(f"registries[{number}]", each, "is no registry", remedy)
