"""The texts on the page about troubleshooting exist: ours in our code, and Dask's in Dask's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

import flyte_dask.errors
from flyte_dask.errors import FlyteDaskError
from flytekitplugins.dask import errors as failures
from tests.support.paths import DOCS, PROJECT

pytestmark = [pytest.mark.once, pytest.mark.source]

PAGE = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
OURS = [PROJECT / name for name in ("dsl", "plugin")]

_TEXT = re.compile(r"`([^`]+)`")


def quoted(section: str) -> list[str]:
    """The texts in the first column of the table below a heading."""
    table = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \| .* \| .* \|$", table, re.MULTILINE)
    return [text for cell in cells for text in _TEXT.findall(cell)]


def constants(folders: list[Path]) -> str:
    """All texts in the code, each on a line; what is put into an f-string is a placeholder."""
    trees = (
        ast.parse(path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
    )
    return "\n".join(text for tree in trees for text in _texts(tree))


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.JoinedStr):
            parts = (each.value if isinstance(each, ast.Constant) else "{}" for each in node.values)
            yield " ".join("".join(map(str, parts)).split("\n"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield " ".join(node.value.split("\n"))


def unknown(texts: list[str], code: str) -> list[str]:
    """The texts that are not in the code; an ellipsis is anything on the same line."""
    patterns = {text: ".*".join(map(re.escape, text.split("..."))) for text in texts}
    return [text for text, pattern in patterns.items() if not re.search(pattern, code)]


@pytest.fixture(scope="module")
def ours() -> str:
    return constants(OURS)


@pytest.mark.parametrize(
    "section",
    [
        *("When a config is written", "When a task is defined or registered"),
        *("When a task runs", "The command"),
    ],
)
def test_our_texts_are_in_our_code(section: str, ours: str) -> None:
    texts = quoted(section)
    assert len(texts) > 8
    assert unknown(texts, ours) == []


def test_the_texts_of_dask_are_in_its_code() -> None:
    spec = find_spec("distributed")
    assert spec is not None
    assert spec.submodule_search_locations
    (folder,) = map(Path, spec.submodule_search_locations)
    texts = quoted("What Dask says")
    assert len(texts) > 12
    assert unknown(texts, constants([folder])) == []


@pytest.mark.parametrize("module", [flyte_dask.errors, failures], ids=lambda each: each.__name__)
def test_each_error_is_on_the_page(module: ModuleType) -> None:
    errors = [name for name in module.__all__ if _is_raised(getattr(module, name))]
    assert [name for name in errors if f"`{name}`" not in PAGE] == []


def _is_raised(kind: object) -> bool:
    bases = (flyte_dask.errors.ConfigError, FlyteDaskError)
    return isinstance(kind, type) and issubclass(kind, FlyteDaskError) and kind not in bases


def test_a_text_that_is_not_there_is_found(ours: str) -> None:
    assert unknown(["is a ..., one part of a config", "is a ... never written"], ours) == [
        "is a ... never written"
    ]
