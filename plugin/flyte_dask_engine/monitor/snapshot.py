"""The state of a cluster, as its scheduler last reported it."""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import attrs
from dask.utils import format_bytes

__all__ = ["NEARLY", "Death", "FullDisk", "Offer", "Snapshot", "Unmet"]

NEARLY = 0.8
"""The share of a memory limit above which usage is too close to it."""

# Signals of crashes in native code.
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")


@attrs.frozen
class Death:
    """An unexpected death of a worker, and what is known about its cause."""

    name: str
    memory: int = 0
    """Bytes that its process used at its last heartbeat."""
    limit: int = 0
    """Its memory limit in bytes; 0 is none."""
    killed_at: int | None = None
    """Bytes at which its nanny terminated it, close to the limit."""
    exit: int | None = None
    """The exit status of its process, from its nanny; negative for the signal that killed it."""
    error: str | None = None
    """The last error that the worker itself logged; not an error of a task."""
    is_of_task: bool = False
    """Whether it was processing the task in question."""

    @property
    def signal(self) -> str | None:
        """The name of the signal that killed it."""
        if self.exit is None or self.exit >= 0:
            return None
        with suppress(ValueError):
            return signal.Signals(-self.exit).name
        return f"signal {-self.exit}"

    @property
    def is_by_memory(self) -> bool:
        """Whether memory is known to be the cause."""
        return self.killed_at is not None

    @property
    def is_crash(self) -> bool:
        """Whether native code crashed."""
        return self.signal in _CRASHES

    @property
    def is_exit(self) -> bool:
        """Whether its process exited by itself."""
        return self.exit is not None and self.exit >= 0

    @property
    def is_unexplained(self) -> bool:
        """Whether nothing is known about the cause."""
        return self.exit is None and self.killed_at is None and self.error is None

    def __str__(self) -> str:
        return f"{self.name}   {'; '.join(self._details())}"

    def _details(self) -> Iterator[str]:
        if self.killed_at is not None:
            yield f"terminated by its nanny near the memory limit: {self._of_limit(self.killed_at)}"
            return
        if self.error:
            yield f"logged: {self.error}"
        if self.signal:
            yield f"killed by {self.signal}"
        elif self.exit is not None:
            yield f"exited with status {self.exit}"
        if self.is_unexplained:
            yield "cause unknown"
        if self.memory:
            yield f"last reported memory: {self._of_limit(self.memory)}"

    def _of_limit(self, memory: int) -> str:
        limit = f" of {format_bytes(self.limit)}" if self.limit else ""
        return format_bytes(memory) + limit


@attrs.frozen
class FullDisk:
    """A worker that cannot write to its disk."""

    worker: str
    folder: str


@attrs.frozen
class Unmet:
    """A task whose restrictions keep it from all workers that accept tasks."""

    key: str
    places: tuple[str, ...]
    """The workers or hosts that it may run on; empty for all."""
    resources: Mapping[str, float]
    """The resources that it needs of a worker."""
    gone: tuple[str, ...]
    """Those of its places that were workers, and left."""
    fitting: int
    """The number of workers that it may run on, but that accept no tasks, such as paused ones."""


@attrs.frozen
class Offer:
    """A worker, and what it has for tasks with restrictions."""

    name: str
    address: str
    resources: Mapping[str, float]


@attrs.frozen
class Snapshot:
    """The state of a cluster."""

    memory: int
    """Bytes that the scheduler's process uses."""
    workers: int
    able: int
    """The number of workers that accept or run tasks."""
    waiting: int
    """The number of tasks that are ready or running."""
    deaths: tuple[Death, ...] = ()
    """The latest deaths."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """The workers that died because they could not unpickle a message: name and error."""
    disks: tuple[FullDisk, ...] = ()
    """The workers that last could not write to their disk."""
    joined: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """The workers that joined since the last snapshot: name and versions."""
    number_joined: int = 0
    """How many workers joined until then."""
    erred: tuple[Any, ...] = ()
    """The keys of the tasks that erred since the last snapshot."""
    number_erred: int = 0
    """How many tasks erred until then."""
    unmet: tuple[Unmet, ...] = ()
    """The first tasks with restrictions that no worker meets."""
    offers: tuple[Offer, ...] = ()
    """The first workers, if there are such tasks."""

    @classmethod
    def of(cls, report: Mapping[str, Any]) -> Snapshot:
        """Parse the *report* of the `SchedulerObserver`."""
        known: dict[str, dict[str, Any]] = defaultdict(dict)
        for message in report["reports"]:
            known[message["worker"]].update(message)
        dead = {death["worker"] for death in report["deaths"]}
        return cls(
            **{name: report[name] for name in ("memory", "workers", "able", "waiting")},
            deaths=tuple(
                Death(
                    **{name: each[name] for name in ("name", "memory", "limit", "is_of_task")},
                    killed_at=known[each["worker"]].get("memory"),
                    exit=known[each["worker"]].get("exit"),
                    error=known[each["worker"]].get("error"),
                )
                for each in report["deaths"]
            ),
            unreadable=tuple(
                (message["unreadable_by"], message["error"])
                for message in report["reports"]
                if "unreadable_by" in message and message["worker"] in dead
            ),
            disks=tuple(
                FullDisk(each["name"], each["disk"]) for each in known.values() if "disk" in each
            ),
            joined=tuple((name, versions) for name, versions in report["joined"][0]),
            number_joined=report["joined"][1],
            erred=tuple(report["erred"][0]),
            number_erred=report["erred"][1],
            unmet=tuple(
                Unmet(**{**each, "places": tuple(each["places"]), "gone": tuple(each["gone"])})
                for each in report["unmet"]
            ),
            offers=tuple(Offer(**each) for each in report["offers"]),
        )

    @property
    def is_stalled(self) -> bool:
        """Whether tasks are waiting and no worker can run them."""
        return self.waiting > 0 and self.able == 0
