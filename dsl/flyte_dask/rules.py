"""The rules that `flyte_dask.advice` knows: what is legal, and probably not what was meant."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias, final

from flyte_dask.errors import Problem
from flyte_dask.errors.suggestions import did_you_mean

__all__ = ["RULES", "SEVERITIES", "Rule", "Severity", "code_problems", "page_of"]

Severity: TypeAlias = Literal["error", "warning", "info"]
"""How bad it is.

- ``error``: the job fails, or does not do what was meant.
- ``warning``: it costs more, or may fail.
- ``info``: good to know.
"""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""From the worst to the least."""


@final
class Rule(NamedTuple):
    """One thing to look out for."""

    severity: Severity
    """How bad it is."""
    title: str
    """What it is, in a few words."""


RULES: Mapping[str, Rule] = {
    "memory-milli-unit": Rule("error", "memory in thousandths of a byte"),
    "tiny-memory": Rule("error", "memory below a megabyte"),
    "reserved-env-var": Rule("error", "a variable of Dask's operator in the task's environment"),
    "task-exceeds-platform": Rule("error", "a task above the platform's limits"),
    "role-gpu-on-flyte-2": Rule("error", "a GPU of a role on Flyte 2"),
    "gpu-not-inherited": Rule("error", "a task's GPU that its workers do not get"),
    "role-exceeds-platform": Rule("warning", "a role above the platform's limits"),
    "missing-worker-memory": Rule("warning", "workers of whose memory nobody says anything"),
    "undersized-scheduler": Rule("warning", "a scheduler too small for its workers"),
    "implicit-gpu": Rule("warning", "a silent role in a task with a GPU"),
    "worker-only-gpu": Rule("warning", "GPUs on workers only"),
    "scheduler-gpu": Rule("warning", "a GPU for the scheduler"),
    "fractional-cpu": Rule("warning", "workers with part of a CPU"),
    "inherited-limit": Rule("warning", "a request of the role beside a limit of the task"),
    "image-mismatch": Rule("warning", "pods with different images"),
    "named-pod-template": Rule("warning", "a pod template that only Flyte knows"),
    "too-many-workers": Rule("warning", "more workers than a scheduler likes"),
    "worker-exceeds-node": Rule("warning", "workers larger than any common node"),
    "missing-limit": Rule("info", "a request without a limit"),
    "sidecar-replicated": Rule("info", "sidecars in every pod"),
    "ineffective-node-override": Rule("info", "overrides of a node that a role will miss"),
    "poor-bin-packing": Rule("info", "workers that leave much of a node idle"),
}
"""Each by its code."""


def page_of(code: str) -> str:
    """The page about the trap *code*, in the documentation."""
    return f"docs/advice/{code}.md"


def code_problems(path: str, codes: object) -> Iterator[Problem]:
    """What keeps *codes* from being a list of codes of advice."""
    if not isinstance(codes, (list, tuple, set, frozenset)):
        yield Problem(path, codes, "is no list of codes of advice", "write a list of texts")
        return
    for code in codes:
        if not isinstance(code, str) or code not in RULES:
            near = did_you_mean(code, RULES) if isinstance(code, str) else None
            remedy = near or f"write one of {', '.join(RULES)}"
            yield Problem(path, code, "is no code of advice", remedy)
