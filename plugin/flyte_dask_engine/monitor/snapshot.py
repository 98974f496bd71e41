"""What a scheduler told of its cluster when it was last asked."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import attrs
from dask.utils import format_bytes

__all__ = ["NEARLY", "Death", "Snapshot"]

NEARLY = 0.8
"""How much of a limit is too near to it."""

# What native code dies of, by its own fault.
_CRASHES = ("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")


@attrs.frozen
class Death:
    """A worker that went unexpectedly, and what is known of why."""

    name: str
    memory: int = 0
    """Bytes of its process when it was last heard of."""
    limit: int = 0
    """Its limit of those; 0 is none."""
    killed_at: int | None = None
    """Bytes at which its nanny ended it, because it came too near to its limit."""
    exit: int | None = None
    """The exit status of its process, as its nanny told; below 0 the signal that killed it."""
    error: str | None = None
    """The last error of its own, not of a task."""
    is_of_task: bool = False
    """Whether it had the task of which was asked."""

    @property
    def signal(self) -> str | None:
        """The signal that killed it."""
        if self.exit is None or self.exit >= 0:
            return None
        with suppress(ValueError):
            return signal.Signals(-self.exit).name
        return f"signal {-self.exit}"

    @property
    def is_by_memory(self) -> bool:
        """Whether memory is known to be why."""
        return self.killed_at is not None

    @property
    def is_crash(self) -> bool:
        """Whether native code crashed."""
        return self.signal in _CRASHES

    @property
    def is_exit(self) -> bool:
        """Whether its process ended by itself."""
        return self.exit is not None and self.exit >= 0

    @property
    def is_silent(self) -> bool:
        """Whether nobody told why."""
        return self.exit is None and self.killed_at is None and self.error is None

    def __str__(self) -> str:
        return f"{self.name}   {'; '.join(self._words())}"

    def _words(self) -> Iterator[str]:
        if self.killed_at is not None:
            yield f"ended by its nanny near its memory limit, at {self._of_limit(self.killed_at)}"
            return
        if self.error:
            yield f"said: {self.error}"
        if self.signal:
            yield f"killed by {self.signal}"
        elif self.exit is not None:
            yield f"exited with status {self.exit}"
        if self.is_silent:
            yield "gone without a word"
        if self.memory:
            yield f"when last heard of it used {self._of_limit(self.memory)}"

    def _of_limit(self, memory: int) -> str:
        limit = f" of {format_bytes(self.limit)}" if self.limit else ""
        return format_bytes(memory) + limit


@attrs.frozen
class Snapshot:
    """How a cluster is doing."""

    memory: int
    """Bytes of the scheduler's process."""
    workers: int
    able: int
    """Workers that take tasks, or run some."""
    waiting: int
    """Tasks that are ready or running."""
    deaths: tuple[Death, ...] = ()
    """The latest."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """Names of workers that died because they could not read what they were sent, and why."""
    joined: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    """Names and versions of workers that joined since the question before."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Snapshot:
        """What the `SchedulerObserver` on the scheduler has *told*."""
        known: dict[str, dict[str, Any]] = {}
        for word in told["reports"]:
            known.setdefault(word["worker"], {}).update(word)
        dead = {death["worker"] for death in told["deaths"]}
        return cls(
            **{name: told[name] for name in ("memory", "workers", "able", "waiting")},
            deaths=tuple(_death(each, known.get(each["worker"], {})) for each in told["deaths"]),
            unreadable=tuple(
                (word["unreadable_by"], word["error"])
                for word in told["reports"]
                if "unreadable_by" in word and word["worker"] in dead
            ),
            joined=tuple((name, versions) for name, versions in told["joined"]),
        )

    @property
    def is_stalled(self) -> bool:
        """Whether there is work, and nobody to do it."""
        return self.waiting > 0 and self.able == 0


def _death(told: Mapping[str, Any], words: Mapping[str, Any]) -> Death:
    return Death(
        told["name"],
        told["memory"],
        told["limit"],
        words.get("memory"),
        words.get("exit"),
        words.get("error"),
        told["is_of_task"],
    )
