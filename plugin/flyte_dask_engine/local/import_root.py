"""Where the code of a task is imported from."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["import_root"]


def import_root(function: Callable[..., Any]) -> Path | None:
    """The folder from which the module of *function* is imported.

    A command that runs the task, such as ``pyflyte run``, may have that folder in ``sys.path`` only
    while it imports.
    """
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if not file:
        return None  # in a notebook
    path = Path(file).parent if Path(file).stem == "__init__" else Path(file)
    parents, depth = path.parents, function.__module__.count(".")
    return parents[depth] if depth < len(parents) else None  # loaded under an unrelated name
