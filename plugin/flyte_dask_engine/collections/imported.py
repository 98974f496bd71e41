"""Classes of modules that need not be imported."""

from __future__ import annotations

import sys

__all__ = ["imported_class", "is_imported_class", "is_instance"]


def imported_class(module: str, name: str) -> object:
    """A class of *module*; None as long as it is not imported."""
    return getattr(sys.modules.get(module), name, None)


def is_instance(value: object, module: str, name: str) -> bool:
    """Whether *value* is an instance of that class."""
    kind = imported_class(module, name)
    return isinstance(kind, type) and isinstance(value, kind)


def is_imported_class(kind: object, module: str, name: str) -> bool:
    """Whether *kind* is that class."""
    return kind is not None and kind is imported_class(module, name)
