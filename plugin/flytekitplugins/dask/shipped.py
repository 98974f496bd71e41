"""What runs in the scheduler and in the workers on behalf of a session.

It goes there by value, for their images may have another flyte-dask, or none: so it may use nothing
but Python and distributed.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
from collections import Counter
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

__all__ = ["Activity", "CodeOnScheduler", "CodeOnWorker", "activity_of"]


class CodeOnWorker(WorkerPlugin):
    """Puts the code of a fast registration before that of the image; also where workers restart."""

    idempotent = True

    def __init__(self, archive: bytes, digest: str) -> None:
        self.name = f"flyte-dask-code-{digest}"
        self.archive = archive

    def setup(self, worker: Worker) -> None:
        """Unpack it below the worker's own folder, which ends with the worker."""
        use(unpack(self.archive, Path(worker.local_directory, self.name)))


class CodeOnScheduler(SchedulerPlugin):
    """The same for the scheduler, which unpickles graphs."""

    idempotent = True

    def __init__(self, archive: bytes, digest: str) -> None:
        self.name = f"flyte-dask-code-{digest}"
        self.archive = archive
        self.folder = ""

    async def start(self, scheduler: Scheduler) -> None:  # noqa: ARG002
        """Unpack it into a temporary folder."""
        self.folder = tempfile.mkdtemp(prefix=self.name)
        use(unpack(self.archive, Path(self.folder, "code")))

    async def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def unpack(archive: bytes, folder: Path) -> Path:
    """*folder*, with the files of a tar archive in it; all of them, or it is not there."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        half = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            extract: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            tar.extractall(half, **extract)  # noqa: S202  # it is the user's own
        half.rename(folder)
    return folder


def use(root: Path) -> None:
    """Import from *root* first, also what was imported from elsewhere already."""
    path = os.path.realpath(root)
    sys.path[:] = [path, *(each for each in sys.path if each != path)]
    invalidate_caches()
    for name in stale(path):
        del sys.modules[name]


def stale(root: str) -> list[str]:
    """The names of imported modules of which *root* has others; and of all that is in them."""
    ours = modules_in(Path(root))
    found: set[str] = set()
    for name, module in sorted(sys.modules.items()):
        file = getattr(module, "__file__", None)
        is_ours = name in ours and file and not file.startswith(root)
        if is_ours or name.rpartition(".")[0] in found:
            found.add(name)
    return sorted(found)


def modules_in(root: Path) -> set[str]:
    """The names of all modules below *root*."""
    paths = [path.relative_to(root).with_suffix("").parts for path in root.rglob("*.py")]
    return {".".join(path[:-1] if path[-1] == "__init__" else path) for path in paths}


class Activity(SchedulerPlugin):
    """Counts what the cluster does, by the names of the workers; also of those that are gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.names: dict[str, str] = {}
        self.finished: Counter[str] = Counter()
        self.failed = 0
        self.spilled_before = 0.0

    async def start(self, scheduler: Scheduler) -> None:
        """Note who is there, and what was spilled before."""
        for address in scheduler.workers:
            self.add_worker(scheduler, address)
        self.spilled_before = _spilled(scheduler)

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:
        """Note its name; called whenever one joins."""
        self.names[worker] = str(scheduler.workers[worker].name)
        self.finished[self.names[worker]] += 0

    def transition(self, key: Any, start: Any, finish: Any, *_: Any, **details: Any) -> None:  # noqa: ARG002
        """Count; called whenever a task goes from one state to another."""
        if start == "processing":
            if finish == "memory":
                self.finished[self.names[details["worker"]]] += 1
            elif finish == "erred":
                self.failed += 1


def activity_of(name: str, dask_scheduler: Scheduler) -> dict[str, Any]:
    """What the `Activity` of this name has counted; run on the scheduler.

    Workers tell what they spilled with their heartbeats, so the last half of a second of it may be
    missing.
    """
    activity: Any = dask_scheduler.plugins[name]
    return {
        "finished": dict(activity.finished),
        "failed": activity.failed,
        "spilled": int(_spilled(dask_scheduler) - activity.spilled_before),
    }


def _spilled(scheduler: Scheduler) -> float:
    """The bytes that all workers have written because they did not fit into memory."""
    return sum(
        value
        for key, value in scheduler.cumulative_worker_metrics.items()
        if isinstance(key, tuple) and key[-2:] == ("disk-write", "bytes") and key[0] != "p2p"
    )
