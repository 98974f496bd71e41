"""The check that team files are in the code bundle, with the code that reads them."""

from __future__ import annotations

from pathlib import Path

from flyte.models import SerializationContext

from flyte_dask.errors import Problem
from flyte_dask.team_files.tracking import tracked

__all__ = ["left_behind"]


def left_behind(settings: SerializationContext | None) -> tuple[Problem, ...]:
    """The files that registered modules read but that are not in the bundle.

    Without a bundle the code is in the image, whose files are unknown here.
    """
    bundle = settings.code_bundle if settings else None
    if settings is None or settings.root_dir is None or bundle is None or bundle.files is None:
        return ()
    root = Path(settings.root_dir).resolve()
    bundled = {Path(root, each).resolve() for each in bundle.files}
    problems = {}
    for each in tracked:
        path = each.path.resolve()
        is_needed = each.module is not None and each.module.resolve() in bundled
        if is_needed and path not in bundled:
            rule = f"that {each.module} reads on import is not in the code bundle"
            remedy = "name it in TaskEnvironment(include=[...]), or move it next to the module"
            problems[path] = Problem("file", path, rule, remedy)
    return tuple(problems.values())
