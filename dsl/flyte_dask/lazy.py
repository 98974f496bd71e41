"""Names of a package that are imported when they are first used, so that importing it stays cheap.

A package says ``__getattr__ = lazy(__name__, {...})`` where type checkers do not look, and imports
the same names where only they do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazy"]


def lazy(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of *package*, which finds each name in its module of *modules*."""

    def __getattr__(name: str) -> object:  # noqa: N807  # it is the package's
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return __getattr__
