"""What the platform and the team's policy allow of a size."""

from __future__ import annotations

from collections.abc import Iterator

from flyte_dask.config.dask import Dask
from flyte_dask.inheritance.parent import Parent
from flyte_dask.policy import Policy, violations
from flyte_dask.prediction.platform import Platform
from flyte_dask.quantities.quantity import Quantity
from flyte_dask.roles.resources import amounts, sides
from flyte_dask_sizing.size import ROLES, Size

__all__ = ["Bounds"]


class Bounds:
    """The limits of a platform for each pod, and those of a policy for a job."""

    def __init__(self, platform: Platform | None = None, policy: Policy | None = None) -> None:
        self._platform = platform or Platform()
        self._policy = policy or Policy()

    @property
    def workers(self) -> int | None:
        """The largest number of workers; None without a limit."""
        return self._policy.max_workers

    def allow_memory(self, amount: Quantity) -> bool:
        """Whether a worker may have as much memory."""
        limits = (self._platform.allowed.get("mem"), amounts(self._policy.per_worker).get("mem"))
        return all(most is None or amount <= most for most in limits)

    def beyond(self, size: Size, config: Dask) -> Iterator[str]:
        """What of *size*, whose scheduler and workers are *config*, is above a limit."""
        for role in ROLES:
            for name, (_, limit) in getattr(size, role).items():
                most = self._platform.allowed.get(name)
                if most is not None and limit is not None and limit > most:
                    yield (
                        f"{role}.{name}: {limit} is above the platform's limit of {most}, to which "
                        "Flyte clamps it: raise that limit, or use smaller partitions"
                    )
        task = Parent(*sides(size.runner))
        for problem in violations(self._policy, config, task, self._platform):
            if problem.path.rpartition(".")[2] != "image":
                yield f"{problem.path}: {problem}"
