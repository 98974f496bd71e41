"""Remedies for imports of a module that exists, but not below the folder of imports."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from flyte_dask_cli.loading.targets import Target, has_code, is_package, shown

__all__ = ["remedy_for"]


def remedy_for(error: BaseException, file: str | None, target: Target) -> str | None:
    """What to pass to the command, so that the module is found that *error* has missed.

    It is looked for next to the file, in each folder above up to the folder of imports of *target*,
    and in the folders that are directly in these.

    Args:
        error: what ended the import of *target*.
        file: the file of the import that failed; None if *target* itself was not found.
        target: a module.
    """
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name or "." in name:
        return None
    root = Path(target.root)
    path = Path(os.path.realpath(file)) if file else None
    for folder in _folders(path.parent if path else root, root):
        if found := _in(folder, name):
            return _remedy(found, path, target)
    return None


def _folders(first: Path, root: Path) -> Iterator[Path]:
    """*first*, the folders above it up to *root*, and those that are directly in each of them."""
    above = (first, *first.parents) if first.is_relative_to(root) else (first,)
    for folder in above:
        yield folder
        yield from (each for each in _folders_in(folder) if has_code(each))
        if folder == root:
            return


def _folders_in(folder: Path) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if each.is_dir())
    except OSError:
        return []


def _in(folder: Path, name: str) -> Path | None:
    """The module or package *name* of *folder*."""
    module, package = folder / f"{name}.py", folder / name
    if module.is_file():
        return module
    return package if is_package(package) else None


def _remedy(found: Path, file: Path | None, target: Target) -> str:
    folder = found.parent
    where, name = shown(folder), found.stem
    if is_package(folder):
        return f"{name} is in the package {where}: import it from there"
    is_next = file is not None and file.parent == folder
    text = f"{name} is {'next to the file' if is_next else f'in {where}'}"
    if target.is_root_given:
        return f"{text}: pass --root-dir {where}"
    if is_next:
        return f"{text}: pass {shown(folder / '*.py')}"
    if file is None or file.is_relative_to(found):
        return f"{text}: pass {shown(found)}"
    return f"{text}: install its project, or set PYTHONPATH={where}"
