"""Lazy imports: names of a package that are imported on first use, to keep its import cheap.

A package sets ``__getattr__ = lazy(__name__, {...})`` at run time, and imports the same names under
``TYPE_CHECKING``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazy"]


def lazy(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of *package* that imports each name from its module in *modules*."""

    def __getattr__(name: str) -> object:  # noqa: N807  # becomes that of the package
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return __getattr__
