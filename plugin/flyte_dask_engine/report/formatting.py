"""Names of workers as the report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix

__all__ = ["short_names", "worker_label"]


def short_names(names: Sequence[str]) -> dict[str, str]:
    """A short label for each name of a worker: without their common prefix, up to a dash."""
    common = commonprefix(names) if len(names) > 1 else ""  # noqa: RUF071  # these are no paths
    length = common.rfind("-") + 1
    return {name: worker_label(name[length:] or name) for name in names}


def worker_label(name: str) -> str:
    """A worker's name; ``worker 3`` for a name that is only a number."""
    return f"worker {name}" if name.isdecimal() else name
