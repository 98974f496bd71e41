"""The verdict that a cluster is lost, from what a monitor observed at each tick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flyte_dask.config.runtime import Runtime
from flyte_dask.errors import FlyteDaskError
from flyte_dask_engine.monitor.diagnosis import Subject
from flyte_dask_engine.monitor.snapshot import Snapshot

__all__ = ["Assessment", "VersionCheck"]

VersionCheck = Callable[[str, Mapping[str, Any]], FlyteDaskError | None]
"""Returns what is wrong with a worker of this name and these versions; None for nothing."""


class Assessment:
    """The state of a cluster, and the verdict if it is lost; the first verdict stays.

    Time is counted in the monitor's own ticks, not by the clock: a runner that was blocked observed
    nothing meanwhile, and must not blame the cluster.
    """

    def __init__(self, runtime: Runtime, subject: Subject) -> None:
        self.subject = subject
        self.snapshot: Snapshot | None = None
        """The latest snapshot."""
        self.verdict: FlyteDaskError | None = None
        self.unresponsive = 0.0
        """Seconds since the last response of the scheduler."""
        self.version_check: VersionCheck = lambda _name, _versions: None
        """Applied to each worker that joins; by default all are accepted."""
        self._runtime = runtime
        self._stalled = 0.0
        self._unmet: dict[str, float] = {}  # seconds by key of the task
        self._is_fresh = False  # whether the snapshot came since the last tick

    def observe(self, snapshot: Snapshot) -> None:
        """Take in a *snapshot* of the cluster."""
        self.snapshot, self._is_fresh = snapshot, True
        for worker, why in snapshot.unreadable:
            self.conclude(self.subject.unreadable("workers", worker, why))
        for name, versions in snapshot.joined:
            self.conclude(self.version_check(name, versions))

    def observe_replacement(self) -> None:
        """Take in that another scheduler than the session's first one responds."""
        self.conclude(self.subject.replaced(self.snapshot))

    def tick(self, seconds: float, *, has_response: bool) -> None:
        """Take in that *seconds* passed, and whether the scheduler responded in them."""
        self.unresponsive = 0.0 if has_response else self.unresponsive + seconds
        timeout = self._runtime.scheduler_timeout
        if timeout is not None and self.unresponsive >= timeout:
            self.conclude(self.subject.unresponsive(timeout, self.snapshot))
        if self.snapshot is not None and self._is_fresh:
            self._assess_work(self.snapshot, seconds)
        self._is_fresh = False

    def conclude(self, verdict: FlyteDaskError | None) -> None:
        """Set the *verdict*, unless it is None or there already is one."""
        if self.verdict is None:
            self.verdict = verdict

    def _assess_work(self, snapshot: Snapshot, seconds: float) -> None:
        self._stalled = self._stalled + seconds if snapshot.is_stalled else 0.0
        # without an able worker, restrictions make no difference
        unmet = snapshot.unmet if snapshot.able else ()
        self._unmet = {each.key: self._unmet.get(each.key, 0.0) + seconds for each in unmet}
        timeout = self._runtime.stall_timeout
        if timeout is None:
            return
        if self._stalled >= timeout:
            self.conclude(self.subject.stalled(timeout, snapshot))
        for each in unmet:
            if self._unmet[each.key] >= timeout:
                self.conclude(self.subject.unrunnable(each, timeout, snapshot))
