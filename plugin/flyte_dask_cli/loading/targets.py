"""Targets of the command line: modules, files and folders, and tasks in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

import attrs
import click

__all__ = ["Target", "targets_of"]

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


def targets_of(texts: Iterable[str]) -> list[Target]:
    """The modules of *texts*, without duplicates, in order.

    Args:
        texts: each a file, a folder (all files in it) or a module, with ``:TASK`` for one task.

    Raises:
        click.UsageError: with all texts that are invalid.
    """
    found: dict[tuple[str, str, str | None], Target] = {}
    problems = []
    for text in texts:
        modules = _modules(text)
        if isinstance(modules, str):
            problems.append(f"{text!r}: {modules}")
        else:
            found.update({(each.name, each.root, each.task): each for each in modules})
    if problems:
        raise click.UsageError("\n".join(problems))
    return list(found.values())


def _modules(text: str) -> list[Target] | str:
    """The modules of the target *text*; or the problem, if it is invalid."""
    where, task = text, None
    head, _, tail = text.rpartition(":")
    if head and _decoded(tail).isidentifier() and not Path(text).exists():
        where, task = head, _decoded(tail)
    path = Path(where)
    if where and path.is_dir():
        problem = f"{where} is a folder: pass the file that defines {task}"
        return problem if task else [_of_file(each) for each in _files_in(path)]
    if path.is_file():
        is_python = path.suffix == ".py"
        return [attrs.evolve(_of_file(path), task=task)] if is_python else "not a Python file"
    if path.suffix == ".py" or not all(part.isidentifier() for part in where.split(".")):
        return "not an existing file or folder, nor a module name"
    return [Target(_decoded(where), _decoded(str(Path.cwd())), task=task)]


def _files_in(folder: Path) -> Iterator[Path]:
    """All modules below *folder*, except in hidden folders, virtual environments and the like."""
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if _has_code(Path(where, each)))
        for path in (Path(where, name) for name in sorted(files)):
            is_module = path.suffix == ".py" and path.name not in _SKIPPED_FILES
            if is_module and not path.name.startswith(".") and path.is_file():
                yield path


def _has_code(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS
    return not is_hidden and not (folder / "pyvenv.cfg").exists()


def _of_file(file: Path) -> Target:
    """The module of *file*, named as in ``pyflyte``: from the folder of its outermost package."""
    path = Path(os.path.abspath(file))  # noqa: PTH100  # symbolic links are kept
    parts = [] if path.name == "__init__.py" else [path.stem]
    root = path.parent
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    return Target(*map(_decoded, (".".join(parts), str(root), str(file))))


def _decoded(path: str) -> str:
    """*path* decoded as UTF-8 in any locale: it becomes part of task names."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")
