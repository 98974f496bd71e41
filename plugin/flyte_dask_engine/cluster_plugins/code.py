"""Plugins that put the code of a fast registration on the import path of scheduler and workers."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
from hashlib import sha256
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

__all__ = ["CodeOnScheduler", "CodeOnWorker"]


class _Code:
    """The code in a tar *archive*, which Flyte hands to the runner only."""

    idempotent = True

    def __init__(self, archive: bytes) -> None:
        self.name = f"flyte-dask-code-{sha256(archive).hexdigest()[:16]}"
        self.archive = archive


class CodeOnWorker(_Code, WorkerPlugin):
    """Puts uploaded code before the image's on a worker, and again whenever the worker restarts."""

    def setup(self, worker: Worker) -> None:
        """Unpack the code below the worker's local directory, which is removed with the worker."""
        import_first(unpack(self.archive, Path(worker.local_directory, self.name)))


class CodeOnScheduler(_Code, SchedulerPlugin):
    """Puts uploaded code before the image's on the scheduler, which unpickles graphs."""

    folder = ""

    async def start(self, scheduler: Scheduler) -> None:  # noqa: ARG002
        """Unpack the code into a temporary folder."""
        self.folder = tempfile.mkdtemp(prefix=self.name)
        import_first(unpack(self.archive, Path(self.folder, "code")))

    async def close(self) -> None:
        """Remove the temporary folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def unpack(archive: bytes, folder: Path) -> Path:
    """Unpack a tar archive into *folder*, which then exists with all files or not at all."""
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=folder.name, dir=folder.parent))
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            extract: dict[str, Any] = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
            tar.extractall(partial, **extract)  # noqa: S202  # it is the user's own
        partial.rename(folder)
    return folder


def import_first(root: Path) -> None:
    """Put *root* first on the import path, and forget modules imported from elsewhere before."""
    path = os.path.realpath(root)
    sys.path[:] = [path, *(each for each in sys.path if each != path)]
    invalidate_caches()
    for name in stale(path):
        del sys.modules[name]


def stale(root: str) -> list[str]:
    """Names of imported modules that *root* has its own version of, and of their submodules."""
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
