"""Which rules of advice apply to a task, without their words.

Most tasks of a registration differ in the number of workers, if at all; so everything that does not
depend on it is computed once. Words do depend on it, and few of them are ever logged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeAlias, final

from flyte_dask.advice import OF_NUMBER, RULES, Job, Severity, applies
from flyte_dask.config.dask import Dask
from flyte_dask.inheritance.parent import Parent
from flyte_dask.prediction.platform import Platform
from flyte_dask.prediction.pods import Pod
from flyte_dask.prediction.runner import runner_pod
from flyte_dask_engine.registration.cache import cached, platform_key
from flyte_dask_engine.registration.cluster import TaskCluster
from flyte_dask_engine.registration.requested import parent_of

__all__ = ["Assessment", "shared_assessment"]


Severities: TypeAlias = tuple[Severity, ...]


@final
class Assessment:
    """The rules that apply to jobs that differ in their numbers of workers only, such as *job*."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._fixed: dict[Severity, list[str]] = {}
        self._codes: dict[tuple[int, Severities], list[str]] = {}

    def codes(self, config: Dask, severities: Severities) -> list[str]:
        """The codes of rules with these *severities* that apply to *config*, in their order."""
        key = config.workers.number_of_workers, severities
        if key not in self._codes:
            self._codes[key] = self._applying(self._job.with_number_of(config), severities)
        return self._codes[key]

    def _applying(self, job: Job, severities: Severities) -> list[str]:
        of_number = [code for code in OF_NUMBER if RULES[code].severity in severities]
        found = {code for code in of_number if applies(code, job)}
        found.update(*map(self._of_severity, severities))
        return [code for code in RULES if code in found] if found else []

    def _of_severity(self, severity: Severity) -> list[str]:
        """Those that apply for any number of workers."""
        if severity not in self._fixed:
            codes = [code for code, rule in RULES.items() if rule.severity == severity]
            fixed = [code for code in codes if code not in OF_NUMBER]
            self._fixed[severity] = [code for code in fixed if applies(code, self._job)]
        return self._fixed[severity]


def shared_assessment(
    cluster: TaskCluster,
    platform: Platform,
    task: Hashable,
    described: Callable[[Parent], Parent],
) -> Assessment:
    """The assessment of all clusters such as *cluster*, however many workers they have.

    Args:
        cluster: the cluster of a task.
        platform: the platform on which the task will run.
        task: the cache key of what *described* adds.
        described: adds what is known of the task to a parent with its resources.
    """
    platforms = platform_key(platform)
    key = cluster.shape, task, platforms

    def assessed() -> Assessment:
        where = cluster.requested.key, task, platforms
        parent, runner = cached(_tasks, where, lambda: _task_of(cluster, platform, described))
        return Assessment(Job.of(cluster.config, parent, platform, cluster.amounts, runner))

    return cached(_assessments, key, assessed, _MOST)


def _task_of(
    cluster: TaskCluster, platform: Platform, described: Callable[[Parent], Parent]
) -> tuple[Parent, Pod]:
    """The task of *cluster* and its pod, without origins."""
    parent = described(parent_of(cluster.requested, cluster.task, cluster.call_site))
    return parent, runner_pod(parent, platform)


_MOST = 256  # of some ten kilobytes each
_assessments: dict[Hashable, Assessment] = {}
_tasks: dict[Hashable, tuple[Parent, Pod]] = {}
