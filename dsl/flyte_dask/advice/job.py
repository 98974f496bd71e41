"""What all advice is about, and what a piece of it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, final

import attrs

from flyte_dask.config.dask import Dask
from flyte_dask.inheritance.parent import Parent
from flyte_dask.inheritance.resolution import Resolved, ResolvedPair, ResolvedRole
from flyte_dask.prediction.backend import Pods, pods_of
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, pairs
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask.rules import RULES, Severity, page_of

__all__ = ["Advice", "Job", "Role", "amount_text", "task_setting", "verb"]


@final
class Advice(NamedTuple):
    """One trap in one place."""

    code: str
    """Its name in `RULES`."""
    path: str
    """Of what, in the config or its task: ``workers.limits.mem``, ``task.limits.mem``."""
    consequence: str
    """What will happen, in numbers."""
    remedy: str
    """What to write. If it starts with a dot, it is to be appended to the config."""

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return RULES[self.code].severity

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
        return int(self.told("--nthreads"))

    @property
    def all_threads(self) -> int:
        """How many threads all workers have."""
        return self.number * max(self.threads, 1)

    def told(self, option: str) -> str:
        """What each worker is told by that option."""
        args = self.pods.workers.args or ()
        return args[args.index(option) + 1]

    def says(
        self, role: Role, amounts: Mapping[str, Quantity | Pair], count: int | None = None
    ) -> str:
        """The call that says *amounts* of *role*, as far as the platform allows them.

        With what a role that has said nothing yet would lose by that. Workers with the task's GPUs
        can't say them on Flyte 2, where the task has to say it all.
        """
        kept = self._would_lose(role)
        if "gpu" in kept and self.platform.backend == "v2":
            return self.task_sets(amounts)
        return verb(role.name, self._allowed({**kept, **amounts}), count)

    def task_sets(
        self, amounts: Mapping[str, Quantity | Pair], task_config: str | None = None
    ) -> str:
        """The decorator that says *amounts* beside what the task says already.

        As far as the platform allows all that; with another config, if *task_config* is one.
        """
        said = pairs(self.parent.requests, self.parent.limits)
        return task_setting(self._allowed({**said, **amounts}), task_config)

    def _would_lose(self, role: Role) -> dict[str, Pair]:
        """What *role* has of the task's for as long as it says nothing.

        All if nothing is inherited, else GPUs, of which a scheduler needs none.
        """
        if not role.is_silent:
            return {}
        is_off = self.config.inherit == "off"
        return {
            name: pair.effective
            for name, pair in role.pairs
            if (is_off or name == "gpu") and any(each and each.value for each in pair.effective)
            if (role.name, name) != ("scheduler", "gpu")
        }

    def _allowed(self, amounts: Mapping[str, Quantity | Pair]) -> dict[str, Pair]:
        most = self.platform.allowed
        return {
            name: _at_most(most.get(name), each if isinstance(each, tuple) else (each, each))
            for name in DIMENSIONS
            if (each := amounts.get(name)) is not None
        }


def _at_most(most: Quantity | None, pair: Pair) -> Pair:
    request, limit = pair
    if most is None:
        return pair
    return request and min(request, most), limit and min(limit, most)


def verb(role: str, said: Mapping[str, object], count: int | None = None) -> str:
    """The call that says this of *role*: ``.with_workers(5, cpu=2, mem="8Gi")``."""
    number = [] if count is None else [str(count)]
    listed = ", ".join([*number, *(f"{name}={_literal(value)}" for name, value in said.items())])
    return f".with_{role}({listed})"


def task_setting(amounts: Mapping[str, Pair], task_config: str | None = None) -> str:
    """The decorator that says *amounts*, and a config."""
    said = []
    for side, name in enumerate(("requests", "limits")):
        texts = {each: pair[side] for each, pair in amounts.items() if pair[side] is not None}
        if texts:
            listed = ", ".join(f'{dimension}="{amount}"' for dimension, amount in texts.items())
            said.append(f"{name}=Resources({listed})")
    if task_config is not None:
        said.append(f"task_config={task_config}")
    return f"@task({', '.join(said)})"


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        request, limit = value
        same = request == limit
        return _literal(limit) if same else f"({_literal(request)}, {_literal(limit)})"
    if not isinstance(value, (str, Quantity)):
        return repr(value)
    text = str(value)
    return text if isinstance(value, Quantity) and text.isdigit() else f'"{text}"'


def amount_text(amount: Quantity | None) -> str:
    """An amount as people say it."""
    return "nothing" if amount is None else amount.text
