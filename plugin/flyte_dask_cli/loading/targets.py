"""What people name on the command line: modules, files and folders, and tasks in them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import final

import attrs

__all__ = ["NoTarget", "Target", "targets_of"]

_NO_CODE = {"__pycache__", "node_modules", "site-packages", "dist-packages"}
_SCRIPTS = {"setup.py", "__main__.py"}


class NoTarget(ValueError):
    """A text that names nothing there is; it says why, and what to write."""


@final
@attrs.frozen
class Target:
    """A module to import, and which of its tasks are meant."""

    name: str
    """Its name, as it is imported."""
    root: str
    """The folder from which."""
    file: str | None = None
    """Its file; None if the name was said, and no file."""
    task: str | None = None
    """The one task that is meant; None is all."""


def targets_of(texts: Iterable[str]) -> list[Target]:
    """The modules that *texts* name, each once, in order.

    Args:
        texts: each a file, a folder, whose files are meant, or a module, and after a colon the
            name of one task.

    Raises:
        NoTarget: with all texts that name nothing.
    """
    found: dict[tuple[str, str, str | None], Target] = {}
    wrong = []
    for text in texts:
        named = _named(text)
        if isinstance(named, str):
            wrong.append(f"{text!r}: {named}")
        else:
            found.update({(each.name, each.root, each.task): each for each in named})
    if wrong:
        raise NoTarget("\n".join(wrong))
    return list(found.values())


def _named(text: str) -> list[Target] | str:
    """The modules that *text* names; or why it names none."""
    where, task = text, None
    head, _, tail = text.rpartition(":")
    if head and _decoded(tail).isidentifier() and not Path(text).exists():
        where, task = head, _decoded(tail)
    path = Path(where)
    is_name = all(word.isidentifier() for word in where.split(".")) and path.suffix != ".py"
    if where and path.is_dir():
        why = f"{where} is a folder: name the file of {task}"
        return why if task else [_of_file(each) for each in _files_in(path)]
    if path.is_file():
        why = "it is no Python file"
        return why if path.suffix != ".py" else [attrs.evolve(_of_file(path), task=task)]
    if is_name:
        return [Target(_decoded(where), _decoded(str(Path.cwd())), task=task)]
    return "there is no such file or folder, and it is no name of a module"


def _files_in(folder: Path) -> Iterator[Path]:
    """Its modules and those of the folders in it, but for installed packages and the like."""
    for where, folders, files in os.walk(folder):
        kept = [each for each in folders if _is_code(Path(where, each))]
        folders[:] = sorted(kept)
        for name in sorted(files):
            path = Path(where, name)
            if path.suffix == ".py" and name not in _SCRIPTS and _is_module(path):
                yield path


def _is_module(file: Path) -> bool:
    """Neither hidden, as editors hide their own, nor a link to nowhere, nor a pipe."""
    return not file.name.startswith(".") and file.is_file()


def _is_code(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".") or folder.name in _NO_CODE
    return not is_hidden and not (folder / "pyvenv.cfg").exists()


def _of_file(file: Path) -> Target:
    """The module of *file*, as ``pyflyte`` names it: from where its outermost package is."""
    path = Path(os.path.abspath(file))  # noqa: PTH100  # a link is imported where it is
    words = [] if path.name == "__init__.py" else [path.stem]
    root = path.parent
    while (root / "__init__.py").exists():
        words.insert(0, root.name)
        root = root.parent
    return Target(*map(_decoded, (".".join(words), str(root), str(file))))


def _decoded(path: str) -> str:
    """*path* as UTF-8 has it, whatever the locale: names of tasks come from it."""
    return os.fsencode(path).decode("utf-8", "surrogateescape")
