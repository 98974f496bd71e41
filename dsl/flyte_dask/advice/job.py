"""The job that advice is about, and a piece of advice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, final

import attrs

from flyte_dask.config.dask import Dask
from flyte_dask.errors import clipped
from flyte_dask.inheritance.parent import NodeOverrides, Parent
from flyte_dask.inheritance.resolution import ALWAYS_GIVEN, Resolved, ResolvedPair, ResolvedRole
from flyte_dask.prediction.backend import pods_of
from flyte_dask.prediction.node import on_node, resolved_on_node
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Pod, Pods
from flyte_dask.quantities.quantity import Quantity, unless_zero
from flyte_dask.roles.origin import Pair
from flyte_dask.roles.resources import DIMENSIONS, KUBERNETES_NAMES, pairs
from flyte_dask.roles.roles import Scheduler, WorkerGroup
from flyte_dask.rules import RULES, Severity, page_of

__all__ = ["NEEDS_KUBERNETES", "Advice", "Job", "Role", "with_call"]


NEEDS_KUBERNETES = '; PodTemplate needs the package "kubernetes<37.0.2"'
"""The end of a remedy with a pod template: flytekit does not depend on that package.

Newer ones need a python-dateutil that botocore, which flytekit depends on, does not accept.
"""

_MOST_BYTES = 4000  # of a piece of advice in a log; it names what a task or its platform has


@final
class Advice(NamedTuple):
    """A rule that matches at one path of a config or its task."""

    code: str
    """The rule, as named in `RULES`."""
    path: str
    """The path in the config or its task: ``workers.limits.mem``, ``task.limits.mem``."""
    consequence: str
    """What happens, in numbers."""
    remedy: str
    """What to do; if it starts with a dot, code to append to the config."""

    @property
    def severity(self) -> Severity:
        """The severity of its rule."""
        return RULES[self.code].severity

    @property
    def page(self) -> str:
        """The documentation page of its rule."""
        return page_of(self.code)

    def __str__(self) -> str:
        """One line for a log."""
        head = f"{self.severity} {self.code}: {self.path}: {self.consequence}"
        return clipped(f"{head}. Remedy: {self.remedy} ({self.page})", _MOST_BYTES)


class Role(NamedTuple):
    """One role of the cluster, as configured and as resolved."""

    name: str
    config: Scheduler | WorkerGroup
    resolved: ResolvedRole

    @property
    def is_unset(self) -> bool:
        """Whether it sets no resources, so that its pods are copies of the task's."""
        return self.config.requests is None and self.config.limits is None

    @property
    def pairs(self) -> Iterator[tuple[str, ResolvedPair]]:
        """Each dimension, as resolved."""
        return zip(DIMENSIONS, self.resolved, strict=True)


