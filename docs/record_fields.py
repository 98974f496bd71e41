"""The fields of a record's classes, from their source: name, type and the docstring below each."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise

__all__ = ["fields_of"]

_TYPES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "Mapping[str, int]": "object of integers",
    "Mapping[str, Mapping[str, object]]": "object of objects",
}


def fields_of(kind: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of each field of *kind*."""
    for node, following in pairwise(ast.walk(ast.parse(inspect.getsource(kind)))):
        match node, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name), annotation=annotation),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield f"`{name}`", _type(ast.unparse(annotation)), _plain(text)


def _type(annotation: str) -> str:
    """The type in words of JSON."""
    kind, *optional = annotation.split(" | ")
    if match := re.fullmatch(r"Sequence\[(\w+)\]", kind):
        return f"array of {_name(match[1])}"
    return _TYPES.get(kind, _name(kind)) + (" or null" if optional else "")


def _name(kind: str) -> str:
    """The name of a class of records in the document."""
    return kind.removesuffix("Record").removeprefix("Task").lower()


def _plain(text: str) -> str:
    return re.sub(r"\bNone\b", "null", " ".join(text.replace("``", "`").split()))
