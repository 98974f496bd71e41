"""Whether a process can import a module; the scheduler and the workers are asked."""

from __future__ import annotations

from contextlib import suppress
from importlib.util import find_spec

__all__ = ["has_module"]


def has_module(name: str) -> bool:
    """Whether this process can import the module *name*."""
    with suppress(Exception):  # raised by packages that are imported on the way
        return find_spec(name) is not None
    return False
