"""The traps that `flyte_dask.advice` knows: what is legal, and probably not what was meant."""

# Annotations are not postponed here: NamedTuple would compile every one that is a string.

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, TypeAlias, final

from flyte_dask.errors import Problem
from flyte_dask.errors.suggestions import did_you_mean

__all__ = ["SEVERITIES", "TRAPS", "Severity", "Trap", "code_problems", "page_of"]

Severity: TypeAlias = Literal["danger", "warning", "hint"]
"""How bad it is.

- ``danger``: the job fails, or does not do what was meant.
- ``warning``: it costs more, or may fail.
- ``hint``: good to know.
"""

SEVERITIES: tuple[Severity, ...] = ("danger", "warning", "hint")
"""From the worst to the least."""


@final
class Trap(NamedTuple):
    """One thing to look out for."""

    severity: Severity
    """How bad it is."""
    title: str
    """What it is, in a few words."""


TRAPS: Mapping[str, Trap] = {
    "memory-in-thousandths": Trap("danger", "memory in thousandths of a byte"),
    "tiny-memory": Trap("danger", "memory below a megabyte"),
    "dask-variable": Trap("danger", "a variable of Dask's operator in the task's environment"),
    "task-above-platform": Trap("danger", "a task above the platform's limits"),
    "role-gpu-on-flyte-2": Trap("danger", "a GPU of a role on Flyte 2"),
    "gpu-not-inherited": Trap("danger", "a task's GPU that its workers do not get"),
    "role-above-platform": Trap("warning", "a role above the platform's limits"),
    "worker-without-memory": Trap("warning", "workers of whose memory nobody says anything"),
    "small-scheduler": Trap("warning", "a scheduler too small for its workers"),
    "silent-gpu-role": Trap("warning", "a silent role in a task with a GPU"),
    "worker-only-gpu": Trap("warning", "GPUs on workers only"),
    "scheduler-gpu": Trap("warning", "a GPU for the scheduler"),
    "fractional-cpu": Trap("warning", "workers with part of a CPU"),
    "limit-from-task": Trap("warning", "a request of the role beside a limit of the task"),
    "image-mismatch": Trap("warning", "pods with different images"),
    "server-pod-template": Trap("warning", "a pod template that only Flyte knows"),
    "many-workers": Trap("warning", "more workers than a scheduler likes"),
    "beyond-nodes": Trap("warning", "workers larger than any common node"),
    "requests-only": Trap("hint", "a request without a limit"),
    "sidecars-multiplied": Trap("hint", "sidecars in every pod"),
    "node-overrides": Trap("hint", "overrides of a node that a role will miss"),
    "loose-packing": Trap("hint", "workers that leave much of a node idle"),
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
        if not isinstance(code, str) or code not in TRAPS:
            near = did_you_mean(code, TRAPS) if isinstance(code, str) else None
            remedy = near or f"write one of {', '.join(TRAPS)}"
            yield Problem(path, code, "is no code of advice", remedy)
