"""Only modules called ``*_internals`` use private names of flytekit and distributed."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import PROJECT

pytestmark = pytest.mark.source

PLUGIN = PROJECT / "plugin"
MODULES = sorted(
    path for path in PLUGIN.rglob("*.py") if not path.stem.endswith(("_internals", "__main__"))
)
OTHERS = ("dask", "distributed", "flytekit")
DOCUMENTED = {"_asdict", "_exit", "_fields", "_make", "_replace"}
"""Names of Python that begin with an underscore, and are no secret."""


def is_private(name: object) -> bool:
    """Whether it is a private name."""
    is_name = isinstance(name, str) and name.isidentifier() and name.strip("_")
    return bool(is_name) and str(name).startswith("_") and not str(name).endswith("__")


def private_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each private name that a module imports, or takes from an object."""
    own = {"self", "cls"}
    for node in ast.walk(tree):
        line, names = getattr(node, "lineno", 0), list[object]()
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in own:
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(each.name for each in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for each in node.names for part in each.name.split(".")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {
            *("getattr", "setattr", "delattr", "hasattr", "attrgetter", "methodcaller")
        }:
            names = [each.value for each in node.args if isinstance(each, ast.Constant)]
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).startswith("vars("):
            names = [getattr(node.slice, "value", None)]
        yield from ((line, str(each)) for each in names if is_private(each))


def private_names_of_others(kind: type) -> set[str]:
    """The private names that classes of other packages give to *kind*, which builds on them."""
    bases = [each for each in kind.__mro__ if each.__module__.partition(".")[0] in OTHERS]
    return {
        name for each in bases for name in (*vars(each), *names_of_self(each)) if is_private(name)
    }


def names_of_self(kind: type) -> Iterator[str]:
    """The methods that the body of a class defines, and the attributes of its objects there."""
    for node in ast.walk(ast.parse(inspect.cleandoc("\n" + inspect.getsource(kind)))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"self", "super()"}:
            yield node.attr
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name


def found_in(path: Path) -> Iterator[str]:
    """Each private name of another package that the module at *path* uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for line, name in private_names(tree):
        if name not in DOCUMENTED:
            yield f"{path.relative_to(PLUGIN)}:{line} {name}"
    yield from inherited(path)


def inherited(path: Path) -> Iterator[str]:
    """Those that its classes override or use, of classes that they build on."""
    name = ".".join(path.relative_to(PLUGIN).with_suffix("").parts).removesuffix(".__init__")
    module: Any = import_module(name)
    for kind in vars(module).values():
        if inspect.isclass(kind) and kind.__module__ == name:
            for each in sorted({*names_of_self(kind)} & private_names_of_others(kind)):
                yield f"{path.relative_to(PLUGIN)} {kind.__name__}.{each}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PLUGIN).as_posix())
def test_a_module_uses_no_private_name_of_another_package(path: Path) -> None:
    assert [*found_in(path)] == []


def test_such_names_are_found() -> None:
    """In the modules that have them."""
    (flytekit,) = PLUGIN.rglob("flytekit_internals.py")
    (distributed,) = PLUGIN.rglob("distributed_internals.py")
    found = {each.rpartition(" ")[2].rpartition(".")[2] for each in found_in(flytekit)}
    assert {"_get_deck", "_flyte_entity", "_write_decks", "_disable_deck", "_task_config"} <= found
    found = {each.rpartition(" ")[2].rpartition(".")[2] for each in found_in(distributed)}
    assert {"_instances", "_on_worker_exit_sync", "_ensure_connected", "_start"} <= found
