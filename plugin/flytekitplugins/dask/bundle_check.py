"""Whether team files go wherever the code goes that reads them.

The runner imports the task's module anew, and that reads them again.
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

_sent_along: Latest[None] = Latest()
"""The first of the tracked files, those that are known to be sent along."""


def left_behind(settings: SerializationSettings) -> tuple[Problem, ...]:
    """The files that the registered modules read, and that would not be sent with them.

    Without a fast registration the code is in the image, and so are its files, or not: that cannot
    be seen here.
    """
    fast, root = settings.fast_serialization_settings, settings.source_root
    if fast is None or not fast.enabled or root is None:
        return ()
    known = _sent_along.of(settings)
    fresh = tuple(islice(tracked, len(known), None))  # for each task, and nearly always none
    problems = tuple(_left_behind(root, fresh)) if fresh else ()
    if not problems:  # these end a registration, and who mends them may go on with its settings
        known.update(dict.fromkeys(fresh))
    return problems


def _left_behind(root: str, files: Iterable[TrackedFile]) -> Iterator[Problem]:
    folder = Path(root).resolve()
    # of other modules, which are not sent either, nothing is said
    of_sent = {each.path: each for each in files if _is_in(folder, each.module)}
    for each in of_sent.values():
        path = each.path.resolve()
        if not path.is_relative_to(folder):
            rule = f"{_what(each)} is not in {root}, of which alone the code is sent"
            yield Problem("file", path, rule, "move it there, next to the module")
        elif _is_ignored(folder, path):
            rule = f"{_what(each)} is ignored when the code is sent"
            remedy = "take it out of .gitignore, .dockerignore and .flyteignore"
            yield Problem("file", path, rule, remedy)


def _what(file: TrackedFile) -> str:
    """What it is read for."""
    if file.preset is not None:
        return f"of preset {file.preset}"
    return f"that {file.module} reads when it is imported"


def _is_in(folder: Path, module: Path | None) -> bool:
    return module is not None and module.resolve().is_relative_to(folder)


def _is_ignored(folder: Path, file: Path) -> bool:
    """Whether flytekit leaves it out; asking git takes a while."""
    group = IgnoreGroup(str(folder), [GitIgnore, DockerIgnore, StandardIgnore, FlyteIgnore])
    ignored: bool = group.is_ignored(str(file))
    return ignored
