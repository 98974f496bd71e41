"""The check that team files are uploaded together with the code that reads them.

The runner imports the task's module again, which reads them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from flytekit.configuration import SerializationSettings
from flytekit.tools.ignore import DockerIgnore, FlyteIgnore, GitIgnore, IgnoreGroup, StandardIgnore

from flyte_dask.errors import Problem
from flyte_dask.team_files.tracking import TrackedFile, tracked
from flyte_dask_engine.registration.cache import Latest

__all__ = ["left_behind"]

_uploaded: Latest[None] = Latest()
"""The first of all tracked files, which are known to be uploaded."""


def left_behind(settings: SerializationSettings) -> tuple[Problem, ...]:
    """The files that registered modules read but that are not uploaded with them.

    Without fast registration the code is in the image, whose files are unknown here.
    """
    fast, root = settings.fast_serialization_settings, settings.source_root
    if fast is None or not fast.enabled or root is None:
        return ()
    known = _uploaded.of(settings)
    new = tuple(islice(tracked, len(known), None))  # nearly always none, for each task
    problems = tuple(_left_behind(root, new)) if new else ()
    if not problems:  # otherwise a user may fix them and register with the same settings
        known.update(dict.fromkeys(new))
    return problems


def _left_behind(root: str, files: Iterable[TrackedFile]) -> Iterator[Problem]:
    folder = Path(root).resolve()
    # files of other modules don't matter: those are not uploaded either
    by_path = {each.path: each for each in files if _is_in(folder, each.module)}
    for each in by_path.values():
        path = each.path.resolve()
        if not path.is_relative_to(folder):
            rule = f"{_use(each)} is outside of {root}, the only folder that is uploaded"
            yield Problem("file", path, rule, "move it there, next to the module")
        elif _is_ignored(folder, path):
            rule = f"{_use(each)} is excluded from the upload of the code"
            remedy = "remove it from .gitignore, .dockerignore and .flyteignore"
            yield Problem("file", path, rule, remedy)


def _use(file: TrackedFile) -> str:
    """What *file* is read for."""
    if file.preset is not None:
        return f"of preset {file.preset}"
    return f"that {file.module} reads on import"


def _is_in(folder: Path, module: Path | None) -> bool:
    return module is not None and module.resolve().is_relative_to(folder)


def _is_ignored(folder: Path, file: Path) -> bool:
    """Whether flytekit excludes *file*; slow, since it asks git."""
    group = IgnoreGroup(str(folder), [GitIgnore, DockerIgnore, StandardIgnore, FlyteIgnore])
    ignored: bool = group.is_ignored(str(file))
    return ignored
