"""The total resources of a job: the sum over its pods, runner and sidecars included."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, final

from flyte_dask.errors import raise_if_any
from flyte_dask.errors.usage_errors import type_problems
from flyte_dask.prediction.pods import Container, Pod, Pods
from flyte_dask.quantities.formatting import decimal, readable
from flyte_dask.quantities.quantity import ZERO, Quantity
from flyte_dask.roles.base import checked
from flyte_dask.roles.resources import DIMENSIONS

__all__ = ["Footprint", "Total", "footprint", "total"]

_UNITS = {"cpu": "CPU", "mem": "memory", "gpu": "GPU", "ephemeral_storage": "disk"}


@final
class Total(NamedTuple):
    """The total requests or limits of all containers; zero where none sets any."""

    cpu: Quantity
    mem: Quantity
    gpu: Quantity
    ephemeral_storage: Quantity

    def __str__(self) -> str:
        """``13 CPUs, 44Gi memory, 2 GPUs``, without what is zero."""
        parts = []
        for name, amount in self._asdict().items():
            if amount.value:
                is_counted = name in {"cpu", "gpu"}
                number = decimal(amount) if is_counted else readable(amount)
                plural = "s" if is_counted and amount.value != 1 else ""
                parts.append(f"{number} {_UNITS[name]}{plural}")
        return ", ".join(parts) or "nothing"


@final
class Footprint(NamedTuple):
    """The total resources of a job."""

    pods: int
    """The number of pods."""
    requests: Total
    """What Kubernetes schedules by; for a container without a request, its limit.

    Init containers run before the others, so a pod needs the larger of both.
    """
    limits: Total
    """The maximum that the job can use; for a container without a limit, its request."""

    def __str__(self) -> str:
        """``7 pods, 13 CPUs, 44Gi memory``, with the limits too where they differ."""
        most = "" if self.requests == self.limits else f", up to {self.limits}"
        return f"{self.pods} pods, {self.requests}{most}"


@checked("footprint(...)")
def footprint(pods: Pods, *, without_runner: bool = False) -> Footprint:
    """The total of *pods*; *without_runner*, that of scheduler and workers only.

    Raises:
        InvalidConfig: if an argument is not of its type.
    """
    problems = type_problems(pods=(pods, Pods), without_runner=(without_runner, bool))
    raise_if_any("footprint(...)", problems)
    return _footprint(pods[1:] if without_runner else pods, _of_pod)


def total(pods: Sequence[Pod], of: Callable[[Pod], Iterable[Container]]) -> Footprint:
    """The total of the containers that *of* selects from each pod."""
    return _footprint(pods, lambda pod, name, side: _sum(of(pod), name, side))


def _footprint(pods: Sequence[Pod], amount_of: Callable[[Pod, str, int], Quantity]) -> Footprint:
    """The footprint of *pods*; *amount_of* is that of one pod, a dimension and a side."""
    requests, limits = (
        Total(*(_total(pods, amount_of, name, side) for name in DIMENSIONS)) for side in (0, 1)
    )
    return Footprint(sum(pod.replicas for pod in pods), requests, limits)


def _total(
    pods: Sequence[Pod], amount_of: Callable[[Pod, str, int], Quantity], name: str, side: int
) -> Quantity:
    amount = ZERO
    for pod in pods:
        each = amount_of(pod, name, side)
        if each != ZERO:
            amount += each * pod.replicas
    return amount


def _of_pod(pod: Pod, name: str, side: int) -> Quantity:
    before = [_sum([each], name, side) for each in pod.init_containers]
    return max([_sum(pod.containers, name, side), *before])


def _sum(containers: Iterable[Container], name: str, side: int) -> Quantity:
    amount = ZERO
    for container in containers:
        request, limit = container.amounts.get(name, (None, None))
        if side == 1 and limit == ZERO:
            limit = None  # which is no limit
        first, other = (request, limit) if side == 0 else (limit, request)
        each = other if first is None else first
        if each is not None and each != ZERO:
            amount += each
    return amount
