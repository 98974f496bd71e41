"""The pods of a task with a cluster, as Flyte creates them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, final

from flyte_dask.prediction.remarks import REJECTED, Remark
from flyte_dask.quantities.spelling import canonical
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import KUBERNETES_NAMES

__all__ = ["Amounts", "Container", "Pod", "Pods"]

Amounts: TypeAlias = dict[str, Pair]
"""Request and limit of each dimension of a container."""


@final
class Container(NamedTuple):
    """One container of a pod: the task's, Dask's, a sidecar or an init container."""

    name: str
    """Its name, from Flyte or from the task's pod template."""
    amounts: Amounts
    """Request and limit of each dimension."""
    gpu_name: str = KUBERNETES_NAMES["gpu"]
    """The Kubernetes resource that is requested for GPUs."""

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        """Requests and limits as in a pod's specification, in Kubernetes' canonical form."""
        return {"requests": self._side(0), "limits": self._side(1)}

    def __str__(self) -> str:
        """Request and limit of each amount: ``cpu 1/2, mem 4Gi/8Gi``."""
        return ", ".join(f"{name} {low}/{high}" for name, (low, high) in self.amounts.items())

    def resource(self, dimension: str) -> str:
        """The Kubernetes resource of *dimension*."""
        return self.gpu_name if dimension == "gpu" else KUBERNETES_NAMES[dimension]

    def _side(self, number: int) -> dict[str, str]:
        side = {name: pair[number] for name, pair in self.amounts.items()}
        return {self.resource(name): canonical(each) for name, each in side.items() if each}


@final
class Pod(NamedTuple):
    """The pods of one role, which are identical."""

    replicas: int
    """The number of pods."""
    image: str | None
    """The image; None if it is the task's, and that is unknown."""
    args: tuple[str, ...] | None
    """The arguments of the container; None for the runner, which has the task's own."""
    container: Container
    """The container of the task or of Dask."""
    sidecars: tuple[Container, ...]
    """The sidecars of the task's pod template."""
    remarks: tuple[Remark, ...]
    """The steps by which Flyte determines its amounts."""
    init_containers: tuple[Container, ...] = ()
    """The init containers of the task's pod template."""
    interruptible: bool = False
    """Whether it runs on nodes that can be reclaimed, which only workers do."""
    accelerator: str | None = None
    """The type of GPU that its node must have; None if any node will do."""

    @property
    def containers(self) -> tuple[Container, ...]:
        """The main container and the sidecars."""
        return (self.container, *self.sidecars)

    def as_dict(self) -> dict[str, Any]:
        """The pod as JSON, without remarks; unknown values are None.

        Init containers, ``interruptible`` and ``accelerator`` are left out if the task has none.
        """
        optional = {
            "init_containers": _resources(self.init_containers),
            "interruptible": self.interruptible,
            "accelerator": self.accelerator,
        }
        return {
            "replicas": self.replicas,
            "image": self.image,
            "args": self.args and list(self.args),
            "resources": self.container.resources,
            "sidecars": _resources(self.sidecars),
            **{name: value for name, value in optional.items() if value},
        }


def _resources(containers: Iterable[Container]) -> dict[str, Any]:
    return {each.name: each.resources for each in containers}


@final
class Pods(NamedTuple):
    """All pods of a task with a cluster."""

    runner: Pod
    """The pod that runs the task's function."""
    scheduler: Pod
    """The pod of Dask's scheduler, which runs no tasks."""
    workers: Pod
    """The pods of Dask's workers."""

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """The remarks of all pods."""
        return tuple(chain.from_iterable(pod.remarks for pod in self))

    @property
    def is_rejected(self) -> bool:
        """Whether Flyte rejects the task when it is registered, so that it gets no pods."""
        return any(remark.rule in REJECTED for remark in self.runner.remarks)

    def as_dict(self) -> dict[str, Any]:
        """The pods as JSON, by role."""
        return {name: pod.as_dict() for name, pod in zip(self._fields, self, strict=True)}
