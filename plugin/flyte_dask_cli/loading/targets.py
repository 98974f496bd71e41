"""Targets of the command line: modules, files and folders, and tasks in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import final

import attrs
import click

from flyte_dask.errors import clipped, short
from flyte_dask.errors.suggestions import listed

__all__ = [
    "InvalidTargets",
    "Target",
    "Targets",
    "has_code",
    "is_package",
    "path_of",
    "shown",
    "targets_of",
]

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
    is_root_given: bool = False
    """Whether the root was given on the command line, and does not follow from the file."""


@final
@attrs.frozen
class Targets:
    """The modules of the command line."""

    modules: tuple[Target, ...]
    not_imported: tuple[str, ...] = ()
    """What to pass for Python files that ``pyflyte`` does not import, in folders without an
    ``__init__.py``: packages in them, such as ``src/acme``, and files, such as ``flat/*.py``."""


@final
class InvalidTargets(click.UsageError):
    """Targets without modules."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(clipped("\n".join(problems)))
        self.problems = problems
        """One for each target, which it starts with."""


def targets_of(texts: Iterable[str], root_dir: str | None = None) -> Targets:
    """The modules of *texts*, without duplicates, in order.

    Args:
        texts: each a file, a folder (all modules in it) or a module, with ``:TASK`` for one task.
        root_dir: the folder to import them all from, as in ``flyte deploy``; by default as in
            ``pyflyte``.

    Raises:
        InvalidTargets: with all texts that are invalid.
    """
    found: dict[tuple[str, str, str | None], Target] = {}
    skipped: dict[str, None] = {}
    problems = []
    for text in texts:
        targets = _targets(text, None if root_dir is None else _real(Path(root_dir)))
        if isinstance(targets, str):
            problems.append(f"{short(text)}: {targets}")
        else:
            modules = [attrs.evolve(each, is_root_given=bool(root_dir)) for each in targets.modules]
            found.update({(each.name, each.root, each.task): each for each in modules})
            skipped.update(dict.fromkeys(targets.not_imported))
    if problems:
        raise InvalidTargets(problems)
    return Targets(tuple(found.values()), tuple(skipped))


def _targets(text: str, root: Path | None) -> Targets | str:
    """The modules of the target *text*; or the problem, if it is invalid."""
    where, task = _split(text)
    path = Path(where)
    if root is not None and where and path.exists() and not _real(path).is_relative_to(root):
        return f"not in {root}, the folder of imports (--root-dir)"
    if where and path.is_dir():
        if task:
            return f"{where} is a folder: pass the file that defines {task}"
        return _of_folder(path, _real(path), root or _root_of(path), only_packages=root is None)
    if path.suffix == ".py" and path.is_file():
        made = _of_file(path, _real(path), root or _root_of(path))
        return Targets((attrs.evolve(made, task=task),))
    if path.suffix != ".py" and all(part.isidentifier() for part in where.split(".")):
        return _of_name(where, task, root)
    is_file = path.is_file()
    return "not a Python file" if is_file else "not an existing file or folder, nor a module name"


def _split(text: str) -> tuple[str, str | None]:
    """The path or module of the target *text*, and its task."""
    head, _, tail = text.rpartition(":")
    if head and _decoded(tail).isidentifier() and not Path(text).exists():
        return head, _decoded(tail)
    return text, None


def path_of(text: str) -> Path | None:
    """The existing file or folder of the target *text*; None if it is a module, or invalid."""
    path = Path(_split(text)[0])
    return path if text and path.exists() else None


def _of_name(name: str, task: str | None, root: Path | None) -> Targets | str:
    """The module or package *name*, from the working directory without a *root*."""
    package, above = Path(*name.split(".")), root or Path.cwd()
    if (above / package).is_dir() and not task:
        folder, real = above / package if root else package, above / package
        return _of_folder(folder, real, above, only_packages=root is None)
    return Targets((Target(_decoded(name), _decoded(str(above)), task=task),))


def _root_of(path: Path) -> Path:
    """The folder of imports, as in ``pyflyte``: the first one above *path* that is no package."""
    root = _real(path).parent
    while is_package(root):
        root = root.parent
    return root


def _of_folder(folder: Path, real: Path, root: Path, *, only_packages: bool) -> Targets | str:
    """The modules of *folder* and of the folders in it; or the problem.

    They are named from *root*, in which the folder is *real*. With *only_packages* they are those
    that ``pyflyte`` imports, and not what is in folders that are no packages.
    """
    files: list[Path] = []
    skipped: list[str] = []
    for path, folders, names in os.walk(folder, followlinks=True):
        where = Path(path)
        inside = [where / each for each in sorted(folders) if has_code(where / each)]
        inside = [each for each in inside if not _real(where).is_relative_to(_real(each))]  # a loop
        left_out = [each for each in inside if only_packages and not is_package(each)]
        skipped += [_decoded(each) for folder in left_out for each in _to_pass(folder)]
        folders[:] = [each.name for each in inside if each not in left_out]
        files += [where / name for name in sorted(names) if _is_module(where / name)]
    if files:
        modules = [_of_file(each, real / each.relative_to(folder), root) for each in files]
        return Targets(tuple(modules), tuple(skipped))
    if skipped:
        return f"it has Python files in folders without __init__.py only: pass {listed(skipped)}"
    return "no Python files in this folder that could be imported"


def _to_pass(folder: Path) -> Iterator[str]:
    """What to pass for the Python files in *folder*, which is no package, and below."""
    for path, folders, names in os.walk(folder):
        where = Path(path)
        if is_package(where):
            folders.clear()
            yield str(where)
            continue
        folders[:] = sorted(each for each in folders if has_code(where / each))
        if any(_is_module(where / name) for name in names):
            yield str(where / "*.py")


def has_code(folder: Path) -> bool:
    """Whether *folder* may have modules of a project, and is no environment or cache."""
    is_hidden = folder.name.startswith(".") or folder.name in _SKIPPED_FOLDERS
    return not is_hidden and not (folder / "pyvenv.cfg").exists()


def is_package(folder: Path) -> bool:
    """Whether *folder* has an ``__init__.py``."""
    return (folder / "__init__.py").exists()


def _is_module(file: Path) -> bool:
    """Whether ``pyflyte`` would import *file*, but for files that are made to be run."""
    is_python = file.suffix == ".py" and "." not in file.stem
    return is_python and file.name not in _SKIPPED_FILES and file.is_file()


def _of_file(file: Path, real: Path, root: Path) -> Target:
    """The module of *file*, at *real*, named from *root*."""
    parts = real.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Target(_decoded(name), _decoded(str(root)), _decoded(str(file)))


def shown(path: Path) -> str:
    """*path* as it may be passed: from the working directory if it is below."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _real(path: Path) -> Path:
    """The absolute path, without the symbolic links that ``pyflyte`` resolves in an argument."""
    return Path(os.path.realpath(path))


def _decoded(path: str) -> str:
    """*path* decoded as UTF-8 in any locale: it becomes part of task names."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")
