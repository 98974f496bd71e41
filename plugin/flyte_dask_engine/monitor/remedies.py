"""What to do about a failed cluster, as sentences, from what is known of its workers."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from dask.utils import format_bytes

from flyte_dask.inheritance.resolution import Resolved
from flyte_dask.quantities.formatting import counted
from flyte_dask_engine.host import Host
from flyte_dask_engine.monitor.snapshot import NEARLY, Death, FullDisk, Offer, Snapshot, Unmet

__all__ = ["Remedies", "table_of"]

_MOST = 8  # deaths that are listed
_LITTLE = 0.1  # of a memory limit; a process that used less rarely dies of a lack of memory


@attrs.frozen
class Remedies:
    """The remedies for one cluster: on Flyte, or on this machine."""

    resolved: Resolved
    is_local: bool
    host: Host
    is_in_threads: bool = False
    """Whether the workers are threads of this process, which have no nannies."""

    def look(self, for_what: str) -> str:
        """Where Flyte shows *for_what*; empty on this machine."""
        if self.is_local:
            return ""
        return f"See Flyte's console or `kubectl describe pod` for {for_what}."

    def restart(self) -> str:
        """How to begin with empty workers, which is no reason to end them."""
        if self.is_in_threads:
            return (
                "To free what the workers hold, cancel() the futures: workers in threads cannot be "
                'restarted; with_runtime(local="processes") has workers that can, by restart().'
            )
        return "To free what the workers hold, restart() them: it starts them again."

    def of_scheduler(self, last: Snapshot | None) -> str:
        """The memory that the scheduler used when it last responded, and a remedy if it is full."""
        if last is None or not last.memory:
            return ""
        limit = None if self.is_local else self.resolved.scheduler.mem.limit.effective
        of_limit = f" of its limit of {limit}" if limit else ""
        used = f"When it last responded it used {format_bytes(last.memory)} of memory{of_limit}."
        if limit and last.memory > NEARLY * limit.value:
            return f"{used} Raise scheduler.limits.mem: with_scheduler(mem=...)."
        return used

    def of_deaths(self, deaths: Sequence[Death], disks: Sequence[FullDisk]) -> str:
        """The remedy for *deaths* of workers, some of which have a full disk."""
        if disks:
            return self.more_disk(disks)
        if any(death.is_by_memory for death in deaths):
            return self.more_memory()
        if any(death.is_crash for death in deaths):
            return "Native code crashed: compare the package versions" + (
                " of what it uses." if self.is_local else " in the images."
            )
        if any(death.is_exit for death in deaths):
            return "A worker process exited by itself: look for calls of exit in the code."
        if any(death.error for death in deaths):
            return "See the last error that a worker logged."
        return self._of_unknown_cause(deaths)

    def _of_unknown_cause(self, deaths: Sequence[Death]) -> str:
        if any(death.memory > _LITTLE * death.limit or not death.limit for death in deaths):
            if self.is_local:
                return f"Cause unknown; most often it is memory. If so: {self.more_memory()}"
            return (
                "Cause unknown; most often it is memory, and `kubectl describe pod` then shows "
                f"OOMKilled. If so: {self.more_memory()}"
            )
        if not deaths:
            return "Cause unknown."
        little = "Cause unknown: the workers last reported little of their memory limits."
        if self.is_local:
            return f"{little} Look for what ended their processes."
        return f"{little} See `kubectl describe pod` for why their containers ended."

    def more_memory(self) -> str:
        """The remedy for workers that lack memory."""
        if self.is_local:
            return (
                "The workers share this machine's memory: use fewer of them, with_workers(...); or "
                "let each hold less at a time: smaller partitions, fewer CPUs."
            )
        limit = self.resolved.workers.mem.limit.effective
        now = f" from {limit}" if limit else ""
        return (
            f"Raise workers.limits.mem{now}: with_workers(mem=...); or let each worker hold less "
            "at a time: smaller partitions, fewer CPUs."
        )

    def more_disk(self, disks: Sequence[FullDisk]) -> str:
        """The remedy for workers that cannot write to their *disks*, of which one is named."""
        where = "".join(
            f"The disk of worker {each.worker} is full: it cannot write to {each.folder}. "
            for each in disks[:1]
        )
        if self.is_local:
            return (
                f"{where}Free space on this machine's disk, or let Dask use another one: "
                "DASK_TEMPORARY_DIRECTORY."
            )
        limit = self.resolved.workers.ephemeral_storage.limit.effective
        now = f" from {limit}" if limit else ""
        return (
            f"{where}Raise workers.limits.ephemeral_storage{now}: "
            "with_workers(ephemeral_storage=...); or let the workers spill less: more memory, "
            "smaller partitions."
        )

    def of_restrictions(self, unmet: Unmet, offers: Sequence[Offer], number: int) -> str:
        """What *unmet* needs, what *number* workers offer, and the remedy."""
        if unmet.resources:
            return self._of_resources(unmet, offers, number)
        there = ", ".join(f"{each.name} ({each.address})" for each in offers)
        more = f" and {number - len(offers)} more" if number > len(offers) else ""
        return (
            f"It is restricted to {', '.join(unmet.places)}, and the workers are {there}{more}. "
            "Correct workers=, or allow others too: allow_other_workers=True."
        )

    def _of_resources(self, unmet: Unmet, offers: Sequence[Offer], number: int) -> str:
        needed = ", ".join(f"{name}={amount:g}" for name, amount in unmet.resources.items())
        offered = sorted(
            {f"{name}={amount:g}" for each in offers for name, amount in each.resources.items()}
        )
        where = f" on {', '.join(unmet.places)}" if unmet.places else ""
        name = next(iter(unmet.resources)).upper()
        variable = f'{{"DASK_DISTRIBUTED__WORKER__RESOURCES__{name}": "1"}}'
        return (
            f"It needs the resources {needed}{where}, and the {counted(number, 'worker')} "
            f"offer{'s' if number == 1 else ''} {', '.join(offered) or 'none'}. Omit resources=, "
            f"or let all workers offer them: {self.host.environment_code.format(variable)}, which "
            f"Dask names {name.lower()}."
        )


def table_of(deaths: Sequence[Death]) -> str:
    """A line for each of the latest *deaths*."""
    if not deaths:
        return ""
    which = f" (the last {_MOST} of {len(deaths)})" if len(deaths) > _MOST else ""
    return f"\nWorker deaths{which}:\n" + "\n".join(f"  {each}" for each in deaths[-_MOST:])
