"""The code of a fast registration, put where scheduler and workers import it."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

__all__ = ["CodeOnScheduler", "CodeOnWorker"]


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
