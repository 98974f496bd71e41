"""The context of the task that runs."""

from __future__ import annotations

from typing import Any

import flyte
from flyte.models import TaskContext

__all__ = ["task_context"]


def task_context() -> TaskContext | None:
    """The context of the task that runs; None outside of one."""
    context: Any = flyte.ctx()
    return context or None  # recent releases have a null object
