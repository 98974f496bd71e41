"""The rules by which Flyte determines the amounts of a pod, and remarks about each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias, final

__all__ = ["BACKEND_RULES", "REJECTED", "BackendRule", "Remark"]

BackendRule: TypeAlias = Literal[
    "copied",
    "default",
    "zero-default",
    "no-default",
    "request-from-limit",
    "limit-from-request",
    "clamped-to-platform",
    "rounded-comparison",
    "unvalidated-gpu",
    "rejected",
    "rejected-limit",
    "zero-dropped",
    "zero-kept",
    "sidecar-zero",
    "node-override",
    "ignored-node-override",
    "request-clamped-to-limit",
    "threads-rounded-up",
    "memory-canonicalized",
    "gpu-resource-name",
    "renamed-gpu-resource",
]

BACKEND_RULES: Mapping[BackendRule, str] = {
    "copied": "the role sets no resources: its pod gets all of the task's",
    "default": "not set: the platform default applies",
    "zero-default": "not set, and the attributes of the project or domain have no default: zero",
    "no-default": "a task with a pod template of its own gets no platform default of disk or GPUs",
    "request-from-limit": "the request is not set and defaults to the limit",
    "limit-from-request": "the limit is not set and defaults to the request",
    "clamped-to-platform": "above the platform's limit: silently clamped to it",
    "rounded-comparison": "above the platform's limit by less than a whole unit, up to which Flyte "
    "registers a task: silently clamped to it",
    "unvalidated-gpu": "above the platform's limit: Flyte does not validate the GPUs of a pod "
    "template, and silently clamps them",
    "rejected": "above the platform's limit: Flyte rejects a task with such a request",
    "rejected-limit": "the limit, which may be zero, is below the request, or that of GPUs differs "
    "from it: Flyte rejects the task",
    "zero-dropped": "an amount of zero is dropped",
    "zero-kept": "an amount of zero in a pod template is kept",
    "sidecar-zero": "not set by a container next to the task's own: Flyte sets zero",
    "node-override": "overridden by the node",
    "ignored-node-override": "Flyte 2 ignores what a node overrides",
    "request-clamped-to-limit": "a request above the limit is silently clamped to it",
    "threads-rounded-up": "the number of threads is the CPU limit, rounded up to an integer",
    "memory-canonicalized": "the memory limit is written in Kubernetes' canonical form",
    "gpu-resource-name": "Flyte 2 requests a resource named gpu, which Kubernetes rejects",
    "renamed-gpu-resource": "Flyte 1 requests nvidia.com/gpu, also if the platform has another "
    "resource for GPUs",
}
"""The text of each rule."""

REJECTED = frozenset[BackendRule]({"rejected", "rejected-limit"})
"""The rules by which Flyte rejects a task when it is registered."""


@final
class Remark(NamedTuple):
    """One step from a value of the task template to that of a pod."""

    path: str
    """The value's path, such as ``workers.limits.mem``."""
    rule: BackendRule
    """The rule that was applied."""
    before: str | None
    """The value before the step; None if it was not set."""
    after: str | None
    """The value after the step; None if it was dropped."""

    def __str__(self) -> str:
        change = f"{self.before or 'nothing'} -> {self.after or 'nothing'}"
        return f"{self.path}: {change}: {BACKEND_RULES[self.rule]}"
