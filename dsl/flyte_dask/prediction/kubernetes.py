"""What the API server of Kubernetes would reject of predicted pods."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, final

from flyte_dask.prediction.pods import Container, Pod, Pods
from flyte_dask.roles.origin import Pair

__all__ = ["Rejection", "rejections"]

_LONGEST = 63
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_UNSET: Pair = (None, None)


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
    for role, pod in pods._asdict().items():
        for container in (*pod.containers, *pod.init_containers):
            reasons = [*_of_names(container, pod), *_of_amounts(container)]
            yield from (Rejection(role, container, reason) for reason in reasons)


def _of_names(container: Container, pod: Pod) -> Iterator[str]:
    name = container.name
    names = Counter(each.name for each in (*pod.containers, *pod.init_containers))
    if names[name] > 1 and container is not pod.container:
        yield f"another container of the pod is named '{name}' too"
    if len(name) > _LONGEST:
        yield f"its name has {len(name)} characters, and {_LONGEST} are allowed"
    elif not _NAME.fullmatch(name):
        yield "its name must consist of lower-case letters, digits and hyphens"


def _of_amounts(container: Container) -> Iterator[str]:
    for dimension, (request, limit) in container.amounts.items():
        resource = container.resource(dimension)
        if "/" not in resource and dimension == "gpu":
            yield f"'{resource}' is not a resource of Kubernetes, nor one with a domain"
        elif dimension == "gpu" and request is not None and request != limit:
            yield f"{resource} has the request {request} and the limit {limit}, which must be equal"
        elif request is not None and limit is not None and request > limit:
            yield f"{resource} has the request {request}, which is above the limit {limit}"