@attrs.frozen(slots=False)
class Job:
    """A config in its task on a platform."""

    config: Dask
    parent: Parent
    platform: Platform
    resolved: Resolved
    pods: Pods

    @classmethod
    def of(
        cls,
        config: Dask,
        parent: Parent,
        platform: Platform,
        resolved: Resolved | None = None,
        runner: Pod | None = None,
    ) -> Job:
        """The job of *config* in its task *parent*.

        Args:
            config: the config.
            parent: the task.
            platform: the platform.
            resolved: the config in its task, if that is known already.
            runner: the pod of the task, if that is known already.
        """
        resolved = resolved or config.resolve(parent)
        pods = pods_of(config, resolved, parent, platform, runner)
        on_node = resolved_on_node(config, parent, platform, resolved)
        return cls(config, parent, platform, on_node, pods)

    def with_number_of(self, config: Dask) -> Job:
        """The job of *config*, which differs from its own in the number of workers only."""
        number = config.workers.number_of_workers
        if number == self.number:
            return self
        pods = self.pods._replace(workers=self.pods.workers._replace(replicas=number))
        return Job(config, self.parent, self.platform, self.resolved, pods)

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
        """The number of workers."""
        return self.config.workers.number_of_workers

    @property
    def each_worker(self) -> str:
        """The subject of a sentence about each worker."""
        return "its one worker" if self.number == 1 else f"each of {self.number:,} workers"

    @cached_property
    def threads(self) -> int:
        """The number of threads of each worker."""
        return int(self.worker_arg("--nthreads"))

    @property
    def all_threads(self) -> int:
        """The number of threads of all workers, at least one each."""
        return self.number * max(self.threads, 1)

    @property
    def can_roles_set_gpus(self) -> bool:
        """Whether the GPUs of a role are requested by the platform's name for them.

        Flyte 2 requests ``gpu``, which Kubernetes rejects, and Flyte 1 always ``nvidia.com/gpu``.
        """
        is_named = self.platform.gpu_resource == KUBERNETES_NAMES["gpu"]
        return self.platform.backend == "v1" and is_named

    def worker_arg(self, option: str) -> str:
        """The argument of each worker for *option*."""
        args = self.pods.workers.args or ()
        return args[args.index(option) + 1]

    def with_amounts(
        self, role: Role, amounts: Mapping[str, Quantity | Pair], count: int | None = None
    ) -> str:
        """The call that sets *amounts* of *role*, clamped to the platform's limits.

        It keeps what a role without resources would lose by it. Where workers with the task's GPUs
        can't set them, the task has to set everything.
        """
        kept = self._would_lose(role)
        if "gpu" in kept and not self.can_roles_set_gpus:
            return self.with_task_amounts(amounts)
        return with_call(role.name, self._allowed({**kept, **amounts}), count)

    def with_task_amounts(
        self,
        amounts: Mapping[str, Quantity | Pair],
        task_config: str | None = None,
        *,
        needs_pod_template: bool = False,
    ) -> str:
        """The decorator that adds *amounts* to the task's own, clamped to the platform's limits.

        *task_config* is the code of another config, if that has to change too. With
        *needs_pod_template*, a plain task of Flyte 1 gets a pod template where that is what makes
        Flyte request GPUs by the platform's name for them.
        """
        own = pairs(self.parent.requests, self.parent.limits)
        if self.config.inherit == "pin":  # where a node changes no role with amounts of the task
            node = on_node(self.parent, self.platform)
            on = pairs(node.requests, node.limits)
            own |= {name: on[name] for name in ALWAYS_GIVEN if name in on}
        if self.parent.sdk == "flyte":
            return _environment_call(self._allowed({**own, **amounts}), task_config)
        is_renamed = self.platform.backend == "v1" and not self.can_roles_set_gpus
        is_missing = needs_pod_template and is_renamed and not self.parent.has_own_pod_template
        more = {"task_config": task_config, "pod_template": "PodTemplate()" if is_missing else None}
        decorator = _task_decorator(self._allowed({**own, **amounts}), more)
        return f"{decorator}{NEEDS_KUBERNETES if is_missing else ''}"

    def with_node_amounts(self, amounts: Mapping[str, Quantity | Pair]) -> str:
        """The overrides of the node, with *amounts* added, clamped to the platform's limits."""
        node = self.parent.node or NodeOverrides()
        own = pairs(node.requests, node.limits)
        return f"node.with_overrides({_amounts_code(self._allowed({**own, **amounts}))})"

    def _would_lose(self, role: Role) -> dict[str, Pair]:
        """The task's amounts that *role* has only as long as it sets no resources.

        These are all with ``inherit="off"``, else GPUs, of which a scheduler needs none.
        """
        if not role.is_unset:
            return {}
        is_off = self.config.inherit == "off"
        return {
            name: pair.effective
            for name, pair in role.pairs
            if (is_off or name == "gpu") and any(each and each.value for each in pair.effective)
            if (role.name, name) != ("scheduler", "gpu")
        }

    def _allowed(self, amounts: Mapping[str, Quantity | Pair]) -> dict[str, Pair]:
        """*amounts* as requests and limits, clamped to the platform's limits.

        Zeros are left out, but for those of GPUs: nothing else can be set to zero.
        """
        allowed: dict[str, Pair] = {}
        for name in DIMENSIONS:
            if (each := amounts.get(name)) is not None:
                request, limit = each if isinstance(each, tuple) else (each, each)
                if most := self.platform.allowed.get(name):
                    request, limit = request and min(request, most), limit and min(limit, most)
                if name == "gpu":  # whose sides have to be equal
                    allowed[name] = request and (limit or request), limit
                else:
                    allowed[name] = unless_zero(request), unless_zero(limit)
        return allowed


def with_call(role: str, values: Mapping[str, object], count: int | None = None) -> str:
    """The call that sets *values* of *role*: ``.with_workers(5, cpu=2, mem="8Gi")``."""
    number = [] if count is None else [str(count)]
    listed = ", ".join([*number, *(f"{name}={_literal(value)}" for name, value in values.items())])
    return f".with_{role}({listed})"


def _task_decorator(
    amounts: Mapping[str, Pair], more: Mapping[str, str | None] = MappingProxyType({})
) -> str:
    """The decorator that sets *amounts*, and *more* arguments, of which None is left out."""
    named = [f"{name}={code}" for name, code in more.items() if code is not None]
    return f"@task({', '.join(filter(None, [_amounts_code(amounts), *named]))})"


_NAMES_IN_FLYTE_2 = {"cpu": "cpu", "mem": "memory", "gpu": "gpu", "ephemeral_storage": "disk"}


def _environment_call(amounts: Mapping[str, Pair], plugin_config: str | None) -> str:
    """The environment of Flyte 2 that sets *amounts*, and *plugin_config* if it is not None."""
    listed = []
    for name, (request, limit) in amounts.items():
        least, most = request or limit, limit or request
        is_single = name in {"gpu", "ephemeral_storage"}  # which have no pairs there
        value = _literal(most) if is_single else f'("{least}", "{most}")'
        listed.append(f"{_NAMES_IN_FLYTE_2[name]}={value}")
    config = [f"plugin_config={plugin_config}"] if plugin_config is not None else []
    resources = [f"resources=flyte.Resources({', '.join(listed)})"] if listed else []
    return f"TaskEnvironment({', '.join([*resources, *config])})"


def _amounts_code(amounts: Mapping[str, Pair]) -> str:
    """The arguments that set *amounts*: ``requests=Resources(...), limits=Resources(...)``."""
    arguments = []
    for side, name in enumerate(("requests", "limits")):
        texts = {each: pair[side] for each, pair in amounts.items() if pair[side] is not None}
        if texts:
            listed = ", ".join(f'{dimension}="{amount}"' for dimension, amount in texts.items())
            arguments.append(f"{name}=Resources({listed})")
    return ", ".join(arguments)


def _literal(value: object) -> str:
    if isinstance(value, tuple):
        request, limit = value
        same = request == limit
        return _literal(limit) if same else f"({_literal(request)}, {_literal(limit)})"
    if isinstance(value, Quantity):
        return value.text if value.text.isdigit() else f'"{value}"'
    return f'"{value}"' if isinstance(value, str) else repr(value)
