"""Plugins that are pickled as their arguments and the compiled code of the modules they need.

Where such a plugin is unpickled, no flyte-dask is imported: its modules are made of that code,
under names of their own. cloudpickle would send each class and function in many pieces, which makes
opening a session take twice as long.
"""

from __future__ import annotations

import builtins
import marshal
import sys
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from types import CodeType, ModuleType
from typing import Any, cast

__all__ = ["ByCode", "code_of"]


class ByCode:
    """Base of plugins whose module imports nothing but Python's own, Dask, and others like itself.

    They are made again in the cluster, with the same positional arguments.
    """

    arguments: tuple[Any, ...]

    def __new__(cls, *arguments: Any) -> Any:
        """Keep the *arguments*."""
        made = super().__new__(cls)
        made.arguments = arguments
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """How to make it again."""
        kind = type(self)
        return _made, (code_of(kind.__module__), kind.__module__, kind.__name__, self.arguments)


@cache
def code_of(module: str) -> dict[str, tuple[str, bytes]]:
    """The marshalled code of *module*, and of all others of this distribution that it imports.

    By the names of the modules, each with the name that it gets where it is made: code of another
    version has another one.
    """
    code = _compiled(module)
    data = marshal.dumps(code)
    found = {module: (f"{module}-{sha256(data).hexdigest()[:16]}", data)}
    # the names of a module include those that it imports
    for name in code.co_names:
        if name.startswith(f"{_ROOT}."):
            found |= code_of(name)
    return found


def _compiled(module: str) -> CodeType:
    """The code of *module*, from its cached bytecode if there is one."""
    spec = sys.modules[module].__spec__
    loader: Any = spec and spec.loader
    if not hasattr(loader, "get_code"):  # such as pytest's loader for modules of plugins
        loader = SourceFileLoader(module, str(sys.modules[module].__file__))
    return cast("CodeType", loader.get_code(module))


def _made(
    code: Mapping[str, tuple[str, bytes]], module: str, name: str, arguments: tuple[Any, ...]
) -> Any:
    """The plugin of class *name* of a *module* that is made of its *code*."""
    return getattr(_module(code, module), name)(*arguments)


def _module(code: Mapping[str, tuple[str, bytes]], name: str) -> ModuleType:
    """The module *name* made of its *code*, once in this process."""
    own_name, data = code[name]
    # not the name itself: what cannot be found by name is pickled by value, such as in errors
    key = f"made {own_name}"
    if key in sys.modules:
        return sys.modules[key]

    def import_module(wanted: str, *others: Any) -> Any:
        return _module(code, wanted) if wanted in code else __import__(wanted, *others)

    made = ModuleType(own_name)
    vars(made)["__builtins__"] = {**vars(builtins), "__import__": import_module}
    exec(marshal.loads(data), vars(made))  # noqa: S102, S302  # it is our own
    return sys.modules.setdefault(key, made)


_ROOT = __name__.partition(".")[0]
