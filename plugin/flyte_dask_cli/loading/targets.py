"""Targets of the command line: modules, files and folders, and tasks in them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import final

import attrs
import click

from flyte_dask.errors import clipped, short

__all__ = ["Target", "Targets", "targets_of"]

_SKIPPED_FOLDERS = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_SKIPPED_FILES = {"setup.py", "__main__.py"}


@final
@attrs.frozen
class Target:
    """A module to import, and the task to select."""

    name: str
    """The name to import it by."""
    root: str
    """The folder to import it from."""
    file: str | None = None
    """Its file; None if the target is a module name."""
    task: str | None = None
    """The name of a task; None selects all."""


@final
@attrs.frozen
class Targets:
    """The modules of the command line."""

    modules: tuple[Target, ...]
    not_imported: tuple[str, ...] = ()
    """Folders with Python files that ``pyflyte`` does not import, since they are no packages."""


def targets_of(texts: Iterable[str], root_dir: str | None = None) -> Targets:
    """The modules of *texts*, without duplicates, in order.

    Args:
        texts: each a file, a folder (all modules in it) or a module, with ``:TASK`` for one task.
        root_dir: the folder to import them all from, as in ``flyte deploy``; by default as in
            ``pyflyte``.

    Raises:
        click.UsageError: with all texts that are invalid.
    """
    found: dict[tuple[str, str, str | None], Target] = {}
    skipped: dict[str, None] = {}
    problems = []
    for text in texts:
        targets = _targets(text, None if root_dir is None else _real(Path(root_dir)))
        if isinstance(targets, str):
            problems.append(f"{short(text)}: {targets}")
        else:
            found.update({(each.name, each.root, each.task): each for each in targets.modules})
            skipped.update(dict.fromkeys(targets.not_imported))
    if problems:
        raise click.UsageError(clipped("\n".join(problems)))
    return Targets(tuple(found.values()), tuple(skipped))


def _targets(text: str, root: Path | None) -> Targets | str:
    """The modules of the target *text*; or the problem, if it is invalid."""
    where, task = text, None
    head, _, tail = text.rpartition(":")
    if head and _decoded(tail).isidentifier() and not Path(text).exists():
        where, task = head, _decoded(tail)
    path = Path(where)
    if root is not None and where and path.exists() and not _real(path).is_relative_to(root):
        return f"not in {root}, the folder of imports (--root-dir)"
    if where and path.is_dir():
        problem = f"{where} is a folder: pass the file that defines {task}"
        return problem if task else _of_folder(path, _real(path), root or _root_of(path), root)
    if path.is_file():
        if path.suffix != ".py":
            return "not a Python file"
        made = _of_file(path, _real(path), root or _root_of(path))
        return Targets((attrs.evolve(made, task=task),))
    if path.suffix == ".py" or not all(part.isidentifier() for part in where.split(".")):
        return "not an existing file or folder, nor a module name"
    return _of_name(where, task, root)


def _of_name(name: str, task: str | None, root: Path | None) -> Targets:
    """The module or package *name*, from the working directory without a *root*."""
    package, above = Path(*name.split(".")), root or Path.cwd()
    if (above / package).is_dir() and not task:
        return _of_folder(above / package if root else package, above / package, above, root)
    return Targets((Target(_decoded(name), _decoded(str(above)), task=task),))


def _root_of(path: Path) -> Path:
    """The folder of imports, as in ``pyflyte``: the first one above *path* that is no package."""
    root = _real(path).parent
    while _is_package(root):
        root = root.parent
    return root


def _of_folder(folder: Path, real: Path, root: Path, root_dir: Path | None) -> Targets:
    """The modules of *folder* and of the folders in it.

    They are named from *root*, in which the folder is *real*. Without a *root_dir* they are those
    that ``pyflyte`` imports, and not what is in folders that are no packages.
    """
    is_in = _is_package if root_dir is None else Path.is_dir
    files, skipped = [], []
    for path, folders, names in os.walk(folder, followlinks=True):
        where = Path(path)
        inside = [where / each for each in sorted(folders) if _has_code(where / each)]
        inside = [each for each in inside if not _real(where).is_relative_to(_real(each))]  # a loop
        skipped += [each for each in inside if not is_in(each) and _has_modules(each)]
        folders[:] = [each.name for each in inside if is_in(each)]
        files += [where / name for name in sorted(names) if _is_module(where / name)]
    modules = [_of_file(each, real / each.relative_to(folder), root) for each in files]
    return Targets(tuple(modules), tuple(_decoded(str(each)) for each in skipped))


def _has_modules(folder: Path) -> bool:
    """Whether there are Python files in *folder* or below."""
    for path, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if _has_code(Path(path, each))]
        if any(_is_module(Path(path, name)) for name in names):
            return True
    return False


def _has_code(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS
    return not is_hidden and not (folder / "pyvenv.cfg").exists()


def _is_package(folder: Path) -> bool:
    return (folder / "__init__.py").exists()


def _is_module(file: Path) -> bool:
    """Whether ``pyflyte`` would import *file*, but for files that are made to be run."""
    is_python = file.suffix == ".py" and "." not in file.stem
    return is_python and file.name not in _SKIPPED_FILES and file.is_file()


def _of_file(file: Path, real: Path, root: Path) -> Target:
    """The module of *file*, at *real*, named from *root*."""
    parts = real.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Target(*map(_decoded, (name, str(root), str(file))))


def _real(path: Path) -> Path:
    """The absolute path, without the symbolic links that ``pyflyte`` resolves in an argument."""
    return Path(os.path.realpath(path))


def _decoded(path: str) -> str:
    """*path* decoded as UTF-8 in any locale: it becomes part of task names."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")
