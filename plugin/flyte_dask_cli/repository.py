"""The text files of a repository, that people have written or installed from."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

__all__ = ["files_of", "project_of", "text_of"]

_ROOTS = (".git", ".hg")
_CACHES = {"node_modules", "site-packages", "dist-packages", "__pycache__"}
_BUILT = {"build", "dist"}
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")
"""What the folder of an environment has, of venv or of conda."""

_LONGEST = 5_000_000  # bytes; only data is longer
_HEAD = 8_192  # bytes, in which git looks for a NUL too
_PATIENCE = 60  # seconds


def project_of(path: Path) -> Path:
    """The root of the repository that *path* is in; without one, its own folder.

    Both are absolute, without symbolic links.
    """
    real = Path(os.path.realpath(path))
    folder = real if real.is_dir() else real.parent
    for each in (folder, *folder.parents):
        if any((each / root).exists() for root in _ROOTS):
            return each
    return folder


def files_of(root: Path) -> Iterator[Path]:
    """All files below *root* but those of environments and caches.

    They are those that git tracks, or would track. Without git they are all but hidden folders,
    apart from ``.github``, and folders of built packages.
    """
    listed = _listed_by_git(root)
    if listed is None:
        yield from _walked(root)
        return
    skipped: dict[Path, bool] = {root: False}
    for name in listed:
        path = root / name
        if not _is_in_skipped(path.parent, skipped):
            yield path


def text_of(path: Path) -> str | None:
    """The text of a file; None if it is binary, longer than 5 MB, no file, or a symbolic link."""
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > _LONGEST:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    return None if b"\0" in content[:_HEAD] else content.decode("utf-8", "replace")


def _listed_by_git(root: Path) -> list[str] | None:
    """The paths that git lists, relative to *root*; None if it lists none."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # a hook of git has variables that name its own repository
    own = {name: text for name, text in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, cwd=root, env=own, check=False, capture_output=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return None
    return [*dict.fromkeys(os.fsdecode(each) for each in done.stdout.split(b"\0") if each)]


def _walked(root: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(root):
        inside = [each for each in sorted(folders) if not _is_generated(each)]
        folders[:] = [each for each in inside if not _is_skipped(Path(path, each))]
        yield from (Path(path, name) for name in sorted(names))


def _is_generated(name: str) -> bool:
    """Whether a folder of this *name* is hidden, or has built packages in it."""
    is_hidden = name.startswith(".") and name != ".github"
    return is_hidden or name in _BUILT or name.endswith(".egg-info")


def _is_skipped(folder: Path) -> bool:
    """Whether *folder* is an environment or a cache."""
    return folder.name in _CACHES or any((folder / each).exists() for each in _ENVIRONMENT)


def _is_in_skipped(folder: Path, known: dict[Path, bool]) -> bool:
    """Whether *folder*, or one above it, is skipped; *known* has the root, and gets the others."""
    if folder not in known:
        known[folder] = _is_in_skipped(folder.parent, known) or _is_skipped(folder)
    return known[folder]
