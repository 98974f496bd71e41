"""The runner's pod, which is the task's own, and whose containers all other pods have too."""

from __future__ import annotations

from collections.abc import Collection

from flyte_dask.inheritance.parent import NodeOverrides, Parent, Sidecar
from flyte_dask.inheritance.resolution import ALWAYS_GIVEN
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Amounts, Container, Pod
from flyte_dask.prediction.remarks import Remark
from flyte_dask.prediction.steps import Steps
from flyte_dask.quantities.quantity import unless_zero
from flyte_dask.roles.resources import KUBERNETES_NAMES, pairs

__all__ = ["effective_overrides", "runner_pod"]

_NAME = "job-runner"


def runner_pod(parent: Parent, platform: Platform) -> Pod:
    """The pod of the task *parent*, with what its node overrides."""
    container, remarks = _container(parent, platform)
    sidecars = [_sidecar(each, platform) for each in parent.sidecars]
    init_containers = [_init_container(each, platform) for each in parent.init_containers]
    for _, more in (*sidecars, *init_containers):
        remarks += more
    containers = (container, *(each for each, _ in sidecars))
    has_gpus = any(_is_placed(each, platform) for each in containers)
    node_image = parent.node.image if parent.node and platform.backend == "v1" else None
    return Pod(
        replicas=1,
        image=node_image or parent.image,
        args=None,
        container=container,
        sidecars=containers[1:],
        remarks=tuple(remarks),
        init_containers=tuple(each for each, _ in init_containers),
        accelerator=parent.accelerator if has_gpus else None,
    )


def _is_placed(container: Container, platform: Platform) -> bool:
    """Whether Flyte places its pod on nodes with GPUs, since it has a dimension of them."""
    return "gpu" in container.amounts and container.gpu_name == platform.gpu_resource


def _container(parent: Parent, platform: Platform) -> tuple[Container, list[Remark]]:
    """The container of the task."""
    gpu_name = _gpu_resource(parent, platform)
    is_known = gpu_name == platform.gpu_resource
    is_pod = parent.has_own_pod_template
    steps = Steps(
        "runner",
        platform,
        is_validated=platform.backend == "v1",
        unvalidated=("gpu",) if parent.gpu_from_pod_template else (),
        untouched=("gpu",) if is_pod and not is_known else (),
    )
    named = steps.named(pairs(parent.requests, parent.limits), parent.zeros, keep_zeros=is_pod)
    given = _given(platform, named, steps, is_pod=is_pod)
    if parent.node:
        named = _on_node(parent, parent.node, platform, steps, (named, given))
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


def _unknown_gpus(platform: Platform) -> tuple[str, ...]:
    """GPUs under their usual name, which Flyte changes only if the platform has them so."""
    return () if platform.gpu_resource == KUBERNETES_NAMES["gpu"] else ("gpu",)


def _gpu_resource(parent: Parent, platform: Platform) -> str:
    """The resource that the task's container requests for GPUs."""
    # Flyte 1 writes the usual name for the GPUs of a task without a pod template in code.
    is_written = platform.backend == "v1" and not parent.has_own_pod_template
    has_usual_name = is_written or parent.gpu_from_pod_template
    return KUBERNETES_NAMES["gpu"] if has_usual_name else platform.gpu_resource


def _on_node(
    parent: Parent,
    node: NodeOverrides,
    platform: Platform,
    steps: Steps,
    task: tuple[Amounts, Collection[str]],
) -> Amounts:
    """The amounts of the task's container with what *node* overrides; Flyte 2 ignores that."""
    named, given = task
    overrides = effective_overrides(node)
    if platform.backend != "v1":
        steps.ignored(overrides)
        return named
    completed = steps.registered(named, given)
    # Registration writes missing sides into the container of a task, but not into a pod template.
    written = named if parent.has_own_pod_template else completed
    return steps.overridden(written, overrides)


def effective_overrides(node: NodeOverrides) -> Amounts:
    """The amounts of *node* that change something, which zeros do not."""
    own = pairs(node.requests, node.limits).items()
    effective = {name: (unless_zero(low), unless_zero(high)) for name, (low, high) in own}
    return {name: pair for name, pair in effective.items() if pair != (None, None)}


def _sidecar(sidecar: Sidecar, platform: Platform) -> tuple[Container, list[Remark]]:
    """A sidecar, which gets no defaults, but zeros."""
    is_v1 = platform.backend == "v1"
    path = f"sidecars.{sidecar.name}"
    unknown = _unknown_gpus(platform)
    steps = Steps(path, platform, is_validated=is_v1, unvalidated=("gpu",), untouched=unknown)
    named = steps.named(pairs(sidecar.requests, sidecar.limits), sidecar.zeros, keep_zeros=True)
    return Container(sidecar.name, steps.in_range(named)), steps.remarks


def _init_container(container: Sidecar, platform: Platform) -> tuple[Container, list[Remark]]:
    """An init container, which gets defaults on Flyte 1, and zeros on Flyte 2."""
    path, unknown = f"init_containers.{container.name}", _unknown_gpus(platform)
    steps = Steps(path, platform, untouched=unknown)
    named = steps.named(
        pairs(container.requests, container.limits), container.zeros, keep_zeros=True
    )
    complete = steps.completed if platform.backend == "v1" else steps.in_range
    return Container(container.name, complete(named)), steps.remarks
