"""The rules of `flyte_dask.advice`: configurations that are valid, but probably a mistake."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias, final

from flyte_dask.errors import Problem
from flyte_dask.errors.suggestions import did_you_mean, few_suggestions

__all__ = ["RULES", "SEVERITIES", "Rule", "Severity", "code_problems", "page_of"]

Severity: TypeAlias = Literal["error", "warning", "info"]
"""The severity of a rule.

- ``error``: the job fails, or does not do what it should.
- ``warning``: the job costs more than necessary, or may fail.
- ``info``: good to know.
"""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""The severities, from the most to the least severe."""


@final
class Rule(NamedTuple):
    """A rule of advice."""

    severity: Severity
    """How severe a violation is."""
    title: str
    """A short description."""


RULES: Mapping[str, Rule] = {
    "memory-milli-unit": Rule("error", "memory in thousandths of a byte"),
    "tiny-memory": Rule("error", "memory below a megabyte"),
    "reserved-env-var": Rule("error", "an environment variable that Dask's operator reserves"),
    "image-without-flyte-dask": Rule("error", "an image without flyte-dask"),
    "task-exceeds-platform": Rule("error", "a task above the platform's limits"),
    "role-gpu-on-flyte-2": Rule("error", "a GPU of a role on Flyte 2"),
    "rejected-by-kubernetes": Rule("error", "pods that Kubernetes rejects"),
    "renamed-gpu-resource": Rule("error", "GPUs on a platform that renamed their resource"),
    "gpu-not-inherited": Rule("error", "a GPU of the task that its workers do not inherit"),
    "role-exceeds-platform": Rule("warning", "a role above the platform's limits"),
    "zero-default": Rule("warning", "CPUs or memory of zero"),
    "missing-worker-memory": Rule("warning", "workers without a memory request or limit"),
    "undersized-scheduler": Rule("warning", "a scheduler that is too small for its workers"),
    "implicit-gpu": Rule("warning", "a role that inherits the GPU of its task"),
    "worker-only-gpu": Rule("warning", "GPUs on workers only"),
    "cpu-workers-on-gpu-nodes": Rule("warning", "workers without a GPU on nodes with GPUs"),
    "scheduler-gpu": Rule("warning", "a GPU for the scheduler"),
    "fractional-cpu": Rule("warning", "workers with a fraction of a CPU"),
    "inherited-limit": Rule("warning", "a request of the role with a limit of the task"),
    "image-mismatch": Rule("warning", "pods with different images"),
    "dynamic-cluster": Rule("warning", "a cluster for a dynamic task"),
    "named-pod-template": Rule("warning", "a pod template that is defined on the platform"),
    "too-many-workers": Rule("warning", "more workers than a scheduler can handle"),
    "worker-exceeds-node": Rule("warning", "workers larger than any common node"),
    "missing-limit": Rule("info", "a request without a limit"),
    "sidecar-replicated": Rule("info", "sidecars in every pod"),
    "ineffective-node-override": Rule("info", "node overrides that do not reach a role"),
    "poor-bin-packing": Rule("info", "workers that leave much of a node idle"),
}
"""The rules, by code."""


def page_of(code: str) -> str:
    """The documentation page of the rule *code*."""
    return f"docs/advice/{code}.md"


def code_problems(path: str, codes: object) -> Iterator[Problem]:
    """The problems of *codes* as a list of rule codes."""
    if not isinstance(codes, (list, tuple, set, frozenset)):
        yield Problem(path, codes, "is not a list of rule codes", "use a list of strings")
        return
    with few_suggestions():
        unknown = [
            Problem(path, code, "is an unknown rule code", _remedy(code))
            for code in codes
            if not isinstance(code, str) or code not in RULES
        ]
    yield from unknown


def _remedy(code: object) -> str:
    near = did_you_mean(code, RULES) if isinstance(code, str) else None
    return near or f"use one of {', '.join(RULES)}"
