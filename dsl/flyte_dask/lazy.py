"""Lazy imports: names of a package that are imported on first use, to keep its import cheap.

A package sets ``__getattr__ = lazy(__name__, {...})`` at run time, and imports the same names under
``TYPE_CHECKING``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

__all__ = ["lazy", "missing"]


def lazy(package: str, modules: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of *package* that imports each name from its module in *modules*."""

    def __getattr__(name: str) -> object:  # noqa: N807  # becomes that of the package
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(modules[name]), name)

    return __getattr__


def missing(package: str, name: str, remedy: str | None = None) -> Exception:
    """The error of the ``__getattr__`` of *package*, which calls this, for a *name* that it lacks.

    It is an `AttributeError`, so that `hasattr` works. But ``from package import name`` makes an
    `ImportError` of that, without its text, so if there is a *remedy* it gets its own: the import
    system asks a package for each name in a function that can be recognized.
    """
    if remedy is None:
        return AttributeError(f"module {package!r} has no attribute {name!r}")
    message = f"{package} has no {name}: {remedy}"
    if sys._getframe(2).f_code.co_name == "_handle_fromlist":  # noqa: SLF001  # no other way
        return ImportError(message, name=package)
    return AttributeError(message)
