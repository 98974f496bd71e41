"""When a cluster is lost: the verdict on what a monitor has seen of it, beat by beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flyte_dask.config.runtime import Runtime
from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.snapshot import Snapshot

__all__ = ["Assessment", "VersionCheck"]

VersionCheck = Callable[[str, Mapping[str, Any]], FlyteDaskError | None]
"""What is wrong with a worker of this name and these versions."""


class Assessment:
    """What is known of a cluster, and the verdict if it is lost; the first one stays.

    Seconds are those of the monitor's own beats, never of the clock: a runner that was blocked has
    heard nothing in that time, and accuses nobody.
    """

    def __init__(self, runtime: Runtime, subject: Subject) -> None:
        self.subject = subject
        self.snapshot: Snapshot | None = None
        """The latest."""
        self.verdict: FlyteDaskError | None = None
        self.silence = 0.0
        """Seconds since the scheduler has answered."""
        self.version_check: VersionCheck = lambda _name, _versions: None
        """Of all workers; by default none is wrong."""
        self._runtime = runtime
        self._stalled = 0.0
        self._is_fresh = False  # what was heard, since the last beat

    def heard(self, snapshot: Snapshot) -> None:
        """Take in what the scheduler has told."""
        self.snapshot, self._is_fresh = snapshot, True
        for who, why in snapshot.unreadable:
            self.say(self.subject.unreadable("workers", who, why))
        for name, versions in snapshot.joined:
            self.say(self.version_check(name, versions))

    def heard_another(self) -> None:
        """Take in that the scheduler which answers is not the one that the session began with."""
        self.say(self.subject.replaced(self.snapshot))

    def passed(self, seconds: float, *, is_answered: bool) -> None:
        """Take in a beat of so many seconds, and whether the scheduler has answered in it."""
        self.silence = 0.0 if is_answered else self.silence + seconds
        most = self._runtime.scheduler_timeout
        if most is not None and self.silence >= most:
            self.say(self.subject.silent(most, self.snapshot))
        if self.snapshot is not None and self._is_fresh:
            self._judge_work(self.snapshot, seconds)
        self._is_fresh = False

    def say(self, verdict: FlyteDaskError | None) -> None:
        """That is the verdict, if it is one, and the first."""
        if self.verdict is None:
            self.verdict = verdict

    def _judge_work(self, snapshot: Snapshot, seconds: float) -> None:
        self._stalled = self._stalled + seconds if snapshot.is_stalled else 0.0
        most = self._runtime.stall_timeout
        if most is not None and self._stalled >= most:
            self.say(self.subject.stalled(most, snapshot))
