"""What all advice is about, and what a piece of it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, final

import attrs

from flyte_dask.backend import Pods, pods_of
from flyte_dask.config import Dask
from flyte_dask.inheritance import Resolved, ResolvedPair, ResolvedRole
from flyte_dask.origin import Pair
from flyte_dask.parent import Parent
from flyte_dask.platform import Platform
from flyte_dask.quantity import Quantity
from flyte_dask.resources import DIMENSIONS, pairs
from flyte_dask.roles import Scheduler, WorkerGroup
from flyte_dask.traps import TRAPS, Severity, page_of

__all__ = ["Advice", "Job", "Role", "amount_text", "task_saying", "verb"]


@final
class Advice(NamedTuple):
    """One trap in one place."""

    code: str
    """Its name in `TRAPS`."""
    path: str
    """Of what, in the config or its task: ``workers.limits.mem``, ``task.limits.mem``."""
    consequence: str
    """What will happen, in numbers."""
    remedy: str
    """What to write. If it starts with a dot, it is to be appended to the config."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return TRAPS[self.code].severity

    @property
    def page(self) -> str:
        """The page about it, in the documentation."""
        return page_of(self.code)

    def __str__(self) -> str:
        """One line for a log."""
        head = f"{self.severity} {self.code}: {self.path}: {self.consequence}"
        return f"{head}. Remedy: {self.remedy} ({self.page})"


class Role(NamedTuple):
    """One role of the cluster, as said and as resolved."""

    name: str
    said: Scheduler | WorkerGroup
    resolved: ResolvedRole

    @property
    def is_silent(self) -> bool:
        """Whether it says no resources, so that its pods are copies of the task's."""
        return self.said.requests is None and self.said.limits is None

    @property
    def pairs(self) -> Iterator[tuple[str, ResolvedPair]]:
        """Each dimension, and what it came to."""
        return zip(DIMENSIONS, self.resolved, strict=True)


@attrs.frozen(slots=False)
class Job:
    """A config in its task, on its site."""

    config: Dask
    parent: Parent
    platform: Platform
    resolved: Resolved
    pods: Pods

    @classmethod
    def of(
        cls, config: Dask, parent: Parent, platform: Platform, resolved: Resolved | None = None
    ) -> Job:
        """That of *config*; *resolved* in that task, if it is already."""
        resolved = resolved or config.resolve(parent)
        return cls(config, parent, platform, resolved, pods_of(config, resolved, parent, platform))

    @cached_property
    def roles(self) -> tuple[Role, Role]:
        """Scheduler and workers."""
        return (
            Role("scheduler", self.config.scheduler, self.resolved.scheduler),
            Role("workers", self.config.workers, self.resolved.workers),
        )

    @property
    def workers(self) -> Role:
        """The workers."""
        return self.roles[1]

    @property
    def number(self) -> int:
        """How many workers."""
        return self.config.workers.number_of_workers

    @property
    def each_worker(self) -> str:
        """Each of them, however many there are."""
        return "its one worker" if self.number == 1 else f"each of {self.number:,} workers"

    @property
    def threads(self) -> int:
        """How many threads each worker starts."""
        args = self.pods.workers.args or ()
        return int(args[args.index("--nthreads") + 1])

    def says(self, role: Role, amounts: Mapping[str, Quantity | Pair]) -> str:
        """The call that says *amounts* of *role*, as far as the platform allows them.

        Workers that have said nothing yet have the task's GPUs, and would lose them: on Flyte 2,
        where no role can say its own, the task has to say it all.
        """
        said = {name: self._allowed(name, each) for name, each in amounts.items()}
        gpus = role.resolved.gpu.limit.effective
        if role.name != "workers" or not role.is_silent or not gpus or not gpus.value:
            return verb(role.name, said)
        if self.platform.backend == "v1":
            return verb(role.name, {**said, "gpu": said.get("gpu", gpus)})
        both = {
            name: each if isinstance(each, tuple) else (each, each) for name, each in said.items()
        }
        return task_saying(pairs(self.parent.requests, self.parent.limits) | both)

    def _allowed(self, name: str, amount: Quantity | Pair) -> Quantity | Pair | None:
        most = self.platform.allowed.get(name)
        if isinstance(amount, Quantity):
            return amount if most is None else min(amount, most)
        request, limit = (each and (each if most is None else min(each, most)) for each in amount)
        return limit if request == limit else (request, limit)


def verb(role: str, amounts: Mapping[str, object]) -> str:
    """The call that says *amounts* of *role*: ``.with_workers(cpu=2, mem="8Gi")``."""
    said = ", ".join(f"{name}={_literal(value)}" for name, value in amounts.items())
    return f".with_{role}({said})"


def task_saying(amounts: Mapping[str, Pair]) -> str:
    """The decorator that says *amounts*."""
    sides = []
    for side, name in enumerate(("requests", "limits")):
        said = [(each, pair[side]) for each, pair in amounts.items() if pair[side] is not None]
        if said:
            listed = ", ".join(f'{dimension}="{amount}"' for dimension, amount in said)
            sides.append(f"{name}=Resources({listed})")
    return f"@task({', '.join(sides)})"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))})"
    if value is None:
        return "None"
    text = str(value)
    return text if isinstance(value, int) or text.isdigit() else f'"{text}"'


def amount_text(amount: Quantity | None) -> str:
    """An amount as people say it."""
    return "nothing" if amount is None else amount.text
