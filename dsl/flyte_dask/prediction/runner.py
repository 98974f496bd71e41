"""The runner's pod, which is the task's own, and whose containers all other pods have too."""

from __future__ import annotations

from collections.abc import Collection

from flyte_dask.inheritance.parent import NodeOverrides, Parent, Sidecar
from flyte_dask.inheritance.resolution import ALWAYS_GIVEN
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Amounts, Container, Pod
from flyte_dask.prediction.remarks import Remark
from flyte_dask.prediction.steps import Steps
from flyte_dask.quantities.quantity import ZERO
from flyte_dask.roles.resources import KUBERNETES_NAMES, pairs

__all__ = ["runner_pod"]

_NAME = "job-runner"


def runner_pod(parent: Parent, platform: Platform) -> Pod:
    """The pod of the task *parent*, with what its node overrides."""
    container, remarks = _container(parent, platform)
    sidecars = [_sidecar(each, platform) for each in parent.sidecars]
    init_containers = [_init_container(each, platform) for each in parent.init_containers]
    for _, more in (*sidecars, *init_containers):
        remarks += more
    node_image = parent.node.image if parent.node and platform.backend == "v1" else None
    return Pod(
        replicas=1,
        image=node_image or parent.image,
        args=None,
        container=container,
        sidecars=tuple(each for each, _ in sidecars),
        remarks=tuple(remarks),
        init_containers=tuple(each for each, _ in init_containers),
        accelerator=parent.accelerator,
    )


def _container(parent: Parent, platform: Platform) -> tuple[Container, list[Remark]]:
    """The container of the task."""
    is_v1, is_pod = platform.backend == "v1", parent.has_own_pod_template
    gpu_name = _gpu_resource(parent, platform)
    is_known = gpu_name == platform.gpu_resource
    steps = Steps(
        "runner",
        platform,
        is_validated=is_v1,
        unvalidated=("gpu",) if parent.gpu_from_pod_template else (),
        unclamped=() if is_known else ("gpu",),
    )
    named = steps.named(pairs(parent.requests, parent.limits), parent.zeros, keep_zeros=is_pod)
    given = _given(platform, named, steps, is_pod=is_pod)
    if parent.node:
        # flyteadmin writes missing sides into the container of a task, but not into a pod template
        written = named if is_pod or not is_v1 else steps.completed(named, given)
        named = _overridden(written, parent.node, platform, steps)
    completed = steps.completed(named, given)
    if "gpu" in completed and not is_known:
        steps.remark("gpu", 1, "renamed-gpu-resource", platform.gpu_resource, gpu_name)
    return Container(_NAME, completed, gpu_name), steps.remarks


def _given(platform: Platform, named: Amounts, steps: Steps, *, is_pod: bool) -> Collection[str]:
    """The dimensions that get a default even if the task does not set them.

    The defaults of all dimensions apply, unlike those of a role that sets something.
    """
    if not is_pod:
        return platform.given
    for name, default in platform.given.items():
        if name not in ALWAYS_GIVEN and name not in named:
            steps.remark(name, 0, "no-default", default.text, None)
    return ALWAYS_GIVEN


def _gpu_resource(parent: Parent, platform: Platform) -> str:
    """The resource that the task's container requests for GPUs."""
    is_generic = parent.has_own_pod_template and not parent.gpu_from_pod_template
    if platform.backend == "v1" and not is_generic:
        return KUBERNETES_NAMES["gpu"]  # which Flyte 1 writes for the GPUs of a container
    return KUBERNETES_NAMES["gpu"] if parent.gpu_from_pod_template else platform.gpu_resource


def _overridden(written: Amounts, node: NodeOverrides, platform: Platform, steps: Steps) -> Amounts:
    """The amounts with what *node* overrides, without zeros, which change nothing."""
    overrides = pairs(node.requests, node.limits)
    for name, pair in overrides.items():
        found = tuple(None if each is not None and each == ZERO else each for each in pair)
        overrides[name] = (found[0], found[1])
    if platform.backend == "v1":
        return steps.overridden(written, overrides)
    for name, pair in overrides.items():
        for side, amount in enumerate(pair):
            if amount is not None:
                steps.remark(name, side, "ignored-node-override", amount.text, None)
    return written


def _sidecar(sidecar: Sidecar, platform: Platform) -> tuple[Container, list[Remark]]:
    """A sidecar, which gets no defaults, but zeros."""
    is_v1 = platform.backend == "v1"
    path = f"sidecars.{sidecar.name}"
    steps = Steps(path, platform, is_validated=is_v1, unvalidated=("gpu",))
    named = steps.named(pairs(sidecar.requests, sidecar.limits), sidecar.zeros, keep_zeros=True)
    return Container(sidecar.name, steps.in_range(named)), steps.remarks


def _init_container(container: Sidecar, platform: Platform) -> tuple[Container, list[Remark]]:
    """An init container, which gets defaults on Flyte 1, and zeros on Flyte 2."""
    steps = Steps(f"init_containers.{container.name}", platform)
    named = steps.named(
        pairs(container.requests, container.limits), container.zeros, keep_zeros=True
    )
    complete = steps.completed if platform.backend == "v1" else steps.in_range
    return Container(container.name, complete(named)), steps.remarks
