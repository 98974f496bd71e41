"""Plugins that put the task's code on the import path of scheduler and workers."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from hashlib import sha256
from importlib import invalidate_caches
from pathlib import Path
from typing import Any

from distributed import Scheduler, Worker
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from flyte_dask_engine.cluster_plugins.by_code import ByCode

__all__ = ["CodeOnScheduler", "CodeOnWorker"]


class _Code(ByCode):
    """The code in a tar *archive*, which Flyte hands to the runner only; without one, in the image.

    Modules are imported from *paths*, relative to its root, or from the root itself.
    """

    idempotent = True

    def __init__(self, archive: bytes | None, paths: Sequence[str] = ()) -> None:
        digest = sha256(b"\0".join([archive or b"", *(path.encode() for path in paths)]))
        self.name = f"flyte-dask-code-{digest.hexdigest()[:16]}"
        self.archive = archive
        self.paths = [*paths] or ["."]


class CodeOnWorker(_Code, WorkerPlugin):
    """Puts the code first on a worker's import path, and again whenever the worker restarts."""

    def setup(self, worker: Worker) -> None:
        """Unpack an archive below the worker's local directory, which ends with the worker."""
        if self.archive is None:
            look_first(Path.cwd(), self.paths)
        else:
            root = unpack(self.archive, Path(worker.local_directory, self.name))
            import_first(root, self.paths)


class CodeOnScheduler(_Code, SchedulerPlugin):
    """Puts the code first on the import path of the scheduler, which unpickles graphs."""

    folder = ""

    async def start(self, scheduler: Scheduler) -> None:  # noqa: ARG002
        """Unpack an archive into a temporary folder."""
        if self.archive is None:
            look_first(Path.cwd(), self.paths)
        else:
            self.folder = tempfile.mkdtemp(prefix=self.name)
            import_first(unpack(self.archive, Path(self.folder, "code")), self.paths)

    async def close(self) -> None:
        """Remove the temporary folder."""
        if self.folder:
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


def import_first(root: Path, paths: Sequence[str] = (".",)) -> None:
    """Import from *paths* below *root* first, and forget modules imported from elsewhere before."""
    for path in look_first(root, paths):
        for name in stale(path, os.path.realpath(root)):
            del sys.modules[name]


def look_first(root: Path, paths: Sequence[str]) -> list[str]:
    """Put *paths* below *root* first on the import path; their absolute paths."""
    first = [os.path.realpath(root / path) for path in paths]
    sys.path[:] = [*first, *(each for each in sys.path if each not in first)]
    invalidate_caches()
    return first


def stale(path: str, root: str) -> list[str]:
    """Names of imported modules, from outside of *root*, that *path* has its own version of.

    Their submodules are included.
    """
    ours = modules_in(Path(path))
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
