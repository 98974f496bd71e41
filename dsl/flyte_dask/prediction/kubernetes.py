"""What the API server of Kubernetes would reject of predicted pods."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple, final

from flyte_dask.prediction.pods import Container, Pods

__all__ = ["Rejection", "rejections"]

_LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


@final
class Rejection(NamedTuple):
    """A reason for which the API server of Kubernetes rejects a pod."""

    role: str
    """The role of the pod: runner, scheduler or workers."""
    container: Container
    """The container that is invalid."""
    reason: str
    """The reason."""


def rejections(pods: Pods) -> Iterator[Rejection]:
    """The reasons for which Kubernetes rejects *pods*."""
    for role, pod in zip(pods._fields, pods, strict=True):
        others = (*pod.sidecars, *pod.init_containers)
        names = Counter(each.name for each in (pod.container, *others)) if others else {}
        for container in (pod.container, *others):
            of_names = _of_names(container, names) if container is not pod.container else ()
            for reason in (*of_names, *_of_amounts(container)):
                yield Rejection(role, container, reason)


def _of_names(container: Container, names: Mapping[str, int]) -> Iterator[str]:
    name = container.name
    if names[name] > 1:
        yield f"another container of the pod is named '{name}' too"
    if len(name) > _LONGEST:
        yield f"its name has {len(name)} characters, and {_LONGEST} are allowed"
    elif not _NAME.fullmatch(name):
        yield "its name must consist of lower-case letters, digits and hyphens"


def _of_amounts(container: Container) -> Iterator[str]:
    for dimension, (request, limit) in container.amounts.items():
        if dimension != "gpu" and (request is None or limit is None or request <= limit):
            continue  # the usual case
        resource = container.resource(dimension)
        if "/" not in resource and dimension == "gpu":
            yield f"'{resource}' is not a resource of Kubernetes, nor one with a domain"
        elif dimension == "gpu" and request is not None and request != limit:
            yield f"{resource} has the request {request} and the limit {limit}, which must be equal"
        elif dimension != "gpu":
            yield f"{resource} has the request {request}, which is above the limit {limit}"
