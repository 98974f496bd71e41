"""A team's policy: limits for workers and whole jobs, and the registries of images."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from types import MappingProxyType
from typing import TypeAlias, cast, final

import attrs

from flyte_dask.config.dask import Dask
from flyte_dask.errors import Problem, raise_if_any
from flyte_dask.errors.usage_errors import type_problems
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.prediction.backend import pods_of
from flyte_dask.prediction.footprint import footprint, total
from flyte_dask.prediction.node import NODE_CALL, of_side, on_node, resolved_on_node
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Pods
from flyte_dask.quantities.quantity import Quantity, plain_if_text
from flyte_dask.roles.base import Config, checked
from flyte_dask.roles.origin import NO_ORIGINS, Leaf, Origin, origins_of
from flyte_dask.roles.resources import Resources, amounts, as_resources, one_sided_problems
from flyte_dask.roles.roles import count_problems

__all__ = ["Policy", "violations"]

_REGISTRY = re.compile(r"[\w.-]+(:\d+)?(/[\w.-]+)*/?")
_VERSION = re.compile(r"(:[^/]*)?(@.*)?$")  # the tag and digest of an image
_DOCKER = "docker.io"  # the registry of an image that names none
_CHANGE = "change the policy"
_REMEDY = f"request less, or {_CHANGE}"

OriginOf: TypeAlias = Callable[[str, str], str]
"""The origin of an amount, by role and dimension, as text."""


def _as_registries(value: Iterable[str] | None) -> tuple[str, ...] | None:
    if not isinstance(value, (list, tuple)):
        return cast("tuple[str, ...] | None", value)
    return tuple(map(plain_if_text, value))


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


@checked("violations(...)")
def violations(
    policy: Policy, config: Dask, parent: Parent, platform: Platform
) -> Iterator[Problem]:
    """All that *config* has and *policy* does not allow.

    Raises:
        InvalidConfig: if an argument is not of its type.
    """
    of_types = {"policy": (policy, Policy), "config": (config, Dask)}
    others = {"parent": (parent, Parent), "platform": (platform, Platform)}
    raise_if_any("violations(...)", type_problems(**of_types, **others))
    return _violations(policy, config, parent, platform)


def _violations(
    policy: Policy, config: Dask, parent: Parent, platform: Platform
) -> Iterator[Problem]:
    yield from _too_many_workers(policy, config)
    of_node = on_node(parent, platform)
    if policy.per_worker or policy.total:
        resolved = config.resolve(parent)
        pods = pods_of(config, resolved, parent, platform.without_limits)
        resolved = resolved_on_node(config, parent, platform, resolved)
        origin_of = partial(_origin, resolved, of_node, platform)
        yield from _too_large_workers(policy, pods, origin_of)
        yield from _too_large_total(policy, pods, origin_of)
    yield from _foreign_images(policy, config, of_node)


def _too_many_workers(policy: Policy, config: Dask) -> Iterator[Problem]:
    number, most = config.workers.number_of_workers, policy.max_workers
    if most is not None and number > most:
        origin = config.workers.origins.get("number_of_workers")
        rule = f"set by {origin} {_exceeds(policy, most, 'max_workers')}"
        yield Problem("workers.number_of_workers", number, rule, _REMEDY)


def _too_large_workers(policy: Policy, pods: Pods, origin_of: OriginOf) -> Iterator[Problem]:
    for name, most in amounts(policy.per_worker).items():
        request, limit = pods.workers.container.amounts.get(name, (None, None))
        amount = request if limit is None else limit
        if amount is not None and amount > most:
            path = f"workers.{'requests' if limit is None else 'limits'}.{name}"
            exceeds = _exceeds(policy, most, f"per_worker.{name}")
            rule = f"set by {origin_of('workers', name)} {exceeds}"
            yield Problem(path, amount.text, rule, _REMEDY)


def _too_large_total(policy: Policy, pods: Pods, origin_of: OriginOf) -> Iterator[Problem]:
    if policy.total is None:
        return
    whole = footprint(pods)
    for name, most in amounts(policy.total).items():
        amount: Quantity = getattr(whole.limits, name)
        if amount > most:
            share, largest = max(_shares(pods, name), key=itemgetter(0))
            set_by = f", set by {origin_of(largest, name)}" if largest in pods._fields else ""
            exceeds = _exceeds(policy, most, f"total.{name}")
            rule = f"for all {whole.pods} pods (largest: {largest} {share}{set_by}) {exceeds}"
            yield Problem(f"total.{name}", amount.text, rule, _REMEDY)


def _shares(pods: Pods, name: str) -> Iterator[tuple[Quantity, str]]:
    """The total of the dimension *name* of each role, and of each sidecar in all pods."""
    of = {role: [pod] for role, pod in pods._asdict().items()}
    for each in pods.runner.sidecars:
        of[f"sidecar {each.name} in each pod"] = [pod._replace(container=each) for pod in pods]
    for who, part in of.items():
        yield getattr(total(part, lambda pod: [pod.container]).limits, name), who


def _exceeds(policy: Policy, most: object, path: str) -> str:
    return f"exceeds the {most} allowed by {policy.origins[path]}"


def _origin(resolved: Resolved, parent: Parent, platform: Platform, role: str, name: str) -> str:
    """The origin of the dimension *name* of a pod of *role*, as text."""
    if role == "runner":
        origin = parent.origins.get(name)
    else:
        pair = getattr(getattr(resolved, role), name)
        origin = pair.limit.origin or pair.request.origin
    if origin := of_side(origin, 1):
        return str(origin)
    default = platform.origins.get(f"defaults.{name}")
    return f"the default of {default}" if default else "the platform default"


def _foreign_images(policy: Policy, config: Dask, parent: Parent) -> Iterator[Problem]:
    if policy.registries is None:
        return
    by: Origin | str = "@task" if parent.sdk == "flytekit" else "@env.task"
    if parent.node and parent.node.image and parent.node.image == parent.image:
        by = Origin(NODE_CALL, parent.node.call_site, parent.image)
    images = {
        "scheduler.image": (config.scheduler.image, config.origins.get("scheduler.image")),
        "workers.image": (config.workers.image, config.origins.get("workers.image")),
        "task.image": (parent.image, by),
    }
    for path, (image, origin) in images.items():
        if isinstance(image, str) and not _comes_from(image, policy.registries):
            rule = f"set by {origin} is from no registry allowed by {policy.origins['registries']}"
            known = ", ".join(policy.registries)
            yield Problem(path, image, rule, f"push it to {known}" if known else _CHANGE)


def _comes_from(image: str, registries: tuple[str, ...]) -> bool:
    if "{{" in image:
        return True  # unknown until the template is filled in
    name = _VERSION.sub("", image)
    place = _place(name if "/" in name else f"{_DOCKER}/{name}")
    if place.startswith(f"{_DOCKER}/") and place.count("/") == 1:
        place = place.replace("/", "/library/")
    return any(f"{place}/".startswith(f"{_place(each)}/") for each in registries)


def _place(name: str) -> str:
    """*name*, of an image or of the start of one, with the canonical name of its host."""
    host, slash, path = name.strip("/").partition("/")
    if not ("." in host or ":" in host or host == "localhost"):
        return f"{_DOCKER}/{host}{slash}{path}"
    host = host.lower()
    is_docker = host in {"index.docker.io", "registry-1.docker.io"}
    return f"{_DOCKER if is_docker else host}{slash}{path}"


def _leaves(policy: Policy) -> dict[str, Leaf]:
    leaves: dict[str, Leaf] = {
        f"{part}.{name}": (amount, amount)
        for part, resources in (("per_worker", policy.per_worker), ("total", policy.total))
        for name, amount in amounts(resources).items()
    }
    if policy.max_workers is not None:
        leaves["max_workers"] = policy.max_workers
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
